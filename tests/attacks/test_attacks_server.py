"""Every attack against the reference server over real TLS: what it is told, what the journal says of it, that nothing came
of it, and that the next honest client is served. One case alone: `pytest tests/attacks -k XSW-03`."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import attack_lab as lab
import pytest
from attack_case import EVIL, Case, Side, Verdict, Xml
from attack_catalogue import CASES, POLICIES_USED
from attack_fort import Answer, Fort
from attack_garrison import Garrison

HERE = tuple(case for case in CASES if Side.SERVER in case.sides and case.sockets)
GROWTH = 300 * 1024 * 1024
"""Octets the server's process may hold more after the whole run than before it."""


@pytest.fixture(scope="session")
def garrison(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garrison]:
    with Garrison(tmp_path_factory.mktemp("garrison"), POLICIES_USED) as garrison:
        yield garrison


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in HERE if not case.restarted])
def test_refused_by_the_server(case: Case, garrison: Garrison, trap: lab.Trap) -> None:
    fort = garrison.forts[case.policy]
    prepare(fort, case)
    strike(case, garrison, trap)
    *_, entry, honest = fort.ordered("/journal")
    assert why(case.verdict) in entry["outcome"]
    assert len(entry["outcome"]) > len("fault Client: "), "it does not say why"
    assert honest["outcome"] == "ok"


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in HERE if case.restarted])
def test_refused_by_the_server_started_anew(case: Case, tmp_path: Path, trap: lab.Trap) -> None:
    with Garrison(tmp_path, (case.policy,)) as garrison:
        prepare(garrison.forts[case.policy], case)
        strike(case, garrison, trap)


def test_the_whole_run_leaves_nothing_behind(tmp_path: Path, trap: lab.Trap) -> None:
    """All of it, one after the other, against one process."""
    with Garrison(tmp_path, POLICIES_USED) as garrison:
        for case in {case.policy: case for case in HERE}.values():
            prepare(garrison.forts[case.policy], case)
        before = garrison.resident_octets
        for case in HERE:
            if not case.restarted:
                assert struck(case, garrison, trap).told == case.told, case.id
        assert garrison.alive
        assert garrison.resident_octets - before < GROWTH
        for policy, fort in garrison.forts.items():
            assert EVIL not in json.dumps(fort.holdings)
            assert honest(fort, policy)


def prepare(fort: Fort, case: Case) -> None:
    """The server as new, and the honest client known to it."""
    fort.ordered("/reset", b"{}")
    assert fort.post(lab.registration(case.policy, datetime.now(UTC), fort.recipient)).status == 200


def honest(fort: Fort, policy: str) -> bool:
    """Whether the honest client is served."""
    return fort.post(lab.question(policy, datetime.now(UTC), fort.recipient)).status == 200


def struck(case: Case, garrison: Garrison, trap: lab.Trap, unharmed: Callable[[Fort], None] = lambda _: None) -> Answer:
    """The server's answer to the attack. `unharmed` is called right before."""
    now, fort, back = datetime.now(UTC), garrison.forts[case.policy], b""
    message = lab.sealed(case, Side.SERVER, now, fort.recipient)
    if case.heard:
        heard = fort.post(message)
        assert heard.status == 200
        back = heard.body
    if case.restarted:
        garrison.restart()
        fort = garrison.forts[case.policy]
    unharmed(fort)
    return fort.post(case.attack(message, lab.loot(case, now, back, trap.url, fort.recipient)))


def strike(case: Case, garrison: Garrison, trap: lab.Trap) -> None:
    """The attack fails, and costs nobody anything."""
    before = []
    answer = struck(case, garrison, trap, lambda fort: before.append(fort.holdings))
    fort = garrison.forts[case.policy]
    assert answer.told == case.told
    assert [fort.holdings] == before
    assert honest(fort, case.policy)


def why(verdict: Verdict) -> str:
    """What the journal says of it."""
    if isinstance(verdict, Xml):
        return "fault Client: " if verdict in (Xml.DTD, Xml.PI) else "http 4"
    return str(verdict)

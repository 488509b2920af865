"""Every attack against the reference server over real TLS: what it is told, what the journal says of it, that nothing came
of it, and that the next honest client is served. One case alone: `pytest tests/attacks -k XSW-03`."""

import base64
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import attack_lab as lab
import pytest
from attack_case import HONEST, Case, Reason, Side, Verdict, Xml
from attack_catalogue import CASES, POLICIES_USED, single
from attack_fort import Answer, Fort
from attack_garrison import Garrison
from attacks_encryption import ENCRYPTED
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from meterpost.wsse import ContentKey

HERE = tuple(case for case in CASES if Side.SERVER in case.sides and case.sockets)


@pytest.fixture(scope="module")
def garrison(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garrison]:
    with Garrison(tmp_path_factory.mktemp("garrison"), POLICIES_USED) as garrison:
        yield garrison


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in HERE if not case.restarted])
def test_refused_by_the_server(case: Case, garrison: Garrison, trap: lab.Trap) -> None:
    strike(case, garrison, trap)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in HERE if case.restarted])
def test_refused_by_the_server_started_anew(case: Case, tmp_path: Path, trap: lab.Trap) -> None:
    with Garrison(tmp_path, (case.policy,)) as garrison:
        strike(case, garrison, trap)


def test_the_whole_run_leaves_nothing_behind(tmp_path: Path, trap: lab.Trap) -> None:
    """All of it, one after the other, against one process."""
    with Garrison(tmp_path, POLICIES_USED) as garrison:
        for policy, fort in garrison.forts.items():
            prepare(fort, policy)
        cases = [case for case in HERE if not case.restarted]
        with garrison.unharmed():
            told = {case.id: struck(case, garrison, trap).told for case in cases}
        assert told == {case.id: case.told for case in cases}


@single("ENC-48")
def test_a_key_of_another_size_is_answered_in_kind(garrison: Garrison) -> None:
    fort, key = garrison.forts[ENCRYPTED], os.urandom(16)
    prepare(fort, ENCRYPTED)
    before = len(fort.ordered("/journal"))
    answer = fort.post(
        lab.said(ENCRYPTED, lab.request(), datetime.now(UTC), fort.recipient, ContentKey.to(fort.recipient, key))
    )
    assert answer.told == "200 encrypted"
    (value,) = re.findall(rb"#aes128-gcm.*CipherValue>([^<]+)<", answer.body)
    sealed = base64.b64decode(value)
    assert AESGCM(key).decrypt(sealed[:12], sealed[12:], None).startswith(b"<m:RegisterProxyDevicesResponse ")
    assert [line["outcome"] for line in fort.ordered("/journal")[before:]] == ["ok"]
    assert fort.devices == [HONEST]


def test_whoever_asks_an_oracle_hears_one_answer(garrison: Garrison, trap: lab.Trap) -> None:
    """Whatever was wrong with what was encrypted, the server says the same, octet for octet but the time."""
    oracles = [case for case in HERE if case.verdict is Reason.DECRYPTION_FAILED]
    for case in oracles[:1]:
        prepare(garrison.forts[case.policy], case.policy)
    assert len({struck(case, garrison, trap).body for case in oracles}) == 1
    assert len(oracles) > 15


def test_a_stranger_hears_what_a_wrong_password_hears(garrison: Garrison, trap: lab.Trap) -> None:
    """Nobody learns which users there are."""
    prepare(garrison.forts["digest-2004"], "digest-2004")
    answers = {case.id: struck(case, garrison, trap).body for case in HERE if case.id in ("UT-04", "UT-05", "UT-06", "UT-07")}
    assert len(answers) == 4
    assert len(set(answers.values())) == 1


def prepare(fort: Fort, policy: str) -> None:
    """The server as new, and the honest client known to it."""
    fort.ordered("/reset", b"{}")
    assert fort.post(lab.registration(policy, datetime.now(UTC), fort.recipient)).status == 200


def honest(fort: Fort, policy: str) -> bool:
    """Whether the honest client is served."""
    return fort.post(lab.question(policy, datetime.now(UTC), fort.recipient)).status == 200


def struck(case: Case, garrison: Garrison, trap: lab.Trap) -> Answer:
    """The server's answer to the attack."""
    now, fort, back = datetime.now(UTC), garrison.forts[case.policy], b""
    message = lab.sealed(case, Side.SERVER, now, fort.recipient)
    if case.heard:
        heard = fort.post(message)
        assert heard.status == 200
        back = heard.body
    if case.restarted:
        garrison.restart()
        fort = garrison.forts[case.policy]
    return fort.post(case.attack(message, lab.loot(case, now, back, trap.url, fort.recipient)))


def strike(case: Case, garrison: Garrison, trap: lab.Trap) -> None:
    """The attack fails, the journal says why, and it costs nobody anything."""
    prepare(garrison.forts[case.policy], case.policy)
    answer = struck(case, garrison, trap)
    fort = garrison.forts[case.policy]
    assert answer.told == case.told
    assert fort.devices == ([HONEST] if case.heard else [])
    outcome = fort.ordered("/journal")[-1]["outcome"]
    assert why(case.verdict) in outcome
    assert len(outcome) > len("fault Client: "), "it does not say why"
    assert honest(fort, case.policy)


def why(verdict: Verdict) -> str:
    """What the journal says of it."""
    if isinstance(verdict, Xml):
        return "fault Client: " if verdict in (Xml.DTD, Xml.PI) else "http 4"
    return str(verdict)

"""The attacks in octets: what is answered to each, and that nothing hidden in one was ever taken for a request. And peers
that are slow, while they are: whoever is honest is served beside them."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic

import attack_lab as lab
import pytest
from attack_case import EVIL
from attack_catalogue import single
from attack_fort import Fort
from attack_garrison import Garrison
from attacks_http import CASES, CLOSE, SIEGES, Siege, Wire, Words, member

PATIENCE_S = 5.0


@pytest.fixture(scope="module")
def garrison(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garrison]:
    policies = tuple(dict.fromkeys(wire.policy for wire in CASES))
    with Garrison(tmp_path_factory.mktemp("garrison"), policies) as garrison:
        for policy, fort in garrison.forts.items():
            assert fort.post(lab.registration(policy, datetime.now(UTC), fort.recipient)).status == 200
        with garrison.unharmed():
            yield garrison


def asked(fort: Fort, policy: str) -> bytes:
    return lab.question(policy, datetime.now(UTC), fort.recipient)


@pytest.mark.parametrize("wire", [pytest.param(wire, id=wire.id) for wire in CASES])
def test_octets(wire: Wire, garrison: Garrison) -> None:
    fort, now = garrison.forts[wire.policy], datetime.now(UTC)
    evil = lab.said(wire.policy, lab.request(EVIL), now, fort.recipient)
    answer = fort.say(wire.octets(Words(fort.authority, asked(fort, wire.policy), evil)))
    assert tuple(answer.statuses) == wire.told, answer.octets
    assert fort.devices == []
    assert EVIL.encode() not in answer.octets
    assert fort.post(asked(fort, wire.policy)).status == 200


@single("ZIP-18")
@pytest.mark.parametrize(("blanks", "status"), [(0, 415), (70_000_000, 413)])
def test_no_journal_shows_a_password(blanks: int, status: int, garrison: Garrison) -> None:
    fort = garrison.forts["text-2004"]
    body = member(asked(fort, "text-2004") + b" " * blanks)
    assert fort.say(Words(fort.authority, b"", b"").whole(body, "Content-Encoding: gzip", CLOSE)).status == status
    line = fort.ordered("/journal")[-1]
    assert line["request"] == "*" * len(body)
    assert not any(lab.ACCOUNT.password in line["request"] for line in fort.ordered("/journal"))


@pytest.mark.parametrize("siege", [pytest.param(siege, id=siege.id) for siege in SIEGES])
def test_whoever_is_slow_keeps_nobody_waiting(siege: Siege, garrison: Garrison) -> None:
    fort = garrison.forts[siege.policy]
    words = Words(fort.authority, asked(fort, siege.policy), b"")
    with contextlib.ExitStack() as besiegers:
        with contextlib.suppress(TimeoutError):  # who finds no room, or never reads, has besieged enough
            for _ in range(siege.peers):
                connection = besiegers.enter_context(fort.connect(patience_s=1))
                connection.sendall(siege.octets(words))
        began = monotonic()
        assert fort.post(asked(fort, siege.policy), patience_s=PATIENCE_S).status == 200
        assert monotonic() - began < PATIENCE_S

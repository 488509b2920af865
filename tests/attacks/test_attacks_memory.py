"""Every attack against the reader and the security room by themselves: the exact verdict, in both directions."""

from dataclasses import replace
from datetime import UTC, datetime

import attack_lab as lab
import pytest
from attack_case import Case, Reason, Side, Xml
from attack_catalogue import CASES
from attack_forge import DERIVED, ENVELOPED, EXCLUSIVE, Forger

from meterpost.wsse import MemoryReplayCache
from meterpost_wsdl import xmlio

ROWS = [pytest.param(case, side, id=f"{case.id}-{side}") for case in CASES for side in case.sides]


SHARP = {
    "signed": Forger(),
    "signed-2002": Forger(),
    "digest+signed": Forger(ids=("B", "T", "U")),
    "compact-signed": Forger(ids=("E",), transforms=((ENVELOPED, ""), (EXCLUSIVE, ""))),
    "signed+encrypted": Forger(),
    "hmac": Forger(ids=("B", "T", "U"), method=DERIVED),
}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("policy", SHARP)
def test_what_the_forger_makes_with_the_honest_key_is_accepted(policy: str, side: Side) -> None:
    """Else it would be refused for the forger's mistakes, not for the attack."""
    now, case = datetime.now(UTC).replace(microsecond=0), replace(CASES[0], policy=policy)
    message = SHARP[policy](lab.sealed(case, side, now), lab.loot(case, now, b"", ""))
    assert b"EVIL" in message or policy == "signed+encrypted"
    verdict = lab.opened(message, case, side, MemoryReplayCache(), now)
    assert verdict.ok, verdict.reasons


@pytest.mark.parametrize(("case", "side"), ROWS)
def test_verdict(case: Case, side: Side, trap: lab.Trap) -> None:
    replay, now = MemoryReplayCache(), datetime.now(UTC).replace(microsecond=0)
    message = lab.sealed(case, side, now)
    if case.heard:
        assert lab.opened(message, case, side, replay, now).ok
    back = lab.answered(case, replay, now)
    attack = case.attack(message, lab.loot(case, now, back, trap.url))
    assert attack != message or case.heard or case.sealed_with, "nothing was done to the message"
    if isinstance(case.verdict, Xml):
        with pytest.raises(xmlio.BadXml) as caught:
            xmlio.parse(attack)
        assert caught.value.kind == case.verdict
        return
    verdict = lab.opened(attack, case, side, replay, now)
    assert verdict.reason is case.reason, verdict.reasons
    if isinstance(case.verdict, Reason):
        fault = verdict.fault
        assert fault is not None
        assert case.told.partition(":")[2] == fault.name

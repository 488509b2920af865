"""Every attack against the reader and the security room by themselves: the exact verdict, in both directions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from time import process_time

import attack_lab as lab
import pytest
from attack_case import Case, Reason, Side, Xml
from attack_catalogue import CASES
from attack_forge import DERIVED, ENVELOPED, EXCLUSIVE, Forger

from meterpost.wsse import MemoryReplayCache, signature
from meterpost_wsdl import xmlio

PRICE_S = 3.0
"""Of CPU time, the most that a message may take to be refused. All take less than a second; what grows with the square of
something in the message would take minutes."""
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


@contextmanager
def cheaply() -> Iterator[None]:
    """What is done here takes little of the processor, however long it waits for its turn."""
    began = process_time()
    yield
    assert process_time() - began < PRICE_S


@pytest.mark.parametrize(("case", "side"), ROWS)
def test_verdict(case: Case, side: Side, trap: lab.Trap) -> None:
    replay, now = MemoryReplayCache(), datetime.now(UTC).replace(microsecond=0)
    message = lab.sealed(case, side, now)
    if case.heard:
        assert lab.opened(message, case, side, replay, now).ok
    back = lab.answered(case, replay, now)
    attack = case.attack(message, lab.loot(case, now, back, trap.url))
    assert attack != message or case.heard or case.sealed_with or case.stray, "nothing was done to the message"
    if isinstance(case.verdict, Xml):
        with pytest.raises(xmlio.BadXml) as caught, cheaply():
            xmlio.parse(attack)
        assert caught.value.kind == case.verdict
        return
    with cheaply():
        verdict = lab.opened(attack, case, side, replay, now)
    assert verdict.reason is case.reason, verdict.reasons
    if isinstance(case.verdict, Reason):
        fault = verdict.fault
        assert fault is not None
        assert case.told.partition(":")[2] == fault.name


SHAPELESS = (Reason.SIGNATURE_MALFORMED, Reason.SIGNATURE_COVERAGE, Reason.ID_REPEATED)
NOT_IN_ORDER = [row for row in ROWS if row.values[0].reason in SHAPELESS and not row.values[0].id.startswith("ENC")]


@pytest.mark.parametrize(("case", "side"), NOT_IN_ORDER)
def test_what_is_not_in_order_is_nobody_s_work(case: Case, side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """xmlsec, which would follow a reference anywhere and try any key, never sees it."""
    now = datetime.now(UTC).replace(microsecond=0)
    message = lab.sealed(case, side, now)
    attack = case.attack(message, lab.loot(case, now, lab.answered(case, MemoryReplayCache(), now), "http://127.0.0.1:9/"))
    monkeypatch.setattr(signature, "xmlsec", None)
    assert lab.opened(attack, case, side, MemoryReplayCache(), now).reason is case.reason

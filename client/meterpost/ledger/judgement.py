"""Whether a reading may be billed. Pure: a table of rules over a reading and what came before it.

A doubtful reading is held with its reasons, never dropped and never corrected. And it does not block billing for
ever: a new base (a counter that fell, a meter that went away) which the following reading confirms is accepted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from meterpost.model import Judgement, Reading, instant

PAGES_PER_MINUTE = 200
"""No office printer is faster: the fastest cut-sheet devices this client meets print 150 to 160 a minute."""
SLACK = timedelta(minutes=5)
"""Added to the time between two readings: two clocks' difference, and counters a device writes down late."""
COUNTER32 = 2**32
"""Where a Counter32 begins again (RFC 2578, 7.1.6)."""
LARGEST_VALUE = 9_999_999_999
"""Ten digits are what the billing message has room for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`reason(reading, previous)` is a sentence for the administrator, '' where there is nothing odd.
    `confirmable`: the same base seen twice in a row is believed."""

    reason: Callable[[Reading, Reading | None], str]
    confirmable: bool = False


def judge(reading: Reading, previous: Reading | None, last: Reading | None = None) -> Judgement:
    """The judgement of `reading`. `previous` is the last good reading of the same serial, None for a device's first;
    `last` is the reading directly before this one, which may have been held."""
    confirmed = last is not None and not any(rule.reason(reading, last) for rule in RULES)
    reasons = (rule.reason(reading, previous) for rule in RULES if not (rule.confirmable and confirmed))
    return Judgement(tuple(filter(None, reasons)))


def _no_serial(reading: Reading, previous: Reading | None) -> str:
    if reading.serial:
        return ""
    return f"The device at {reading.address} reports no serial number, so nobody can say whose meters these are."


def _no_meters(reading: Reading, previous: Reading | None) -> str:
    return "" if reading.meters else f"The device at {reading.address} reports no meter at all."


def _too_large(reading: Reading, previous: Reading | None) -> str:
    return _sentence(
        [
            f"Meter '{meter.name}' stands at {meter.value}, more than the ten digits a billing message can carry"
            for meter in reading.meters
            if meter.value > LARGEST_VALUE
        ]
    )


def _fell(reading: Reading, previous: Reading | None) -> str:
    return _sentence(
        [
            f"Meter '{name}' fell from {before} to {now}"
            for name, before, now in _common(reading, previous)
            if now < before and not _wrapped(before, now, _possible(reading, previous))
        ],
        "Was the device's controller replaced or reset? The next reading is accepted if it goes on from here.",
    )


def _jumped(reading: Reading, previous: Reading | None) -> str:
    if previous is None:
        return ""
    possible = _possible(reading, previous)
    return _sentence(
        [
            f"Meter '{name}' rose by {now - before} since {instant(previous.taken_at)}"
            for name, before, now in _common(reading, previous)
            if now - before > possible
        ],
        f"No device counts more than {possible} in that time: compare it with the device's own panel.",
    )


def _disappeared(reading: Reading, previous: Reading | None) -> str:
    if previous is None or not reading.meters:
        return ""
    present = {meter.name for meter in reading.meters}
    return _sentence(
        [
            f"Meter '{meter.name}' is missing, it stood at {meter.value}"
            for meter in previous.meters
            if meter.name not in present
        ],
        "The next reading is accepted without it if it is still missing then.",
    )


RULES = (
    Rule(_no_serial),
    Rule(_no_meters),
    Rule(_too_large),
    Rule(_fell, confirmable=True),
    Rule(_jumped),
    Rule(_disappeared, confirmable=True),
)


def _possible(reading: Reading, previous: Reading | None) -> int:
    """The most a device can have printed since `previous`."""
    passed = max(reading.taken_at - previous.taken_at, timedelta(0)) if previous else timedelta(0)
    return PAGES_PER_MINUTE * ((passed + SLACK) // timedelta(minutes=1))


def _wrapped(before: int, now: int, possible: int) -> bool:
    """A counter of 32 bits that came round, and not further than it can have."""
    return before < COUNTER32 and (now - before) % COUNTER32 <= possible


def _common(reading: Reading, previous: Reading | None) -> Iterator[tuple[str, int, int]]:
    """Name, value before and value now of every meter that both have."""
    before = {meter.name: meter.value for meter in previous.meters} if previous else {}
    return ((meter.name, before[meter.name], meter.value) for meter in reading.meters if meter.name in before)


def _sentence(oddities: list[str], advice: str = "") -> str:
    """The first oddity in full and how many are like it: a device has forty meters, and they tend to err together."""
    if not oddities:
        return ""
    others = f" (and {len(oddities) - 1} more like it)" if len(oddities) > 1 else ""
    return f"{oddities[0]}{others}. {advice}".rstrip()

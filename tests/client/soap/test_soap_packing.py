"""A reading becomes parts that each fit the slope of T7, and together hold everything."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from messages_strategies import text

from meterpost.model import Meter, Reading, Supply, SupplyState
from meterpost.soap import pack
from meterpost.soap.envelope import element
from meterpost.soap.packing import _DEVICE
from meterpost_wsdl.budgets import find

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
names = st.lists(text(40, 1), max_size=60, unique=True)
supplies = st.builds(
    Supply,
    index=st.just("1"),
    description=text(200),
    kind=st.just("toner"),
    supply_class=st.just("consumed"),
    color=text(20),
    level=st.integers(-3, 2**31),
    capacity=st.integers(-2, 2**31),
    unit_code=st.integers(1, 99),
    unit=st.just(""),
    percent=st.none(),
    state=st.just(SupplyState.KNOWN),
)


@given(names, st.lists(supplies, max_size=30), text(32, 1))
def test_nothing_is_dropped_and_every_part_fits(meters: list[str], stock: list[Supply], serial: str) -> None:
    reading = Reading(
        "127.0.0.1",
        161,
        NOW,
        serial=serial,
        meters=tuple(Meter(name, 9_999_999_999, "impressions", "1.3") for name in meters),
        supplies=tuple(stock),
    )
    parts = pack("x" * 36, NOW, reading, ())
    assert [part.part for part in parts] == list(range(1, len(parts) + 1))
    assert {part.of for part in parts} == {len(parts)}
    assert [value.name for part in parts for value in part.meters] == meters
    usages = [usage for part in parts for usage in part.supplies]
    assert [(u.level, u.capacity, u.unit) for u in usages] == [(s.level, s.capacity, s.unit_code) for s in stock]
    assert len({usage.name for usage in usages}) == len(usages)  # two supplies never share a name
    slope = find("T7").per_device
    assert all(len(element(_DEVICE, part).encode()) <= slope for part in parts)


def test_only_what_was_asked_for_is_answered() -> None:
    reading = Reading("127.0.0.1", 161, NOW, serial="A", meters=(Meter("a", 1, "", ""), Meter("b", 2, "", "")))
    (part,) = pack("1", NOW, reading, ("b", "not there"))
    assert [(value.name, value.value) for value in part.meters] == [("b", 2)]


def test_parts_are_filled_before_a_new_one_begins() -> None:
    reading = Reading(
        "127.0.0.1", 161, NOW, serial="A", meters=tuple(Meter(f"{i:040}", 9_999_999_999, "", "") for i in range(40))
    )
    first, *rest = pack("1", NOW, reading, ())
    one = len(element(_DEVICE.children[0].shape, first.meters[0]).encode())
    assert find("T7").per_device - len(element(_DEVICE, first).encode()) < one + 10
    assert len(rest) == 2

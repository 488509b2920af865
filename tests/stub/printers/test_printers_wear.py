"""Printing moves what a maker counts, consistently, and takes supplies down; nothing else changes."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterpost.recording import Tag, Variable, load, oid
from meterpost_stub.printers import BUILT_IN, recordings_in
from meterpost_stub.printers.mib import Mib
from meterpost_stub.printers.wear import NOMINAL_YIELD, Job, advance

LIFE, POWER_ON = "1.3.6.1.2.1.43.10.2.1.4.1.1", "1.3.6.1.2.1.43.10.2.1.5.1.1"
LEVEL, CAPACITY = "1.3.6.1.2.1.43.11.1.1.9.1", "1.3.6.1.2.1.43.11.1.1.8.1"

# recording -> what each of the maker's objects rises by, printing 100 pages, 30 of them in colour
MOVES = {
    "xerox-altalink": {
        **dict.fromkeys((f"1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.{n}" for n in (1, 2, 38)), 100),
        **dict.fromkeys((f"1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.{n}" for n in (7, 8, 34)), 70),
        **dict.fromkeys((f"1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.{n}" for n in (29, 30, 33, 80, 83)), 30),
    },
    "xerox-colorqube": {
        f"1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.{n}": pages
        for n, pages in ((1, 100), (2, 100), (7, 70), (29, 30), (33, 30), (34, 70), (38, 100), (80, 30))
    },
    "hp": {f"1.3.6.1.4.1.11.2.3.9.4.2.1.4.1.2.{n}.0": pages for n, pages in ((5, 100), (6, 70), (7, 30))},
    "kyocera": {
        "1.3.6.1.4.1.1347.43.10.1.1.12.1.1": 100,
        "1.3.6.1.4.1.1347.42.3.1.1.1.1.1": 100,
        "1.3.6.1.4.1.1347.42.3.1.2.1.1.1.1": 70,
        "1.3.6.1.4.1.1347.42.3.1.2.1.1.1.3": 30,
        "1.3.6.1.4.1.1347.42.2.1.1.1.6.1.2": 100,
        "1.3.6.1.4.1.1347.42.2.1.1.1.7.1.2": 70,
        "1.3.6.1.4.1.1347.42.2.1.1.1.8.1.2": 30,
        "1.3.6.1.4.1.1347.42.2.5.1.1.1.1": 100,
        "1.3.6.1.4.1.1347.42.2.5.1.1.3.1": 100,
    },
    "ricoh": {
        "1.3.6.1.4.1.367.3.2.1.2.19.1.0": 100,
        "1.3.6.1.4.1.367.3.2.1.2.19.2.0": 100,
        **{f"1.3.6.1.4.1.367.3.2.1.2.19.5.1.9.{row}": pages for row, pages in ((3, 100), (9, 100), (10, 70), (12, 30))},
    },
    "canon": {
        **dict.fromkeys((f"1.3.6.1.4.1.1602.1.11.1.3.1.4.{code}" for code in (101, 102, 301)), 100),
        **dict.fromkeys((f"1.3.6.1.4.1.1602.1.11.1.3.1.4.{code}" for code in (108, 109, 113)), 70),
        "1.3.6.1.4.1.1602.1.11.1.3.1.4.123": 30,
    },
    "konica": {
        **{f"1.3.6.1.4.1.18334.1.1.1.5.7.2.1.{n}.0": 100 for n in (1, 9, 10)},
        "1.3.6.1.4.1.18334.1.1.1.5.7.2.2.1.5.1.2": 70,
        "1.3.6.1.4.1.18334.1.1.1.5.7.2.2.1.5.2.2": 30,
    },
    "epson": {
        f"1.3.6.1.4.1.1248.1.2.2.27.{row}": pages
        for row, pages in (("1.1.30.1.1", 100), ("1.1.3.1.1", 70), ("1.1.4.1.1", 30), ("6.1.4.1.1.1", 100), ("6.1.5.1.1.1", 30))
    },
    "sharp": {
        f"1.3.6.1.4.1.2385.1.1.19.2.1.3.{row}": pages
        for row, pages in (("1.4.60", 100), ("1.4.61", 70), ("1.4.63", 30), ("5.4.61", 70), ("5.4.63", 30))
    },
    # without a colorant but black, all pages are black
    "lexmark": {
        **{f"1.3.6.1.4.1.641.2.1.5.{n}.0": pages for n, pages in ((1, 100), (2, 100))},
        **{f"1.3.6.1.4.1.641.6.4.2.2.1.{column}.1.1": 100 for column in (4, 6)},
    },
    "brother": {f"1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.52.{row}": 100 for row in ("1.1.3.1", "21.1.3.1")},
    "xerox-versalink": {f"1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.{n}": 100 for n in (1, 2, 7, 8, 34, 38)},
}
BROTHER_RECORDS = "1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.10.0"


def mib_of(path):
    return Mib(load(path))


def changes(before, after):
    """Rises of the numbers outside the supplies table; the records of a Brother are left to their own test."""
    return {
        variable.oid: after.get(variable.oid).value - variable.value
        for _, variable in before.under((1,))
        if after.get(variable.oid).value != variable.value and isinstance(variable.value, int)
        if variable.oid[: len(oid(LEVEL))] != oid(LEVEL)
    }


@pytest.mark.parametrize("maker", MOVES)
def test_printing_moves_the_makers_counters_and_no_other_number(built_in, maker):
    before, after = mib_of(built_in(maker)), mib_of(built_in(maker))
    advance(after, Job(100, 30), {})
    assert changes(before, after) == {oid(name): pages for name, pages in {**MOVES[maker], LIFE: 100, POWER_ON: 100}.items()}


def test_brother_counts_in_records(built_in):
    mib = mib_of(built_in("brother"))
    name = oid(BROTHER_RECORDS)
    before = mib.get(name).value
    advance(mib, Job(100, 30), {})
    after = mib.get(name).value
    rises = {
        before[at]: int.from_bytes(after[at + 3 : at + 7]) - int.from_bytes(before[at + 3 : at + 7])
        for at in range(0, len(before) - 1, 7)
    }
    assert rises == {0x00: 100, 0x01: 100, 0x02: 0, 0x16: 0}
    assert after[-1:] == b"\xff"


@pytest.mark.parametrize(
    ("lines", "pages", "left"),
    [
        ({"tag": Tag.COUNTER32, "value": 2**32 - 1}, 2, 1),
        ({"tag": Tag.INTEGER, "value": 2**31 - 1}, 2, 1),
        ({"tag": Tag.COUNTER64, "value": 2**32 - 1}, 2, 2**32 + 1),
        ({"tag": Tag.INTEGER, "value": -2}, 2, -2),
    ],
    ids=["Counter32 wraps", "INTEGER wraps", "Counter64 goes on", "unknown stays"],
)
def test_counters_stay_inside_their_type(lines, pages, left):
    unit = Variable(oid("1.3.6.1.2.1.43.10.2.1.3.1.1"), Tag.INTEGER, 7)
    mib = Mib([unit, Variable(oid(LIFE), **lines)])
    advance(mib, Job(pages, 0), {})
    assert mib.get(oid(LIFE)).value == left


@pytest.mark.parametrize(("unit", "rises"), [(7, True), (8, True), (11, False), (17, False)])
def test_a_marker_counts_pages_only_in_impressions_and_sheets(unit, rises):
    mib = Mib(
        [Variable(oid("1.3.6.1.2.1.43.10.2.1.3.1.1"), Tag.INTEGER, unit), Variable(oid(LIFE), Tag.COUNTER32, 10)]
    )  # fmt: skip
    advance(mib, Job(5, 0), {})
    assert mib.get(oid(LIFE)).value == (15 if rises else 10)


def test_toner_falls_by_the_pages_that_use_it(built_in):
    """The AltaLink: black in impressions of 59000, colours of 28000, drums in percent."""
    mib = mib_of(built_in("xerox-altalink"))
    levels = {row: mib.get(oid(f"{LEVEL}.{row}")).value for row in range(1, 13)}
    advance(mib, Job(1000, 400), {})
    fallen = {row: levels[row] - mib.get(oid(f"{LEVEL}.{row}")).value for row in levels}
    percent = 1000 * 100 // NOMINAL_YIELD
    assert fallen == {1: 1000, 2: 400, 3: 400, 4: 400, **dict.fromkeys(range(5, 12), percent), 12: 0}


def test_states_are_not_levels(built_in):
    mib = mib_of(built_in("brother"))
    advance(mib, Job(100, 0), {})
    assert [mib.get(oid(f"{LEVEL}.{row}")).value for row in range(1, 6)] == [-3, 31020, -2, -1, -3]


@settings(max_examples=30, deadline=None)
@given(jobs=st.lists(st.integers(0, 400), max_size=12))
def test_many_small_jobs_wear_as_one_large_job_and_never_below_empty(jobs):
    path = next(path for path in recordings_in(BUILT_IN) if path.name.startswith("hp"))
    often, once, levels = mib_of(path), mib_of(path), {}
    for pages in jobs:
        advance(often, Job(pages, pages // 2), levels)
    advance(once, Job(sum(jobs), sum(pages // 2 for pages in jobs)), {})
    assert list(often.under((1,))) == list(once.under((1,)))
    assert all(variable.value >= 0 for _, variable in often.under(oid(LEVEL)))


def test_a_cartridge_put_in_by_hand_is_where_wear_goes_on_from(built_in):
    mib, levels = mib_of(built_in("hp")), dict[tuple[int, ...], Fraction]()
    advance(mib, Job(25, 0), levels)
    mib.set(oid(f"{LEVEL}.1"), 100)
    advance(mib, Job(100, 0), levels)
    assert mib.get(oid(f"{LEVEL}.1")).value == 100 - 100 * 100 // NOMINAL_YIELD


@pytest.mark.parametrize(("pages", "color"), [(-1, 0), (1, 2), (5, -1)])
def test_a_job_that_cannot_be_is_refused(pages, color):
    with pytest.raises(ValueError, match="colour pages"):
        Job(pages, color)

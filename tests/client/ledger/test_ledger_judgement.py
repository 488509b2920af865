"""Odd readings are held with a reason a person understands, and never for ever."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_values import readings, visit

from meterpost.ledger import Ledger
from meterpost.ledger.judgement import judge
from meterpost.model import Judgement, Reading

GOOD = Judgement()


def test_ordinary_days_are_not_held() -> None:
    assert judge(visit(total=5), None) == GOOD
    assert judge(visit(total=5 + 24 * 60 * 100, hours=24), visit(total=5)) == GOOD
    assert judge(visit(total=5), visit(total=5)) == GOOD
    assert judge(visit(total=6, faxed=1_000_000), visit(total=5)) == GOOD  # a meter that is new has no rate


@pytest.mark.parametrize(
    ("reading", "previous", "reason"),
    [
        (visit("", total=5), None, "no serial number"),
        (visit(), None, "no meter at all"),
        (visit(), visit(total=5), "no meter at all"),
        (visit(total=10_000_000_000), None, "more than the ten digits"),
        (visit(total=4), visit(total=5), "'total' fell from 5 to 4"),
        (visit(total=13_001, hours=1), visit(), ""),
        (visit(total=13_001, hours=1), visit(total=0), "'total' rose by 13001 since 2026-11-20T12:00:00Z"),
        (visit(total=13_000, hours=1), visit(total=0), ""),  # 65 minutes of 200 pages
        (visit(total=1_001, hours=-9), visit(total=0), "No device counts more than 1000"),  # a clock that was set back
        (visit(total=1_000, hours=-9), visit(total=0), ""),
        (visit(total=5), visit(total=5, black=3), "'black' is missing, it stood at 3"),
        (visit(total=4, black=2, faxed=1), visit(total=5, black=3, faxed=2), "(and 2 more like it)"),
    ],
)
def test_the_rules(reading: Reading, previous: Reading | None, reason: str) -> None:
    judgement = judge(reading, previous)
    assert judgement.held == bool(reason)
    assert reason in " ".join(judgement.reasons)
    assert len(judgement.reasons) <= 1


@given(reading=readings, last=st.none() | readings)
def test_the_first_reading_is_never_held_for_what_came_before(reading: Reading, last: Reading | None) -> None:
    reasons = judge(reading, None, last).reasons
    assert not [reason for reason in reasons if "fell" in reason or "rose" in reason or "missing" in reason]


@pytest.mark.parametrize(
    ("before", "now", "held"),
    [(2**32 - 10, 90, False), (2**32 - 1, 0, False), (2**32 - 10, 100_000, True), (2**32 + 10, 20, True), (90, 10, True)],
)
def test_a_counter_of_32_bits_may_come_round(before: int, now: int, held: bool) -> None:
    assert judge(visit(total=now, hours=2), visit(total=before)).held is held


def test_a_reset_controller_is_held_once_and_then_believed(ledger: Ledger) -> None:
    assert ledger.add_reading(visit(total=90_000)) == GOOD
    assert ledger.add_reading(visit(total=12, hours=2)).held
    assert ledger.latest_readings() == (visit(total=90_000),)
    assert ledger.add_reading(visit(total=20, hours=4)) == GOOD
    assert ledger.latest_readings() == (visit(total=20, hours=4),)
    assert ledger.add_reading(visit(total=25, hours=6)) == GOOD


def test_a_glitch_is_held_and_the_old_base_goes_on(ledger: Ledger) -> None:
    ledger.add_reading(visit(total=90_000))
    assert ledger.add_reading(visit(total=0, hours=2)).held
    assert ledger.add_reading(visit(total=90_010, hours=4)) == GOOD
    assert ledger.add_reading(visit(total=3, hours=6)).held  # a new doubt, not the confirmation of the first


def test_two_low_readings_that_contradict_each_other_confirm_nothing(ledger: Ledger) -> None:
    ledger.add_reading(visit(total=90_000))
    assert ledger.add_reading(visit(total=500, hours=2)).held
    assert ledger.add_reading(visit(total=20, hours=4)).held
    assert ledger.add_reading(visit(total=21, hours=6)) == GOOD


def test_a_meter_that_stays_away_is_given_up(ledger: Ledger) -> None:
    ledger.add_reading(visit(total=10, black=5))
    assert ledger.add_reading(visit(total=10, hours=2)).held
    assert ledger.add_reading(visit(total=11, hours=4)) == GOOD


def test_a_jump_is_not_believed_for_being_repeated_but_time_makes_it_possible(ledger: Ledger) -> None:
    ledger.add_reading(visit(total=0))
    for hours in range(1, 8):
        assert ledger.add_reading(visit(total=100_000, hours=hours)).held
    assert ledger.add_reading(visit(total=100_000, hours=9)) == GOOD


@given(values=st.lists(st.integers(0, 10**11), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_read_is_kept_in_order_with_its_reasons(ledger: Ledger, values: list[int]) -> None:
    before = ledger.readings("3377-A", limit=10**6)
    taken = [visit(total=value, hours=hours) for hours, value in enumerate(values)]
    judged = [(reading, ledger.add_reading(reading)) for reading in taken]
    assert ledger.readings("3377-A", limit=10**6) == (*before, *judged)


@given(kept=readings)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_reading_comes_back_as_it_was(ledger: Ledger, kept: Reading) -> None:
    judgement = ledger.add_reading(kept)
    assert ledger.readings(kept.serial, limit=1) == ((kept, judgement),)


def test_a_serial_with_octets_no_database_takes_does_not_cost_the_reading(ledger: Ledger) -> None:
    ledger.add_reading(replace(visit(total=1), name="lobby\x00\udcff"))
    ((kept, _),) = ledger.readings("3377-A")
    assert kept.name == "lobby\ufffd\ufffd"


def test_devices_do_not_mix(ledger: Ledger) -> None:
    ledger.add_reading(visit("A", total=1_000_000))
    assert ledger.add_reading(visit("B", total=5)) == GOOD
    assert ledger.add_reading(visit("", total=5)).held
    assert ledger.latest_readings() == (visit("A", total=1_000_000), visit("B", total=5))
    assert ledger.readings("C") == ()


def test_the_last_readings_are_shown_oldest_first(ledger: Ledger) -> None:
    for hours in range(5):
        ledger.add_reading(visit(total=hours, hours=hours))
    assert [kept.meter("total") for kept, _ in ledger.readings("3377-A", limit=2)] == [3, 4]


def test_readings_outlive_a_restart(restart: Callable[[], Ledger]) -> None:
    restart().add_reading(visit(total=90_000))
    restart().add_reading(visit(total=12, hours=2))
    assert restart().add_reading(visit(total=13, hours=4)) == GOOD
    assert [judgement.held for _, judgement in restart().readings("3377-A")] == [False, True, False]

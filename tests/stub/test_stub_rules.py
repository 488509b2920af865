"""The server's rules as pure functions: calendar, eligibility, receipts, commands."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost_stub import rules
from meterpost_stub.rules import BillingRequest, Cycle, Device, Eligibility, Receipt, Result, Stage, State

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
DEVICE = Device("S1", "us", "Xerox", "C60", None, NOW - timedelta(hours=2), NOW - timedelta(hours=1))
REQUEST = BillingRequest("r1", "S1", "us", TODAY, TODAY, Cycle.MONTHLY, TODAY, (), NOW)
days = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-01", 1, "2027-01-01"),
    ],
)
def test_months_are_added_as_a_calendar_does(day: str, months: int, later: str):
    assert rules.add_months(date.fromisoformat(day), months) == date.fromisoformat(later)


@given(days, st.sampled_from(Cycle), st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_periods_follow_each_other_without_gap_or_overlap_however_often_one_looks(anchor: date, cycle: Cycle, steps: list[int]):
    device = replace(DEVICE, stage=Stage.ON, cycle=cycle, anchor=anchor)
    today, seen = anchor, []
    for step in steps:
        today += timedelta(days=step)
        periods, device = rules.periods_due(device, today)
        seen += periods
        assert rules.periods_due(device, today) == ((), device)  # asked for once
    assert [period.first for period in seen] == [anchor, *(period.last + timedelta(days=1) for period in seen)][: len(seen)]
    assert all(period.first <= period.last < today and period.due == period.last + timedelta(days=8) for period in seen)
    upcoming = rules.next_billing_date(device)
    assert upcoming is not None
    assert upcoming > today


@pytest.mark.parametrize(
    ("cycle", "first_bill"),
    [(Cycle.MONTHLY, "2026-02-28"), (Cycle.QUARTERLY, "2026-04-30"), (Cycle.SEMI_ANNUALLY, "2026-07-31")],
)
def test_the_first_bill_is_one_cycle_after_turning_on(cycle: Cycle, first_bill: str):
    receipt, device = rules.report(replace(DEVICE, stage=Stage.SIGNED_UP, cycle=cycle), State.ON, TODAY)
    assert receipt is Receipt.ACCEPTED
    assert rules.next_billing_date(device) == date.fromisoformat(first_bill)


def test_every_status_has_an_answer_at_every_stage():
    assert set(rules.STATUS) == {(stage, state) for stage in Stage for state in State}


@given(st.lists(st.sampled_from(State)))
def test_a_status_counts_once_in_a_life(states: list[State]):
    device, counted = replace(DEVICE, stage=Stage.SIGNED_UP), []
    for state in states:
        receipt, device = rules.report(device, state, TODAY)
        counted += [state] if receipt is Receipt.ACCEPTED else []
    assert counted.count(State.ON) <= 1
    assert len([state for state in counted if state is not State.ON]) <= 1


LATER = TODAY + timedelta(days=5)
IN_30_DAYS = TODAY + timedelta(days=30)
STANDINGS = [
    ("nothing known", None, None, Result.ACCEPTED, None),
    ("ours already", DEVICE, None, Result.ACCEPTED, None),
    ("somebody else's", replace(DEVICE, client="them"), None, Result.ASSIGNED, None),
    ("was somebody else's", replace(DEVICE, client="them", stage=Stage.ENDED), None, Result.ACCEPTED, None),
    ("too young", None, Eligibility("S1", Result.UNKNOWN, LATER), Result.UNKNOWN, LATER),
    ("too young, no date", None, Eligibility("S1", Result.UNKNOWN), Result.UNKNOWN, IN_30_DAYS),
    ("old enough today", None, Eligibility("S1", Result.UNKNOWN, TODAY), Result.ACCEPTED, None),
    ("never", None, Eligibility("S1", Result.INELIGIBLE, reason="lease"), Result.INELIGIBLE, None),
    ("assigned in the books", DEVICE, Eligibility("S1", Result.ASSIGNED), Result.ASSIGNED, None),
]


@pytest.mark.parametrize(
    ("holder", "books", "result", "until"), [row[1:] for row in STANDINGS], ids=[row[0] for row in STANDINGS]
)
def test_eligibility(holder: Device | None, books: Eligibility | None, result: Result, until: date | None):
    found = rules.standing("S1", "us", holder, books, TODAY)
    assert (found.result, found.until) == (result, until)


SIGN_UPS = [
    (DEVICE, Result.ACCEPTED, None),
    (None, Result.ACCEPTED, "not registered"),
    (replace(DEVICE, stage=Stage.ENDED), Result.ACCEPTED, "not registered"),
    (replace(DEVICE, stage=Stage.ON), Result.ACCEPTED, "signed up before"),
    (DEVICE, Result.UNKNOWN, "unknown"),
    (replace(DEVICE, effective=NOW + timedelta(seconds=1)), Result.ACCEPTED, "takes effect at 2026-01-31T08:00:01"),
]


@pytest.mark.parametrize(("device", "result", "why"), SIGN_UPS)
def test_sign_up_is_possible_once_registration_is_in_effect(device: Device | None, result: Result, why: str | None):
    found = rules.why_not_sign_up(device, Eligibility("S1", result), NOW)
    assert found is None if why is None else why in str(found)


def test_registering_again_changes_nothing_and_a_new_life_starts_after_the_last():
    again = replace(DEVICE, registered=NOW, effective=NOW)
    assert rules.registered(again, None) == again
    assert rules.registered(again, replace(DEVICE, stage=Stage.ON)) == replace(DEVICE, stage=Stage.ON)
    assert rules.registered(again, replace(DEVICE, stage=Stage.ENDED, life=2)) == replace(again, life=3)


RECEIPTS = [
    ("first", REQUEST, ("us", "S1", 1, 1), Receipt.ACCEPTED),
    ("again", replace(REQUEST, of=1, received=(1,)), ("us", "S1", 1, 1), Receipt.DUPLICATE),
    ("second part", replace(REQUEST, of=2, received=(1,)), ("us", "S1", 2, 2), Receipt.ACCEPTED),
    ("another count of parts", replace(REQUEST, of=2, received=(1,)), ("us", "S1", 2, 3), Receipt.UNKNOWN),
    ("part beyond the count", REQUEST, ("us", "S1", 2, 1), Receipt.UNKNOWN),
    ("never asked", None, ("us", "S1", 1, 1), Receipt.UNKNOWN),
    ("another device", REQUEST, ("us", "S2", 1, 1), Receipt.UNKNOWN),
    ("another client", REQUEST, ("them", "S1", 1, 1), Receipt.UNKNOWN),
    ("after the device's life", replace(REQUEST, closed=True), ("us", "S1", 1, 1), Receipt.UNKNOWN),
    ("again after its life", replace(REQUEST, closed=True, of=1, received=(1,)), ("us", "S1", 1, 1), Receipt.DUPLICATE),
]


@pytest.mark.parametrize(("request_", "part", "receipt"), [row[1:] for row in RECEIPTS], ids=[row[0] for row in RECEIPTS])
def test_receipts_of_reads(request_: BillingRequest | None, part: tuple[str, str, int, int], receipt: Receipt):
    found, after = rules.receive(request_, *part)
    assert found is receipt
    if receipt is not Receipt.ACCEPTED:
        assert after == request_


@given(st.lists(st.integers(1, 3)))
def test_parts_count_once_in_any_order(parts: list[int]):
    request: BillingRequest | None = REQUEST
    counted = []
    for part in parts:
        receipt, request = rules.receive(request, "us", "S1", part, 3)
        counted += [part] if receipt is Receipt.ACCEPTED else []
    assert request is not None
    assert sorted(counted) == sorted(set(parts)) == list(request.received)
    assert request.open is (set(parts) != {1, 2, 3})


OLDER = replace(REQUEST, id="r0", opened=NOW - timedelta(days=1))
COMMANDS = [
    (DEVICE, [], None),
    (replace(DEVICE, stage=Stage.SIGNED_UP), [], (True, None, None)),
    (replace(DEVICE, stage=Stage.SIGNED_UP, off_reason="x"), [], (False, "x", None)),
    (replace(DEVICE, stage=Stage.ON), [], None),
    (replace(DEVICE, stage=Stage.ON), [REQUEST, OLDER], (False, None, "r0")),
    (replace(DEVICE, stage=Stage.ON), [REQUEST, replace(OLDER, of=1, received=(1,))], (False, None, "r1")),
    (replace(DEVICE, stage=Stage.ON, off_reason=""), [REQUEST], (False, "", "r1")),
    (replace(DEVICE, stage=Stage.ENDED, off_reason="x"), [REQUEST], None),
]


@pytest.mark.parametrize(("device", "requests", "told"), COMMANDS)
def test_what_a_client_is_told(
    device: Device, requests: list[BillingRequest], told: tuple[bool, str | None, str | None] | None
):
    found = rules.commands(device, requests)
    assert (found and (found.on, found.off_reason, found.bill and found.bill.id)) == told

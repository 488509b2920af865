"""When the unattended agent works: pure functions of time, so years pass here in milliseconds."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterpost.agent.plan import jitter, next_read, next_sync, sync_moment
from meterpost.settings import ScheduleSettings

BERLIN = ZoneInfo("Europe/Berlin")
CLIENT = "0f8fad5b-d9cb-469f-a165-70867728950e"
AT_HALF_PAST_TWO = ScheduleSettings(daily_time="02:30", jitter_minutes=0)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def due(now: str, last: str | None, tried: str | None = None, schedule: ScheduleSettings = AT_HALF_PAST_TWO) -> datetime:
    return next_sync(CLIENT, schedule, at(last) if last else None, at(tried) if tried else None, at(now), BERLIN)


def test_a_new_client_syncs_at_once_and_then_daily() -> None:
    assert due("2026-06-01 09:00", None) == at("2026-06-01 09:00")
    assert due("2026-06-01 09:01", "2026-06-01 09:00") == at("2026-06-02 02:30")


def test_off_for_three_days_is_made_up_for_once() -> None:
    assert due("2026-06-05 09:00", "2026-06-01 02:30") == at("2026-06-05 09:00")
    assert due("2026-06-05 09:01", "2026-06-05 09:00") == at("2026-06-06 02:30")


def test_a_failed_try_waits_for_the_next_day_because_the_outbox_repeats_the_message() -> None:
    assert due("2026-06-05 02:31", "2026-06-04 02:30", tried="2026-06-05 02:30") == at("2026-06-06 02:30")


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.integers(0, 720), st.integers(0, 1439))
def test_one_sync_a_day_whatever_the_clock_changes(start: datetime, spread: int, minute: int) -> None:
    schedule = ScheduleSettings(daily_time=f"{minute // 60:02}:{minute % 60:02}", jitter_minutes=spread)
    now = start.replace(tzinfo=UTC)
    last = next_sync(CLIENT, schedule, None, None, now, BERLIN)
    moments = []
    for _ in range(10):
        last = next_sync(CLIENT, schedule, last, None, last + timedelta(seconds=1), BERLIN)
        moments.append(last)
    gaps = {later - earlier for earlier, later in pairwise(moments)}
    assert all(timedelta(hours=23) <= gap <= timedelta(hours=25) for gap in gaps)


def test_the_night_the_clocks_go_back_has_one_sync() -> None:
    first = due("2026-10-25 00:00", "2026-10-24 02:30")
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 comes twice; the first counts
    again = next_sync(CLIENT, AT_HALF_PAST_TWO, first, None, first + timedelta(hours=1), BERLIN)
    assert again == at("2026-10-26 02:30")


@given(st.uuids(), st.integers(1, 720))
def test_the_jitter_is_a_clients_own_and_stays(client: UUID, spread: int) -> None:
    schedule = ScheduleSettings(jitter_minutes=spread)
    mine = jitter(str(client), schedule)
    assert mine == jitter(str(client), schedule)
    assert timedelta(0) <= mine < timedelta(minutes=spread)


def test_the_jitter_spreads_a_thousand_clients() -> None:
    schedule = ScheduleSettings(jitter_minutes=60)
    minutes = [int(jitter(str(UUID(int=number)), schedule).total_seconds() // 60) for number in range(1000)]
    assert max(minutes.count(minute) for minute in range(60)) < 40
    assert len(set(minutes)) == 60


def test_moments_follow_the_local_clock() -> None:
    summer = sync_moment(datetime(2026, 7, 1).date(), CLIENT, AT_HALF_PAST_TWO, BERLIN)
    winter = sync_moment(datetime(2026, 12, 1).date(), CLIENT, AT_HALF_PAST_TWO, BERLIN)
    assert (summer.hour, winter.hour) == (0, 1)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, "2026-06-01 09:00"),
        ("2026-06-01 08:00", "2026-06-01 10:00"),
        ("2026-05-01 08:00", "2026-06-01 09:00"),
        ("2026-06-01 12:00", "2026-06-01 09:00"),
    ],
    ids=["never read", "read an hour ago", "machine was off", "clock was set back"],
)
def test_reads_come_every_two_hours(last: str | None, expected: str) -> None:
    assert next_read(ScheduleSettings(), at(last) if last else None, at("2026-06-01 09:00")) == at(expected)

"""When the unattended agent's jobs are due: pure functions of what is kept, and now.

Each local day has exactly one sync moment, so a clock change in autumn does not sync twice, and a machine that was off
for three days catches up once, not three times. What happened in the future happened while the clock was wrong, and
must not stop anything.
"""

import hashlib
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from meterpost import soap
from meterpost.lifecycle import Session
from meterpost.lifecycle.state import SiteState
from meterpost.settings import ScheduleSettings

CLOCK_ERROR = timedelta(hours=1)
"""A clock set back by less than this makes nothing happen twice."""


def jitter(client: str, schedule: ScheduleSettings) -> timedelta:
    """This client's own delay after the daily time: fixed for its life, spread evenly over all clients, so that
    a vendor's whole field does not ring at once."""
    if not schedule.jitter_minutes:
        return timedelta(0)
    number = int.from_bytes(hashlib.sha256(client.encode()).digest()[:8], "big")
    return timedelta(seconds=number % (schedule.jitter_minutes * 60))


def sync_moment(day: date, client: str, schedule: ScheduleSettings, zone: tzinfo) -> datetime:
    """The moment of `day`'s sync, in UTC."""
    hours, minutes = map(int, schedule.daily_time.split(":"))
    return datetime.combine(day, time(hours, minutes), zone).astimezone(UTC) + jitter(client, schedule)


def next_sync(
    client: str,
    schedule: ScheduleSettings,
    last_success: datetime | None,
    last_try: datetime | None,
    now: datetime,
    zone: tzinfo,
) -> datetime:
    """When to sync: now, where a moment has passed that was neither served (`last_success`) nor tried in this run
    (`last_try`); else at the next moment."""
    today = now.astimezone(zone).date()
    moments = [sync_moment(today + timedelta(days=offset), client, schedule, zone) for offset in range(-2, 3)]
    latest = max(moment for moment in moments if moment <= now)
    if not any(latest <= t <= now + CLOCK_ERROR for t in (last_success, last_try) if t is not None):
        return now
    return min(moment for moment in moments if moment > now)


def next_read(schedule: ScheduleSettings, last: datetime | None, now: datetime) -> datetime:
    """When to read the printers: `read_every_minutes` after the last round, at once where there was none."""
    every = timedelta(minutes=schedule.read_every_minutes)
    if last is None or last > now + every:  # the clock was set back
        return now
    return max(now, last + every)


def next_send(site: SiteState, now: datetime) -> datetime | None:
    """When the life cycle wants a turn of its own: now, where a message may leave or a day has come; else when the
    outbox has paused long enough or that day comes; None where nothing waits."""
    session = Session(site, soap.pack)
    if session.next_message(now):
        return now
    wakeup = session.next_wakeup()
    return max(now, wakeup) if wakeup else None

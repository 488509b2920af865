"""The server's two clocks, both wall time plus an offset that is kept in the store.

The calendar clock drives registration delay, billing dates and the `time` in replies; tests move it by months.
The security clock judges the freshness of messages. They are two because a client whose own clock is right must stay
right when the billing calendar jumps ahead: with one clock every message after the jump would be a stale replay.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from meterpost.errors import SettingsError
from meterpost_stub.store import Note, Store

_YEARS = range(2000, 2200)


def wall() -> datetime:
    """The time now, aware, UTC."""
    return datetime.now(UTC)


class Clocks:
    """Setting a clock raises SettingsError outside the years a billing calendar has a use for."""

    def __init__(self, store: Store, now: Callable[[], datetime] = wall) -> None:
        self._store = store
        self._now = now

    def calendar(self) -> datetime:
        """Whole seconds, as the wire writes times."""
        return (self._now() + self._offset("calendar")).replace(microsecond=0)

    def security(self) -> datetime:
        return self._now() + self._offset("security")

    def set_calendar(self, to: datetime) -> None:
        self._keep("calendar", to - self._now())

    def advance(self, by: timedelta) -> None:
        """Moves the calendar clock; the security clock stays."""
        self._keep("calendar", self._offset("calendar") + by)

    def set_security_offset(self, offset: timedelta) -> None:
        """Makes the security clock wrong by `offset`, for tests of expired and early messages."""
        self._keep("security", offset)

    def _offset(self, name: str) -> timedelta:
        note = self._store.get(Note, f"{name} offset")
        return timedelta(seconds=float(note.value)) if note else timedelta()

    def _keep(self, name: str, offset: timedelta) -> None:
        then = self._now() + offset
        if then.year not in _YEARS:
            raise SettingsError(f"a clock cannot show {then.date()}: only the years {_YEARS[0]} to {_YEARS[-1]}")
        self._store.put(Note(f"{name} offset", repr(offset.total_seconds())))

"""The sans-IO core: events go in, a new state and effects come out.

It has no clock, no socket, no database and no random: the time, the client's id and the packing of readings are
given. The same state, event and time give the same result, always.
"""

from datetime import UTC, datetime, time
from typing import assert_never

from meterpost.lifecycle import billing, enrolment, outbox, syncing
from meterpost.lifecycle import events as ev
from meterpost.lifecycle.events import Effect, Event, Pack
from meterpost.lifecycle.state import DeviceState, Outgoing, SiteState, front
from meterpost.lifecycle.tables import SYNC_AFTER_EFFECTIVE
from meterpost.lifecycle.turn import Turn


class Session:
    """One site's life cycle. `state` is replaced at every event and never changed, so it may be kept at any point and
    a new Session made from it goes on from there."""

    def __init__(self, state: SiteState, pack: Pack) -> None:
        self.state = state
        self._pack = pack

    def feed(self, event: Event, now: datetime) -> tuple[Effect, ...]:
        """Takes `event` in at the aware time `now`. An event that is not in order changes nothing and gives a Notice
        of kind UNEXPECTED; nothing is raised, and if `pack` raises, nothing is changed."""
        turn = Turn(self.state, now, self._pack)
        _apply(turn, event)
        self.state = turn.site()
        return tuple(turn.effects)

    def next_message(self, now: datetime) -> Outgoing | None:
        """The front of the outbox, if it may leave now. It is given again until it was answered or has to pause."""
        first = front(self.state.outbox)
        if self.state.paused or first is None:
            return None
        return first if first.not_before is None or first.not_before <= now else None

    def next_wakeup(self) -> datetime | None:
        """When to feed TimePassed and look at `next_message` again: a pause ends, a day or an hour comes."""
        state = self.state
        times = [
            datetime.combine(device.until, time(), UTC)
            for device in state.devices.values()
            if device.state is DeviceState.UNKNOWN_UNTIL and device.until
        ]
        if state.proxy.effective:
            times.append(state.proxy.effective + SYNC_AFTER_EFFECTIVE)
        first = front(state.outbox)
        if first and first.not_before and not state.paused:
            times.append(first.not_before)
        return min(times, default=None)


def _apply(turn: Turn, event: Event) -> None:
    match event:
        case ev.Seen():
            enrolment.seen(turn, event)
        case ev.Selected(serials):
            enrolment.selected(turn, serials)
        case ev.RegistrationOrdered():
            enrolment.ordered(turn, event)
        case ev.Withdrawn(serial):
            enrolment.withdrawn(turn, serial)
        case ev.Replaced(old, new):
            enrolment.replaced(turn, old, new)
        case ev.Paused():
            turn.paused = True
        case ev.Resumed():
            turn.paused = False
            turn.try_now()
        case ev.SyncDue(version):
            syncing.due(turn, version)
        case ev.KeyDue(version, key, proof):
            enrolment.key_due(turn, version, key, proof)
        case ev.TimePassed(version):
            syncing.time_passed(turn, version)
        case ev.SendStarted(number):
            outbox.started(turn, number)
        case ev.SendFailed(number, reason):
            outbox.failed(turn, number, reason)
        case ev.SendRefused():
            outbox.refused(turn, event)
        case ev.Replied(number, reply):
            outbox.replied(turn, number, reply)
        case ev.ReadingTaken(readings):
            billing.read(turn, readings)
        case ev.ReadFailed():
            pass  # its requests stay open; the reason is the journal's
        case _:
            assert_never(event)

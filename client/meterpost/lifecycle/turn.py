"""One event's work: a private copy of the site that the rules change, frozen again at the end.

Every change of a state goes through `move*` here and so by a row of `tables`. Never keeps anything between two events.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from meterpost.lifecycle.events import Effect, Notice, NoticeKind, Pack, Queued
from meterpost.lifecycle.messages import Request, ServiceState, SyncProxyStatus
from meterpost.lifecycle.state import BillingRequest, Device, DeviceState, Outgoing, SiteState, front
from meterpost.lifecycle.tables import (
    DEVICE,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MAX_DEVICES,
    PENDING,
    PROXY,
    REQUEST,
    DeviceEvent,
    ProxyEvent,
    RequestEvent,
)

Item = TypeVar("Item")
Value = TypeVar("Value")
Key = TypeVar("Key", bound=tuple[object, ...])


class Turn:
    """The copy, the time of the event (`second`: as messages carry it), and the effects so far."""

    def __init__(self, site: SiteState, now: datetime, pack: Pack) -> None:
        self._site = site
        self.at = now
        self.second = now.astimezone(UTC).replace(microsecond=0)
        self.pack = pack
        self.client = site.client
        self.proxy = site.proxy
        self.devices = dict(site.devices)
        self.requests = dict(site.requests)
        self.outbox = list(site.outbox)
        self.next_number = site.next_number
        self.paused = site.paused
        self.last_sync = site.last_sync
        self.settings = site.settings
        self.effects: list[Effect] = []

    def site(self) -> SiteState:
        """The site after the event."""
        return replace(
            self._site,
            proxy=self.proxy,
            devices=MappingProxyType(self.devices),
            requests=MappingProxyType(self.requests),
            outbox=tuple(self.outbox),
            next_number=self.next_number,
            paused=self.paused,
            last_sync=self.last_sync,
            settings=self.settings,
        )

    # --- telling -------------------------------------------------------------------------------------------

    def notice(self, kind: NoticeKind, serial: str, text: str) -> None:
        self.effects.append(Notice(kind, serial, text))

    def unexpected(self, serial: str, text: str) -> None:
        self.notice(NoticeKind.UNEXPECTED, serial, text)

    # --- moving --------------------------------------------------------------------------------------------

    def state_of(self, serial: str) -> DeviceState | None:
        device = self.devices.get(serial)
        return device.state if device else None

    def fits(self, serial: str, event: DeviceEvent) -> bool:
        """Whether the table has a row for this event in the device's state."""
        return event in DEVICE[self.state_of(serial)]

    def move(self, serial: str, event: DeviceEvent, **changes: Any) -> bool:
        """Moves the device by the table's row, with `changes` to its other fields; False, and a notice, without a row."""
        device = self.devices.get(serial)
        if device is None or not self.fits(serial, event):
            self.unexpected(
                serial, f"{event}: not in order for a device that is {device.state if device else 'not known here'}"
            )
            return False
        state = DEVICE[device.state][event]
        since = device.since if state is device.state else self.at
        self.devices[serial] = replace(device, state=state, since=since, **changes)
        return True

    def meet(self, device: Device) -> None:
        """A device that was never here before."""
        self.devices[device.serial] = replace(device, state=DEVICE[None][DeviceEvent.MET])

    def move_proxy(self, event: ProxyEvent, **changes: Any) -> bool:
        state = PROXY[self.proxy.state].get(event)
        if state is None:
            self.unexpected("", f"{event}: not in order for a client that is {self.proxy.state}")
            return False
        self.proxy = replace(self.proxy, state=state, **changes)
        return True

    def move_request(self, request: BillingRequest, event: RequestEvent, **changes: Any) -> None:
        """Moves a request by the table's row. Raises KeyError without one: callers hold a request in the right state."""
        self.requests[request.id] = replace(request, state=REQUEST[request.state][event], **changes)

    def pending(self) -> set[str]:
        """Serials the server still waits for an answer about."""
        return {request.serial for request in self.requests.values() if request.state in PENDING}

    # --- the outbox ----------------------------------------------------------------------------------------

    def queue(self, message: Request, pause: timedelta = timedelta()) -> None:
        """Puts `message` at the end; it does not leave before `pause` is over."""
        not_before = self.at + pause if pause else None
        self.outbox.append(Outgoing(self.next_number, message, self.at, not_before=not_before))
        self.effects.append(Queued(self.next_number))
        self.next_number += 1

    def front(self, number: int) -> Outgoing | None:
        """The front of the outbox if it is message `number`, else None and a notice."""
        first = front(self.outbox)
        if first and first.number == number:
            return first
        self.unexpected("", f"message {number} is not the one that is being sent")
        return None

    def change(self, outgoing: Outgoing, **changes: Any) -> None:
        """Changes how the message in the outbox is sent, never what it says."""
        self.outbox[self.outbox.index(outgoing)] = replace(outgoing, **changes)

    def try_later(self, outgoing: Outgoing) -> None:
        """It stays, and pauses twice as long as before."""
        pause = min(FIRST_PAUSE * 2 ** min(max(outgoing.attempts - 1, 0), 16), LONGEST_PAUSE)
        self.change(outgoing, not_before=self.at + pause)

    def try_now(self) -> None:
        """Somebody, or the daily hour, asked for it: the front, and what it overtakes, do not wait out their pause."""
        first = front(self.outbox)
        for position, outgoing in enumerate(self.outbox):
            if position == 0 or outgoing is first:
                self.outbox[position] = replace(outgoing, not_before=None)

    def farewells(self) -> set[str]:
        """Serials whose life's end waits in the outbox to be told."""
        return {
            status.serial
            for outgoing in self.outbox
            if isinstance(outgoing.message, SyncProxyStatus)
            for status in outgoing.message.devices
            if status.state is not ServiceState.ON
        }

    def reconcile(self, asked: Iterable[Key], answered: Iterable[tuple[Key, Value]]) -> dict[Key, Value]:
        """What a reply says of what was asked; a notice for all it lacks or adds. A key is a tuple that begins with
        the serial."""
        wanted = dict.fromkeys(asked)
        found: dict[Key, Value] = {}
        for key, value in answered:
            if key in wanted:
                found.setdefault(key, value)
            else:
                self.unexpected(str(key[0]), "the reply speaks of it, though the message did not")
        for key in wanted:
            if key not in found:
                self.unexpected(str(key[0]), "the reply says nothing of it")
        return found


def batches(items: Sequence[Item]) -> Iterator[tuple[Item, ...]]:
    """`items` in runs that one message has room for."""
    for start in range(0, len(items), MAX_DEVICES):
        yield tuple(items[start : start + MAX_DEVICES])

"""The five operations of the reference server: applies the rules to the records, in one transaction each.

It knows accounts, clients and devices; nothing of SOAP, HTTP or security.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from meterpost_stub import rules
from meterpost_stub.certificates import Authority
from meterpost_stub.clocks import Clocks
from meterpost_stub.key_book import Certificate, KeyBook
from meterpost_stub.rules import BillingRequest, Commands, Device, Eligibility, Proxy, Receipt, Result, Stage, State
from meterpost_stub.rules import Refusal as Refusal
from meterpost_stub.store import Note, Reads, Store

MOST_DEVICES = 10_000
"""Devices one message may name (the schema's maxOccurs)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who speaks, as far as security knows: the account, and the certificate (PEM) whose key signed, b"" for none."""

    account: str
    certificate: bytes = b""


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device as its registration describes it."""

    serial: str
    maker: str
    model: str
    asset: str | None = None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What the centre wants clients to use from their next run; minutes; None leaves a value alone."""

    sync_at: str | None = None
    jitter: int | None = None
    read_every: int | None = None


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    time: datetime
    settings: ClientSettings | None
    commands: tuple[Commands, ...]


@dataclass(frozen=True, slots=True)
class PartOfReads:
    """One Device element of a billing transaction response."""

    serial: str
    id: str
    at: datetime
    part: int
    of: int
    meters: tuple[tuple[str, int], ...]
    supplies: tuple[tuple[str, int, int, int], ...]


def _new_id() -> str:
    return str(uuid.uuid4())


class Centre:
    """`registration_delay` is calendar time until a registration takes effect; `keys` is the book of them, one of its own
    where it is given none."""

    def __init__(
        self,
        store: Store,
        clocks: Clocks,
        registration_delay: timedelta,
        new_id: Callable[[], str] = _new_id,
        keys: KeyBook | None = None,
    ) -> None:
        self.store = store
        self.clocks = clocks
        self.keys = keys or KeyBook(store, clocks, Authority())
        self.new_id = new_id
        self._delay = registration_delay

    def register_proxy(
        self, caller: Caller, client: str, name: str, os: str, version: str, key: str = "", proof: str = ""
    ) -> tuple[Proxy, tuple[Certificate, ...]]:
        """T1. The same client again is the same registration, with its first date and name, and the same key again the same
        certificate."""
        with self.store.transaction():
            known = self.store.get(Proxy, client)
            if known is None:
                now = self.clocks.calendar()
                known = Proxy(client, caller.account, name, os, version, now, now + self._delay)
                self.store.put(known)
            self._own(caller, known, asks=bool(key))
            return known, self.keys.enrol(known, key, proof, caller.certificate)

    def register_devices(
        self, caller: Caller, client: str, devices: Sequence[NewDevice]
    ) -> tuple[datetime, tuple[Eligibility, ...]]:
        """T2: when the registrations count, and what each came to. A device that is refused holds no place here."""
        with self.store.transaction():
            self._proxy(caller, client)
            now = self.clocks.calendar()
            effective = []
            results = []
            for new in devices:
                holder = self.store.get(Device, new.serial)
                result = rules.standing(new.serial, client, holder, self.store.get(Eligibility, new.serial), now.date())
                if result.result in (Result.ACCEPTED, Result.UNKNOWN):
                    first = Device(new.serial, client, new.maker, new.model, new.asset, now, now + self._delay)
                    device = rules.registered(first, holder)
                    self.store.put(device)
                    effective.append(device.effective)
                results.append(result)
            return max(effective, default=now + self._delay), tuple(results)

    def sync(self, caller: Caller, client: str) -> SyncAnswer:
        """T3: what there is to do. The billing calendar is looked up here, once for all devices of the client."""
        with self.store.transaction():
            self._proxy(caller, client)
            now = self.clocks.calendar()
            devices = [self._billed(device, now) for device in self.store.all(Device, client=client)]
            waiting = defaultdict(list)
            for request in self.store.all(BillingRequest, client=client):
                waiting[request.serial].append(request)
            found = (rules.commands(device, waiting[device.serial]) for device in devices)
            commands = tuple(command for command in found if command is not None)[:MOST_DEVICES]
            return SyncAnswer(now, self.client_settings(), commands)

    def status(self, caller: Caller, client: str, reports: Sequence[tuple[str, State]]) -> tuple[tuple[str, Receipt], ...]:
        """T5."""
        with self.store.transaction():
            self._proxy(caller, client)
            today = self.clocks.calendar().date()
            return tuple((serial, self._report(client, serial, state, today)) for serial, state in reports)

    def billing(self, caller: Caller, client: str, parts: Sequence[PartOfReads]) -> tuple[tuple[PartOfReads, Receipt], ...]:
        """T7."""
        with self.store.transaction():
            self._proxy(caller, client)
            now = self.clocks.calendar()
            return tuple((part, self._receive(client, part, now)) for part in parts)

    def client_settings(self) -> ClientSettings | None:
        note = self.store.get(Note, "client settings")
        return ClientSettings(**json.loads(note.value)) if note else None

    def _proxy(self, caller: Caller, client: str) -> Proxy:
        known = self.store.get(Proxy, client)
        if known is None:
            raise Refusal("not-registered", "this client is not registered")
        return self._own(caller, known)

    def _own(self, caller: Caller, proxy: Proxy, asks: bool = False) -> Proxy:
        if proxy.account != caller.account:
            raise Refusal("other-account", "this client is registered with another account")
        self.keys.admit(proxy, caller.certificate, asks)
        return proxy

    def _billed(self, device: Device, now: datetime) -> Device:
        periods, billed = rules.periods_due(device, now.date())
        for period in periods:
            self.store.put(
                BillingRequest(
                    id=self.new_id(),
                    serial=device.serial,
                    client=device.client,
                    period_from=period.first,
                    period_to=period.last,
                    cycle=device.cycle,
                    due=period.due,
                    meters=device.meters,
                    opened=now,
                )
            )
        if periods:
            self.store.put(billed)
        return billed

    def _report(self, client: str, serial: str, state: State, today: date) -> Receipt:
        device = self.store.get(Device, serial)
        if device is None or device.client != client:
            return Receipt.UNKNOWN
        receipt, after = rules.report(device, state, today)
        if after is not device:
            self.store.put(after)
        if after.stage is Stage.ENDED and receipt is Receipt.ACCEPTED:
            for request in self.store.all(BillingRequest, serial=serial):
                if request.open:
                    self.store.put(replace(request, closed=True))
        return receipt

    def _receive(self, client: str, reads: PartOfReads, now: datetime) -> Receipt:
        request = self.store.get(BillingRequest, reads.id)
        receipt, after = rules.receive(request, client, reads.serial, reads.part, reads.of)
        if receipt is Receipt.ACCEPTED:
            self.store.put(after)
            self.store.put(
                Reads(reads.id, reads.part, reads.of, reads.serial, client, reads.at, now, reads.meters, reads.supplies)
            )
        return receipt

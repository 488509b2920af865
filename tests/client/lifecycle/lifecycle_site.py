"""A site for the tests: a session with a clock, printers and a saved state. Every event fed here is also held against
what must always be true of a session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from meterpost.lifecycle import Session
from meterpost.lifecycle import events as ev
from meterpost.lifecycle import messages as m
from meterpost.lifecycle.state import BillingRequest, Device, DeviceState, Outgoing, RequestState, SiteState, front
from meterpost.lifecycle.tables import DEVICE, REQUEST
from meterpost.model import Meter, Reading

CLIENT = "6f1b2c1e-0000-4000-8000-000000000001"
START = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
VERSION = "0.1.0"
METERS_IN_A_PART = 2
METERS = {"big": ("total", "black", "color", "faxed", "sheets")}
"""Meters by serial; any other printer has just its total."""

Key = TypeVar("Key")
Value = TypeVar("Value")


def meters_of(serial: str) -> tuple[str, ...]:
    return METERS.get(serial, ("total",))


def pack(request: str, at: datetime, reading: Reading, wanted: tuple[str, ...]) -> tuple[m.DeviceReads, ...]:
    """Two meters to a part, so that the printer called `big` needs three."""
    values = [m.MeterValue(meter.name, meter.value) for meter in reading.meters if not wanted or meter.name in wanted]
    runs = [tuple(values[start : start + METERS_IN_A_PART]) for start in range(0, len(values), METERS_IN_A_PART)] or [()]
    return tuple(m.DeviceReads(reading.serial, request, at, number, len(runs), run, ()) for number, run in enumerate(runs, 1))


def bill(serial: str, id: str = "", meters: tuple[str, ...] = ()) -> m.Bill:
    day = START.date()
    return m.Bill(serial, id or f"b-{serial}", day - timedelta(days=30), day, m.Cycle.MONTHLY, day + timedelta(days=7), meters)


@dataclass
class Site:
    """`feed` what happens, look at `state`; the short verbs below are what most tests need."""

    state: SiteState = field(default_factory=lambda: SiteState(client=CLIENT))
    now: datetime = START
    effects: list[ev.Effect] = field(default_factory=list)
    count: int = 0  # what the printers count; grows with every reading

    # --- the session ---------------------------------------------------------------------------------------

    def feed(self, event: ev.Event) -> tuple[ev.Effect, ...]:
        """Feeds the saved state, as after a restart. Checks: the state is not changed but replaced, the result does not
        depend on anything else, every step is in the tables, and only what leaves next, or was overtaken, has ever left."""
        before = self.state
        devices, requests = _reversed(before.devices), _reversed(before.requests)
        copy = replace(before, devices=dict(devices), requests=dict(requests))
        session, again = Session(before, pack), Session(copy, pack)
        effects = session.feed(event, self.now)
        assert (again.feed(event, self.now), again.state) == (effects, session.state), "the result depends on something else"
        assert (copy.devices, copy.requests) == (devices, requests), "the old state was changed"
        self.state = session.state
        _assert_in_the_tables(before, self.state)
        rest = [outgoing for outgoing in self.state.outbox if not isinstance(outgoing.message, m.RegisterProxy)]
        assert len(self.state.outbox) - len(rest) <= 1, "the client speaks of itself twice"
        assert not any(outgoing.attempts for outgoing in rest[1:]), "two messages are under way"
        assert list(self.state.outbox) == sorted(self.state.outbox, key=lambda outgoing: outgoing.number)
        self.effects.extend(effects)
        return effects

    @property
    def next(self) -> Outgoing | None:
        return Session(self.state, pack).next_message(self.now)

    @property
    def front(self) -> Outgoing:
        first = front(self.state.outbox)
        assert first is not None
        return first

    @property
    def wakeup(self) -> datetime | None:
        return Session(self.state, pack).next_wakeup()

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)

    # --- looking -------------------------------------------------------------------------------------------

    def device(self, serial: str) -> Device:
        return self.state.devices[serial]

    def at(self, serial: str) -> DeviceState:
        return self.state.devices[serial].state

    def request(self, id: str) -> RequestState:
        return self.state.requests[id].state

    @property
    def waiting(self) -> list[m.Request]:
        return [outgoing.message for outgoing in self.state.outbox]

    def notices(self, kind: ev.NoticeKind) -> list[ev.Notice]:
        return [effect for effect in self.effects if isinstance(effect, ev.Notice) and effect.kind is kind]

    # --- what people and printers do -----------------------------------------------------------------------

    def see(self, *serials: str, address: str = "10.0.0.1") -> None:
        for serial in serials:
            self.feed(ev.Seen(serial, "Acme", f"Model {serial}", None, address, 161))

    def choose(self, *serials: str) -> None:
        self.see(*serials)
        self.feed(ev.Selected(serials))

    def order(self) -> None:
        self.feed(ev.RegistrationOrdered("host", "Linux", VERSION))

    def key_due(self, key: str = "K1") -> None:
        """The proof is another one each time: an ECDSA signature is."""
        self.count += 1
        self.feed(ev.KeyDue(VERSION, key, f"proof {self.count}"))

    def reading(self, serial: str) -> Reading:
        self.count += 1
        meters = tuple(Meter(name, self.count, "impressions", "1.3") for name in meters_of(serial))
        return Reading("10.0.0.1", 161, self.now, serial=serial, meters=meters)

    def read(self, *serials: str) -> None:
        self.feed(ev.ReadingTaken(tuple(self.reading(serial) for serial in serials)))

    # --- what the network does -----------------------------------------------------------------------------

    def leave(self) -> m.Request:
        """The next message leaves; what becomes of it is another event."""
        outgoing = self.next
        assert outgoing is not None, "nothing may leave now"
        self.feed(ev.SendStarted(outgoing.number))
        return outgoing.message

    def reply(self, reply: m.Reply) -> tuple[ev.Effect, ...]:
        """The next message leaves and is answered with `reply`."""
        self.leave()
        return self.feed(ev.Replied(self.front.number, reply))

    def refuse(self, code: str) -> None:
        self.leave()
        self.feed(ev.SendRefused(self.front.number, code, f"refused: {code}"))

    def fail(self) -> None:
        self.leave()
        self.feed(ev.SendFailed(self.front.number, "no route"))

    # --- roads to a state ----------------------------------------------------------------------------------

    def register(self, *serials: str, result: m.Registration = m.Registration.ACCEPTED, until: datetime | None = None) -> None:
        """Chosen, ordered, and answered with `result`."""
        self.choose(*serials)
        self.order()
        effective = self.now + timedelta(hours=1)
        if isinstance(self.waiting[0], m.RegisterProxy):
            self.reply(m.RegisterProxyResponse(CLIENT, effective))
        day = until.date() if until else None
        answers = tuple(m.RegisteredDevice(serial, result, day) for serial in sorted(serials))
        self.reply(m.RegisterProxyDevicesResponse(effective, answers))

    def commands(
        self,
        on: Sequence[str] = (),
        off: Sequence[str] = (),
        bills: Sequence[m.Bill] = (),
        settings: m.RemoteSettings | None = None,
    ) -> m.SyncProxyResponse:
        turn_on = tuple(m.TurnOn(serial) for serial in on)
        turn_off = tuple(m.TurnOff(serial, "moved") for serial in off)
        return m.SyncProxyResponse(self.now, settings, turn_on, turn_off, tuple(bills))

    def sync(self, **commands: Any) -> tuple[ev.Effect, ...]:
        """Asks, and is answered with these `commands`."""
        self.feed(ev.SyncDue(VERSION))
        return self.reply(self.commands(**commands))

    def confirm(self, result: m.Receipt = m.Receipt.ACCEPTED) -> None:
        """The status at the front leaves and is answered with `result` for all."""
        message = self.waiting[0]
        assert isinstance(message, m.SyncProxyStatus)
        self.reply(m.SyncProxyStatusResponse(tuple(m.StatusReceipt(status.serial, result) for status in message.devices)))

    def acknowledge(self, result: m.Receipt = m.Receipt.ACCEPTED) -> None:
        """The reads at the front leave and are answered with `result` for all."""
        message = self.waiting[0]
        assert isinstance(message, m.BillingTransaction)
        self.reply(receipts(message, result))

    def turn_on(self, *serials: str) -> None:
        """All the way from nothing to `confirmed`."""
        self.register(*serials)
        self.sync(on=serials)
        self.confirm()


def receipts(message: m.BillingTransaction, result: m.Receipt = m.Receipt.ACCEPTED) -> m.BillingTransactionResponse:
    return m.BillingTransactionResponse(
        tuple(m.BillingReceipt(reads.serial, reads.id, reads.part, result) for reads in message.devices)
    )


def _reversed(mapping: Mapping[Key, Value]) -> dict[Key, Value]:
    return dict(reversed(list(mapping.items())))


def _assert_in_the_tables(before: SiteState, after: SiteState) -> None:
    """Each device and request stayed or went along rows of its table (several rows may follow in one event)."""
    for serial, device in after.devices.items():
        known = before.devices.get(serial)
        assert device.state in _reach(DEVICE, known.state if known else None)
        assert device.life == (known.life if known else 1) or (known and device.life == known.life + 1)
    for id, request in after.requests.items():
        old: BillingRequest | None = before.requests.get(id)
        assert request.state in _reach(REQUEST, old.state if old else None)
        assert request.state is not RequestState.OPEN or request.parts == 0


def _reach(table: Mapping[Key | None, Mapping[Value, Key]], state: Key | None) -> set[Key | None]:
    one = {state, *table[state].values()}
    return one | {after for between in one for after in table[between].values()}

"""The rules of the reference server: registration, eligibility, sign-up, turning on and off, the billing calendar.

Pure functions over frozen records: `now`, `today` and ids are parameters. No clock, no store, no socket here.
What a client must be told is derived from the facts each time, never remembered as "sent": a lost reply costs nothing.
"""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

YOUNG_EQUIPMENT = timedelta(days=30)
"""How long equipment may be unknown to the administrative system, where nobody says otherwise."""
DAYS_TO_ANSWER = timedelta(days=7)
"""From the end of a billing period to the day its reads are due. Our policy; no public document says."""


class Refusal(Exception):
    """The message was understood and will not be acted on. `code` is a RefusalCode of the schema."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Cycle(StrEnum):
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMI_ANNUALLY = "semi-annually"


MONTHS = {Cycle.MONTHLY: 1, Cycle.QUARTERLY: 3, Cycle.SEMI_ANNUALLY: 6}


class Result(StrEnum):
    """What a registration of a device comes to."""

    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    ASSIGNED = "assigned"
    INELIGIBLE = "ineligible"


class Receipt(StrEnum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"


class State(StrEnum):
    """What a sync status reports of a device."""

    ON = "on"
    OFF = "off"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


class Stage(StrEnum):
    """How far a device's life has come here."""

    REGISTERED = "registered"
    SIGNED_UP = "signed-up"
    ON = "on"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A registered client; it counts from `effective` on."""

    client: str
    account: str
    name: str
    os: str
    version: str
    registered: datetime
    effective: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """The current life of a serial number. `anchor` is the first day of its first billing period, `billed` the
    number of periods the calendar has asked for; `off_reason` is set from the order to turn off on."""

    serial: str
    client: str
    maker: str
    model: str
    asset: str | None
    registered: datetime
    effective: datetime
    life: int = 1
    stage: Stage = Stage.REGISTERED
    cycle: Cycle = Cycle.MONTHLY
    meters: tuple[str, ...] = ()
    anchor: date | None = None
    billed: int = 0
    off_reason: str | None = None
    ended_as: State | None = None


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What the vendor's books say of a serial number, where they say anything."""

    serial: str
    result: Result
    until: date | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class BillingRequest:
    """One billing transaction. `of` is the number of parts of its answer, 0 before the first part came."""

    id: str
    serial: str
    client: str
    period_from: date
    period_to: date
    cycle: Cycle
    due: date
    meters: tuple[str, ...]
    opened: datetime
    of: int = 0
    received: tuple[int, ...] = ()
    closed: bool = False  # the device's life ended first

    @property
    def answered(self) -> bool:
        return self.of > 0 and len(self.received) == self.of

    @property
    def open(self) -> bool:
        return not self.closed and not self.answered


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period, both days included, and the day its reads are due."""

    first: date
    last: date
    due: date


@dataclass(frozen=True, slots=True)
class Commands:
    """What a client is to be told of one device."""

    serial: str
    on: bool
    off_reason: str | None
    bill: BillingRequest | None


def standing(serial: str, client: str, holder: Device | None, books: Eligibility | None, today: date) -> Eligibility:
    """What registering `serial` for `client` comes to today; `holder` is the device's life, whoever has it."""
    if books is not None and books.result in (Result.INELIGIBLE, Result.ASSIGNED):
        return books
    if holder is not None and holder.stage is not Stage.ENDED and holder.client != client:
        return Eligibility(serial, Result.ASSIGNED, reason="another client reports this device")
    if books is not None and books.result is Result.UNKNOWN:
        until = books.until or today + YOUNG_EQUIPMENT
        if today < until:
            return Eligibility(serial, Result.UNKNOWN, until, books.reason or "not in the administrative system yet")
    return Eligibility(serial, Result.ACCEPTED)


def registered(new: Device, holder: Device | None) -> Device:
    """The device's life after a registration that was not refused: a repetition changes nothing."""
    if holder is None:
        return new
    return replace(new, life=holder.life + 1) if holder.stage is Stage.ENDED else holder


def why_not_sign_up(device: Device | None, books: Eligibility, now: datetime) -> str | None:
    """Why `device` cannot be signed up now; None when it can."""
    if device is None or device.stage is Stage.ENDED:
        return "not registered"
    if device.stage is not Stage.REGISTERED:
        return "signed up before"
    if books.result is not Result.ACCEPTED:
        return books.reason or str(books.result)
    if now < device.effective:
        return f"registration takes effect at {device.effective.isoformat()}"
    return None


_ENDINGS = (State.OFF, State.WITHDRAWN, State.REPLACED)
STATUS: dict[tuple[Stage, State], tuple[Receipt, Stage]] = {
    (Stage.REGISTERED, State.ON): (Receipt.UNKNOWN, Stage.REGISTERED),  # nobody asked for it
    (Stage.SIGNED_UP, State.ON): (Receipt.ACCEPTED, Stage.ON),
    (Stage.ON, State.ON): (Receipt.DUPLICATE, Stage.ON),
    (Stage.ENDED, State.ON): (Receipt.UNKNOWN, Stage.ENDED),
    **{(stage, end): (Receipt.ACCEPTED, Stage.ENDED) for stage in Stage if stage is not Stage.ENDED for end in _ENDINGS},
    **{(Stage.ENDED, end): (Receipt.DUPLICATE, Stage.ENDED) for end in _ENDINGS},
}
"""What a sync status does: (stage, reported state) to (receipt, stage)."""


def report(device: Device, state: State, today: date) -> tuple[Receipt, Device]:
    """The device after its sync status. The billing calendar starts on the day it is turned on."""
    receipt, stage = STATUS[device.stage, state]
    if receipt is not Receipt.ACCEPTED:
        return receipt, device
    if stage is Stage.ON:
        return receipt, replace(device, stage=stage, anchor=today)
    return receipt, replace(device, stage=stage, ended_as=state)


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or that month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def next_billing_date(device: Device) -> date | None:
    """The day the calendar asks for the next reads of a device that is on; always counted from the anchor,
    so that a 31st stays a 31st after February."""
    if device.stage is not Stage.ON or device.anchor is None:
        return None
    return add_months(device.anchor, MONTHS[device.cycle] * (device.billed + 1))


def periods_due(device: Device, today: date) -> tuple[tuple[Period, ...], Device]:
    """The periods that have ended and were not asked for yet, oldest first, and the device once they are."""
    periods = []
    while (end := next_billing_date(device)) is not None and end <= today:
        assert device.anchor is not None
        first = add_months(device.anchor, MONTHS[device.cycle] * device.billed)
        periods.append(Period(first, end - timedelta(days=1), end + DAYS_TO_ANSWER))
        device = replace(device, billed=device.billed + 1)
    return tuple(periods), device


def current_period(device: Device, today: date) -> Period:
    """The running period, for reads that are wanted out of turn."""
    first = device.registered.date()
    if device.anchor is not None:
        first = add_months(device.anchor, MONTHS[device.cycle] * device.billed)
    return Period(min(first, today), today, today + DAYS_TO_ANSWER)


def receive(
    request: BillingRequest | None, client: str, serial: str, part: int, of: int
) -> tuple[Receipt, BillingRequest | None]:
    """The request after one part of its answer: each part counts once, whatever is sent again."""
    if request is None or (request.client, request.serial) != (client, serial):
        return Receipt.UNKNOWN, request
    if part in request.received:
        return Receipt.DUPLICATE, request
    if request.closed or part > of or request.of not in (0, of):
        return Receipt.UNKNOWN, request
    return Receipt.ACCEPTED, replace(request, of=of, received=tuple(sorted((*request.received, part))))


def commands(device: Device, requests: Iterable[BillingRequest]) -> Commands | None:
    """What the client is to be told of `device` now; None for nothing. At most one billing request, the oldest
    first: each command is repeated until the client has answered it."""
    if device.stage is Stage.ENDED:
        return None
    bill = min((request for request in requests if request.open), key=lambda r: (r.opened, r.period_from, r.id), default=None)
    on = device.stage is Stage.SIGNED_UP and device.off_reason is None
    if not on and device.off_reason is None and bill is None:
        return None
    return Commands(device.serial, on, device.off_reason, bill)

"""What the client remembers of its site: the whole of it, as frozen values. `Session` replaces it at every
event, `ledger` keeps it between runs. No clock, no socket, no database here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from meterpost.lifecycle.messages import Cycle, RegisterProxy, RemoteSettings, Request


class ProxyState(StrEnum):
    """The client itself, as the server knows it."""

    NEW = "new"
    REGISTERING = "registering"  # the message is in the outbox
    REGISTERED = "registered"


class DeviceState(StrEnum):
    """A device's place in its life. One life runs from `selected` to `withdrawn`, `replaced` or `off`."""

    SEEN = "seen"
    SELECTED = "selected"  # chosen; its registration is in the outbox or waits for the proxy's
    REGISTERED = "registered"
    UNKNOWN_UNTIL = "unknown-until"  # registered, but the vendor may not know it before `until`
    ASSIGNED_ELSEWHERE = "assigned-elsewhere"
    INELIGIBLE = "ineligible"
    TURNED_ON = "turned-on"  # told to turn on; the sync status is in the outbox
    CONFIRMED = "confirmed"
    BILLING_DUE = "billing-due"
    REPORTED = "reported"
    OFF = "off"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class RequestState(StrEnum):
    """One billing request."""

    OPEN = "open"  # asked; the device has not been read for it
    ANSWERED = "answered"  # the reads are in the outbox
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"  # the server does not know it any more, or the device's life ended


@dataclass(frozen=True, slots=True)
class Proxy:
    state: ProxyState = ProxyState.NEW
    effective: datetime | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """`life` counts enrolments of this serial from 1; `since` is when `state` began."""

    serial: str
    state: DeviceState
    since: datetime
    maker: str = ""
    model: str = ""
    asset: str | None = None
    address: str = ""
    port: int = 161
    life: int = 1
    until: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BillingRequest:
    """A billing request as received; `parts` is how many parts its answer has (0 before there is one),
    `parts_acknowledged` which of them the server has."""

    id: str
    serial: str
    period_from: date
    period_to: date
    cycle: Cycle
    due: date
    meters: tuple[str, ...]
    received: datetime
    state: RequestState = RequestState.OPEN
    parts: int = 0
    parts_acknowledged: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message in the outbox. It is sent, with the same content, until the server has answered it."""

    number: int
    message: Request
    queued: datetime
    attempts: int = 0
    not_before: datetime | None = None


def front(outbox: Sequence[Outgoing]) -> Outgoing | None:
    """What leaves next: the oldest, unless the client speaks of itself. That overtakes, for nothing else can succeed where
    the client is not registered, or where its certificate has ended."""
    of_itself = (outgoing for outgoing in outbox if isinstance(outgoing.message, RegisterProxy))
    return next(of_itself, outbox[0] if outbox else None)


def renews(proxy: Proxy, message: Request) -> bool:
    """Whether the message is only about a key: the client is registered already."""
    return isinstance(message, RegisterProxy) and proxy.state is ProxyState.REGISTERED


@dataclass(frozen=True, slots=True)
class SiteState:
    """Everything. `client` is this client's UUID; `outbox` is sent from its `front`, one at a time."""

    client: str
    proxy: Proxy = Proxy()
    devices: Mapping[str, Device] = field(default_factory=lambda: MappingProxyType({}))
    requests: Mapping[str, BillingRequest] = field(default_factory=lambda: MappingProxyType({}))
    outbox: tuple[Outgoing, ...] = ()
    next_number: int = 1
    paused: bool = False
    last_sync: datetime | None = None  # of the last sync response received
    settings: RemoteSettings = field(default_factory=RemoteSettings)  # as last told by the server

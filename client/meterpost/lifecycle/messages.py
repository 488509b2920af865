"""The messages of the protocol as values. One class per global element of the contract's schema;
`soap` turns them into bytes and back, `lifecycle` decides which is said next.

Times are aware and in UTC, whole seconds. Texts here may be longer than the schema allows: descriptions
are clipped when they are written, identifiers that are too long are refused when a device is enrolled.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Cycle(StrEnum):
    """How often a device is billed."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMI_ANNUALLY = "semi-annually"


class Registration(StrEnum):
    """What the server made of a device's registration."""

    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    ASSIGNED = "assigned"
    INELIGIBLE = "ineligible"


class ServiceState(StrEnum):
    """What a sync status says of a device."""

    ON = "on"
    OFF = "off"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


class Receipt(StrEnum):
    """What the server made of one item."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"


class Holder(StrEnum):
    """Whose certificate it is."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class RegisterProxy:
    """T1; with an empty `name` and `os` again where a key needs a certificate.

    `key` is a P-256 point, compressed, in base64; `proof` its signature over "{client} {key}", r and s, in base64."""

    client: str
    name: str
    os: str
    version: str
    key: str | None = None
    proof: str | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """`der` is the certificate in DER, in base64."""

    of: Holder
    der: str


@dataclass(frozen=True, slots=True)
class RegisterProxyResponse:
    """Registration counts at the server from `effective` on.

    The certificates are the client's, for the key it sent, and the server's that are in force."""

    client: str
    effective: datetime
    certificates: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceToRegister:
    serial: str
    maker: str
    model: str
    asset: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterProxyDevices:
    """T2; x is the number of devices."""

    client: str
    devices: tuple[DeviceToRegister, ...]


@dataclass(frozen=True, slots=True)
class RegisteredDevice:
    """`until` is the day up to which the vendor may not know the device (result `unknown`)."""

    serial: str
    result: Registration
    until: date | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterProxyDevicesResponse:
    """What became of each device; it counts at the server from `effective` on."""

    effective: datetime
    devices: tuple[RegisteredDevice, ...]


@dataclass(frozen=True, slots=True)
class SyncProxy:
    """T3: constant size, names the client only."""

    client: str
    version: str


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """Settings from the centre, in effect from the client's next run. Minutes; None leaves a value alone."""

    sync_at: str | None = None
    jitter: int | None = None
    read_every: int | None = None


@dataclass(frozen=True, slots=True)
class TurnOn:
    serial: str


@dataclass(frozen=True, slots=True)
class TurnOff:
    serial: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """A billing transaction request. No `meters` means every meter."""

    serial: str
    id: str
    period_from: date
    period_to: date
    cycle: Cycle
    due: date
    meters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncProxyResponse:
    """T4 and T6; x is the number of different serials named."""

    time: datetime
    settings: RemoteSettings | None = None
    on: tuple[TurnOn, ...] = ()
    off: tuple[TurnOff, ...] = ()
    bills: tuple[Bill, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    serial: str
    state: ServiceState
    at: datetime


@dataclass(frozen=True, slots=True)
class SyncProxyStatus:
    """T5; x is the number of devices."""

    client: str
    devices: tuple[DeviceStatus, ...]


@dataclass(frozen=True, slots=True)
class StatusReceipt:
    serial: str
    result: Receipt


@dataclass(frozen=True, slots=True)
class SyncProxyStatusResponse:
    """A receipt for each device of the status."""

    devices: tuple[StatusReceipt, ...]


@dataclass(frozen=True, slots=True)
class MeterValue:
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class SupplyUsage:
    """Level and capacity as RFC 3805 reports them, states included; `unit` is its unit code."""

    name: str
    level: int
    capacity: int
    unit: int


@dataclass(frozen=True, slots=True)
class DeviceReads:
    """Part `part` of `of` of the answer to billing request `id`; `at` is when the device was read."""

    serial: str
    id: str
    at: datetime
    part: int
    of: int
    meters: tuple[MeterValue, ...]
    supplies: tuple[SupplyUsage, ...]


@dataclass(frozen=True, slots=True)
class BillingTransaction:
    """T7; x is the number of devices."""

    client: str
    devices: tuple[DeviceReads, ...]


@dataclass(frozen=True, slots=True)
class BillingReceipt:
    serial: str
    id: str
    part: int
    result: Receipt


@dataclass(frozen=True, slots=True)
class BillingTransactionResponse:
    """A receipt for each part of the reads."""

    devices: tuple[BillingReceipt, ...]


Request = RegisterProxy | RegisterProxyDevices | SyncProxy | SyncProxyStatus | BillingTransaction
Reply = (
    RegisterProxyResponse
    | RegisterProxyDevicesResponse
    | SyncProxyResponse
    | SyncProxyStatusResponse
    | BillingTransactionResponse
)
Message = Request | Reply

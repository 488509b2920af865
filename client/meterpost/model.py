"""The values every room may hold and hand on. Frozen; of ours they import only other values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from meterpost import pwg


def instant(when: datetime) -> str:
    """`when` as the wire writes it: UTC, whole seconds, `2026-11-20T12:00:00Z`."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"  # strftime shortens early years


def from_instant(text: str) -> datetime:
    """The aware time `text` (as `instant` writes it) means. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Meter:
    """One counter of a device. `value` is never negative; `unit` is what it counts
    (`impressions`, `sheets`, `images`, ...: PrtMarkerCounterUnitTC of RFC 3805, or the profile's word)."""

    name: str
    value: int
    unit: str
    oid: str

    @property
    def pwg(self) -> str:
        """The counter of PWG 5106.1 and its service, `Print.MonochromeImpressions`; '' where PWG has none for it."""
        return pwg.counter(self.name)


class SupplyState(StrEnum):
    """What a supply's level says (prtMarkerSuppliesLevel, RFC 3805): a number, or one of the three states."""

    KNOWN = "known"
    UNRESTRICTED = "unrestricted"  # -1
    UNKNOWN = "unknown"  # -2
    SOME_REMAINING = "some-remaining"  # -3


@dataclass(frozen=True, slots=True)
class Supply:
    """One supply. `level` and `capacity` are raw MIB values in `unit_code`'s unit (RFC 3805, 19 is percent), states
    (-1, -2, -3) included; `percent` is 0 to 100 where both are real numbers, or the level is a percentage itself, else None.
    For a receptacle (waste container) level and percent are the room that is LEFT."""

    index: str
    description: str
    kind: str
    supply_class: str
    color: str
    level: int
    capacity: int
    unit_code: int
    unit: str
    percent: int | None
    state: SupplyState


@dataclass(frozen=True, slots=True)
class Alert:
    """A row of the printer's alert table (prtAlertTable, RFC 3805). `severity`, `group` and `code` are the RFC's words, the
    number where it has none for it, '' where the device says nothing; `description` is the printer's own."""

    index: str
    severity: str
    group: str
    code: str
    description: str

    @property
    def sentence(self) -> str:
        """For people: the printer's own words, else the RFC's taken apart: "critical: door open (cover)"."""
        if self.description:
            return self.description
        where = f" ({_words(self.group)})" if self.group else ""
        return f"{_words(self.severity) or 'alert'}: {_words(self.code) or 'no code'}{where}"


def _words(name: str) -> str:
    """`inputTrayEmpty` as "input tray empty"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything one visit to a device learnt. Text the device does not have is ''."""

    address: str
    port: int
    taken_at: datetime
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    name: str = ""
    location: str = ""
    mac: str = ""
    firmware: str = ""
    status: str = ""
    meters: tuple[Meter, ...] = ()
    supplies: tuple[Supply, ...] = ()
    errors: tuple[str, ...] = ()  # names of hrPrinterDetectedErrorState's bits (RFC 2790): "lowToner"
    alerts: tuple[Alert, ...] = ()
    macs: tuple[str, ...] = ()  # of all network interfaces; `mac` is the first
    profile: str = ""
    profile_version: str = ""
    sys_object_id: str = ""
    sys_descr: str = ""
    is_printer: bool = True

    @property
    def total(self) -> Meter | None:
        """The meter to show where there is room for one: the maker's own total, else what the first marker counted, which on
        several makers is another number than the one on the panel."""
        own = (meter for meter in self.meters if meter.name == "impressions")
        return next(own, None) or next((meter for meter in self.meters if meter.name.startswith("life.")), None)

    def meter(self, name: str) -> int | None:
        """The value of the meter called `name`, None where the device has no such meter."""
        return next((meter.value for meter in self.meters if meter.name == name), None)

    def to_json(self) -> dict[str, object]:
        """The documented, stable form of `discover --json` and `read --json`."""
        return {
            "address": self.address,
            "port": self.port,
            "manufacturer": self.manufacturer,
            "model": self.model,
            "serial": self.serial,
            "name": self.name,
            "location": self.location,
            "mac": self.mac,
            "firmware": self.firmware,
            "status": self.status,
            "errors": list(self.errors),
            "alerts": [
                {"severity": a.severity, "group": a.group, "code": a.code, "description": a.description} for a in self.alerts
            ],
            "macs": list(self.macs),
            "taken_at": instant(self.taken_at),
            "profile": self.profile,
            "profile_version": self.profile_version,
            "meters": [{"name": m.name, "value": m.value, "unit": m.unit, "pwg": m.pwg, "oid": m.oid} for m in self.meters],
            "supplies": [
                {
                    "description": s.description,
                    "kind": s.kind,
                    "class": s.supply_class,
                    "color": s.color,
                    "level": s.level,
                    "capacity": s.capacity,
                    "unit": s.unit,
                    "percent": s.percent,
                    "state": str(s.state),
                }
                for s in self.supplies
            ],
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a reading may be billed. A doubtful one is held with its reasons, never dropped."""

    reasons: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Octets of one message at the three levels; `wire` is TCP payload with TLS (handshake included where this
    message opened the connection)."""

    envelope: int
    http: int
    wire: int


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One HTTP exchange as the transport saw it. Heads include the blank line; `*_wire` count TCP payload octets."""

    status: int
    reason: str
    headers: Mapping[str, str]  # names lower case
    body: bytes  # out of its content-coding
    request_head: bytes
    response_head: bytes
    request_wire: int
    response_wire: int
    coded: bytes = b""  # the body as it came, where it came in a content-coding

    @property
    def octets(self) -> bytes:
        """The body as it came."""
        return self.coded or self.body


NOT_SENT = "not sent"
"""How the outcome of an exchange begins of which nothing left."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One line of the journal: what left, what came, how large it was. `transaction` is T1 to T7,
    `devices` the x of the formula, `answer` the budgeted transaction of the reply (T4 or T6) or ''."""

    at: datetime
    url: str
    transaction: str
    devices: int
    request: bytes  # head and body exactly as sent, before TLS
    request_sizes: Sizes
    outcome: str  # "ok", "refused, CODE: ...", "failed: ...", "not sent: ..."
    response: bytes = b""
    response_sizes: Sizes = Sizes(0, 0, 0)
    answer: str = ""
    answer_devices: int = 0
    number: int = 0

    @property
    def left(self) -> bool:
        """Whether anything of the message can have left. After a time-out it can have, though nobody counted it."""
        return not self.outcome.startswith(NOT_SENT)


class JobName(StrEnum):
    """Jobs of the unattended agent whose last success is kept."""

    READ = "read"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account at the communication server. The password never shows in repr, logs or the store."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and the certificate that belongs to it, both PEM. The key never shows in repr, logs or the store."""

    private_key: bytes = field(repr=False)
    certificate: bytes

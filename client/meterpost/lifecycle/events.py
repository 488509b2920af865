"""What can happen to a site, and what a `Session` asks for in return. Values only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from meterpost.lifecycle.messages import Certificate, DeviceReads, RemoteSettings, Reply
from meterpost.model import Reading


# --- events: from the operator -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Seen:
    """Discovery met this device."""

    serial: str
    maker: str
    model: str
    asset: str | None
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Selected:
    """The operator chose these devices (all seen before)."""

    serials: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegistrationOrdered:
    """The operator said yes to the preview: proxy (if it is new) and all selected devices are to be registered.
    `name`, `os`, `version` describe the client; a `key` that is given needs a certificate, as in `KeyDue`."""

    name: str
    os: str
    version: str
    key: str | None = None
    proof: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The operator takes a device out."""

    serial: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """The device `old` was replaced by `new` (seen before)."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Paused:
    """Communication is off until `Resumed`: nothing is sent, nothing is lost."""


@dataclass(frozen=True, slots=True)
class Resumed:
    pass


# --- events: from the timer --------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class SyncDue:
    """Ask the server, now. `version` is the client's."""

    version: str


@dataclass(frozen=True, slots=True)
class KeyDue:
    """The client's key needs a certificate, or the server's own are to be asked for again. `version` is the client's,
    `key` and `proof` are those of `RegisterProxy`."""

    version: str
    key: str
    proof: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """A wake-up asked for by `next_wakeup`. `version` is the client's, for the sync that a registration's taking
    effect calls for; without it there is none."""

    version: str = ""


# --- events: from the network ------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class SendStarted:
    """The outbox message `number` is about to leave (written down before it does)."""

    number: int


@dataclass(frozen=True, slots=True)
class Replied:
    """The server answered the outbox message `number`."""

    number: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class SendFailed:
    """No valid answer to `number`; whether the server has it is unknown. Sent again later, unchanged."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class SendRefused:
    """The server understood `number` and refused it (`code`: a RefusalCode or SOAP fault code)."""

    number: int
    code: str
    reason: str


# --- events: from the printers -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ReadingTaken:
    """A reading fit to be billed (the ledger has it already). Several are answered in one message."""

    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """The device could not be read: its requests stay open."""

    serial: str
    reason: str


Event = (
    Seen
    | Selected
    | RegistrationOrdered
    | Withdrawn
    | Replaced
    | Paused
    | Resumed
    | SyncDue
    | KeyDue
    | TimePassed
    | SendStarted
    | Replied
    | SendFailed
    | SendRefused
    | ReadingTaken
    | ReadFailed
)


# --- effects -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Queued:
    """A message was put into the outbox."""

    number: int


@dataclass(frozen=True, slots=True)
class ReadNow:
    """Open billing requests wait for these devices."""

    serials: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingsReceived:
    settings: RemoteSettings


@dataclass(frozen=True, slots=True)
class Certified:
    """The server's answer about keys. To be kept before the state that follows from it: asked again, the server gives
    the same certificates."""

    certificates: tuple[Certificate, ...]


class NoticeKind(StrEnum):
    """What is worth telling the administrator; the first three are the vendor's own mail events."""

    READS_REPORTED = "reads-reported"
    ENROLMENT_CANCELLED = "enrolment-cancelled"
    COMMUNICATION_ERROR = "communication-error"
    TURNED_ON = "turned-on"
    NOT_ACCEPTED = "not-accepted"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Notice:
    """`serial` is '' where it concerns the client as a whole."""

    kind: NoticeKind
    serial: str
    text: str


Effect = Queued | ReadNow | SettingsReceived | Certified | Notice

Pack = Callable[[str, datetime, Reading, tuple[str, ...]], tuple[DeviceReads, ...]]
"""`(request id, time of the reading, reading, meters wanted or ()) -> its parts`, each of which fits the budget's slope."""

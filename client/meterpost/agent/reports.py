"""What the agent tells people: values only, each with its documented JSON form where a command prints one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from meterpost import soap
from meterpost.errors import MeterpostError
from meterpost.lifecycle.events import Notice
from meterpost.lifecycle.state import SiteState
from meterpost.model import JobName, Judgement, Reading
from meterpost.settings import ScheduleSettings


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it would leave now: nothing was sent. `head` and `body` are the exact octets."""

    verdict: soap.BudgetVerdict
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Connection:
    """A live test of the way to the server: TLS, HTTP proxy, account. `registered`: it knows this client. `account`: whether
    the account was tried; a server may take nothing but signatures, and this client have no key yet."""

    registered: bool
    account: bool
    certificate: str
    octets_sent: int
    octets_received: int


@dataclass(frozen=True, slots=True)
class ReadReport:
    """One device's turn in a round of reads: a reading with its judgement, or the reason there is none."""

    serial: str
    address: str
    reading: Reading | None
    judgement: Judgement
    failure: str = ""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did. `messages` names the transactions sent, in order, with their x."""

    messages: tuple[tuple[str, int], ...]
    reads: tuple[ReadReport, ...]
    notices: tuple[Notice, ...]
    waiting: int  # messages still in the outbox
    open_requests: int
    paused: bool = False  # communication is off
    next_try: datetime | None = None  # of what waits, where it has to


@dataclass(frozen=True, slots=True)
class Status:
    """Where the site stands. `certificates_end`: the first that messages are signed with, on either side;
    `ends_soon`: the first of them that does so soon, or has."""

    site: SiteState
    schedule: ScheduleSettings
    last_success: Mapping[JobName, datetime | None]
    latest: tuple[Reading, ...]
    certificates_end: datetime | None = None
    ends_soon: datetime | None = None


def in_words(error: Exception) -> str:
    """What went wrong. Of an error nobody expected only the kind: nobody knows what its text contains."""
    return str(error) if isinstance(error, MeterpostError) else f"unexpected {type(error).__name__}"

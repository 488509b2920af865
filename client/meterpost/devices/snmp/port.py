"""The SNMP port: one agent as one way in sees it, one PDU at a time, and only the three PDUs that read.

There is no SET in this code base.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from meterpost.errors import DeviceError
from meterpost.recording import Oid, Value

Binding = tuple[Oid, Value]
"""A name and its value; None stands for NULL and for the exceptions noSuchObject, noSuchInstance and endOfMibView."""


class ErrorStatus(IntEnum):
    """The error-status values a reader meets (RFC 3416, section 3). v1 says NO_SUCH_NAME for the whole PDU."""

    NO_ERROR = 0
    TOO_BIG = 1
    NO_SUCH_NAME = 2
    GEN_ERR = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """A response PDU. `status` is an ErrorStatus or another number the agent made up; `index` counts from 1."""

    bindings: tuple[Binding, ...] = ()
    status: int = ErrorStatus.NO_ERROR
    index: int = 0


class Unanswered(DeviceError):
    """No usable answer within the time-out and its retries."""


class Agent(Protocol):
    """One device behind one credential. Every call raises DeviceError (Unanswered for silence)."""

    @property
    def has_bulk(self) -> bool:
        """False for SNMPv1, which has no GETBULK."""

    async def get(self, oids: Sequence[Oid]) -> Answer: ...

    async def get_next(self, oids: Sequence[Oid]) -> Answer: ...

    async def get_bulk(self, oids: Sequence[Oid], repetitions: int) -> Answer: ...

    async def close(self) -> None: ...

"""The SNMP port: what may be asked of an agent, what it answers, and a talk: a whole conversation without a socket.

Only the three PDUs that read exist here. There is no SET in this code base.
"""

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol, TypeVar

from meterpost.errors import DeviceError
from meterpost.recording import Oid, Value

Binding = tuple[Oid, Value]
"""A name and its value; None stands for NULL and for the exceptions noSuchObject, noSuchInstance and endOfMibView."""


class Kind(IntEnum):
    """The PDUs that read, by their BER tags (RFC 3416, section 3)."""

    GET = 0xA0
    GET_NEXT = 0xA1
    GET_BULK = 0xA5


class ErrorStatus(IntEnum):
    """The error-status values a reader meets (RFC 3416, section 3). v1 says NO_SUCH_NAME for the whole PDU."""

    NO_ERROR = 0
    TOO_BIG = 1
    NO_SUCH_NAME = 2
    GEN_ERR = 5


@dataclass(frozen=True, slots=True)
class Request:
    """One request PDU. `non_repeaters` (the first so many names) and `repetitions` are GETBULK's."""

    kind: Kind
    names: tuple[Oid, ...]
    non_repeaters: int = 0
    repetitions: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A response PDU. `status` is an ErrorStatus or another number the agent made up; `index` counts from 1; `tags` are the
    BER tags of the values, where the engine tells them: only who makes a recording asks."""

    bindings: tuple[Binding, ...] = ()
    status: int = ErrorStatus.NO_ERROR
    index: int = 0
    tags: bytes = field(default=b"", compare=False)


class Unanswered(DeviceError):
    """No usable answer within the time-out and its retries."""


class Unresolved(DeviceError):
    """The device is named, and nobody knows the name: there is no other way to ask."""


T = TypeVar("T")
Talk = Generator[Request, Answer, T]
"""A conversation with one agent: it yields a request, is sent the answer (or thrown a DeviceError, Unanswered for
silence), and returns what it learnt. One request at a time, so one conversation is never a crowd to its printer."""


class Agent(Protocol):
    """One device behind one credential, through one engine."""

    @property
    def has_bulk(self) -> bool:
        """False for SNMPv1, which has no GETBULK."""

    async def hold(self, talk: Talk[T], first_tries: int | None = None) -> T:
        """Holds `talk` with the device; its first request is sent at most `first_tries` times. Raises what the talk raises."""

    async def close(self) -> None: ...


async def hold(talk: Talk[T], ask: Callable[[Request, int], Awaitable[Answer]], tries: int, first_tries: int | None) -> T:
    """Holds `talk` with who answers one request after the other, sent so many times. Raises what the talk raises."""
    try:
        request = next(talk)
        now_tries = tries if first_tries is None else first_tries
        while True:
            try:
                answer, now_tries = await ask(request, now_tries), tries
            except DeviceError as error:
                request = talk.throw(error)
            else:
                request = talk.send(answer)
    except StopIteration as end:
        learnt: T = end.value
        return learnt
    finally:
        talk.close()


def hold_at_once(talk: Talk[T], answer: Callable[[Request], Answer]) -> T:
    """`hold` where nobody has to be waited for."""
    try:
        request = next(talk)
        while True:
            try:
                said = answer(request)
            except DeviceError as error:
                request = talk.throw(error)
            else:
                request = talk.send(said)
    except StopIteration as end:
        learnt: T = end.value
        return learnt
    finally:
        talk.close()

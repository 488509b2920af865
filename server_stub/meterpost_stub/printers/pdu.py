"""One request PDU becomes one response PDU (RFC 3416, section 4.2; for v1 as RFC 3584, section 4.2 maps it).

Read-only: what arrives over SNMP never changes the MIB. Nothing here knows of sockets, communities or users.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from itertools import islice
from typing import Any

from pysnmp.proto.api import v2c

from meterpost.recording import Oid, Tag, Variable
from meterpost_stub.printers.mib import Mib

# What fits one Ethernet frame; RFC 3417 asks for 484 at least and recommends this much.
MAX_MESSAGE = 1472
MAX_BINDINGS = 128  # more never fit MAX_MESSAGE: bounds the work a GETBULK can ask for

Binding = tuple[Oid, Any]  # a name and its pysnmp value


class Version(IntEnum):
    """The version field of a message."""

    V1 = 0
    V2C = 1
    V3 = 3


class Malformed(Exception):
    """Octets that are not a message."""


@contextmanager
def parsing() -> Iterator[None]:
    """Inside, octets from the network become values; whatever that raises is Malformed."""
    try:
        yield
    except Exception as error:  # on malformed octets pyasn1 raises TypeError, IndexError and others beside its own
        raise Malformed from error


class _Error(IntEnum):
    TOO_BIG = 1
    NO_SUCH_NAME = 2
    NOT_WRITABLE = 17


class _Refusal(Exception):
    """An error-status for the binding at `index` (from 1)."""

    def __init__(self, status: _Error, index: int) -> None:
        super().__init__(status, index)
        self.status, self.index = status, index


_TYPES: dict[Tag, Callable[[Any], Any]] = {
    Tag.INTEGER: lambda value: v2c.Integer32((value + 2**31) % 2**32 - 2**31),
    Tag.OCTETS: v2c.OctetString,
    Tag.NULL: lambda _: v2c.Null(""),
    Tag.OID: v2c.ObjectIdentifier,
    Tag.IP_ADDRESS: v2c.IpAddress,
    Tag.COUNTER32: lambda value: v2c.Counter32(value % 2**32),
    Tag.GAUGE32: lambda value: v2c.Gauge32(value % 2**32),
    Tag.TIMETICKS: lambda value: v2c.TimeTicks(value % 2**32),
    Tag.OPAQUE: v2c.Opaque,
    Tag.COUNTER64: lambda value: v2c.Counter64(value % 2**64),
}
_END = v2c.EndOfMibView("")


def respond(request: Any, mib: Mib, version: Version, pack: Callable[[Any], bytes], limit: int = MAX_MESSAGE) -> bytes | None:
    """The message that answers `request`; None where none is due (responses, traps, GETBULK in v1).
    `pack` makes a message of a response PDU; `limit` is the largest one in octets both sides take."""
    answer = _ANSWERS.get(request.tagSet)
    if answer is None or (version is Version.V1 and request.tagSet == v2c.GetBulkRequestPDU.tagSet):
        return None
    asked = [(tuple(name), value) for name, value in v2c.apiPDU.get_varbinds(request)]
    try:
        bindings = list(answer(request, asked, mib, version))
    except _Refusal as refusal:
        return pack(_response(request, asked, refusal.status, refusal.index))
    while len(message := pack(_response(request, bindings))) > limit:
        if request.tagSet != v2c.GetBulkRequestPDU.tagSet:
            # RFC 3416, 4.2.1: without bindings. RFC 1157, 4.1.2: v1 sends the request's back.
            return pack(_response(request, asked if version is Version.V1 else (), _Error.TOO_BIG))
        bindings = bindings[: min(len(bindings) - 1, len(bindings) * limit // len(message))]
    return message


def _response(request: Any, bindings: Iterable[Binding], status: int = 0, index: int = 0) -> Any:
    response = v2c.apiPDU.get_response(request)
    v2c.apiPDU.set_error_status(response, status)
    v2c.apiPDU.set_error_index(response, index)
    v2c.apiPDU.set_varbinds(response, bindings)
    return response


def _get(request: Any, asked: Sequence[Binding], mib: Mib, version: Version) -> Iterator[Binding]:
    for index, (name, _) in enumerate(asked, 1):
        variable = mib.get(name)
        if variable is not None and _speakable(variable, version):
            yield _binding(variable)
        elif version is Version.V1:
            raise _Refusal(_Error.NO_SUCH_NAME, index)
        else:
            sibling = mib.next(name[:-1])
            known = sibling is not None and sibling.oid[:-1] == name[:-1]
            yield name, (v2c.NoSuchInstance if known else v2c.NoSuchObject)("")


def _get_next(request: Any, asked: Sequence[Binding], mib: Mib, version: Version) -> Iterator[Binding]:
    for index, (name, _) in enumerate(asked, 1):
        variable = mib.next(name)
        while variable is not None and not _speakable(variable, version):
            variable = mib.next(variable.oid)
        if variable is None and version is Version.V1:
            raise _Refusal(_Error.NO_SUCH_NAME, index)
        yield (name, _END) if variable is None else _binding(variable)


def _get_bulk(request: Any, asked: Sequence[Binding], mib: Mib, version: Version) -> Iterator[Binding]:
    """RFC 3416, 4.2.3. The rows stop when every column is at the end, or at MAX_BINDINGS."""
    once = max(0, min(int(v2c.apiBulkPDU.get_non_repeaters(request)), len(asked)))
    repetitions = max(0, int(v2c.apiBulkPDU.get_max_repetitions(request)))
    return islice(_rows(request, asked, once, repetitions, mib, version), MAX_BINDINGS)


def _rows(request: Any, asked: Sequence[Binding], once: int, repetitions: int, mib: Mib, version: Version) -> Iterator[Binding]:
    yield from _get_next(request, asked[:once], mib, version)
    row: Sequence[Binding] = asked[once:]
    for _ in range(repetitions):
        row = tuple(_get_next(request, row, mib, version))
        yield from row
        if all(value is _END for _, value in row):
            return


def _set(request: Any, asked: Sequence[Binding], mib: Mib, version: Version) -> Iterator[Binding]:
    raise _Refusal(_Error.NO_SUCH_NAME if version is Version.V1 else _Error.NOT_WRITABLE, 1)


def _speakable(variable: Variable, version: Version) -> bool:
    """v1 has no Counter64: such objects are not in its view (RFC 3584, 4.2.2.1)."""
    return version is not Version.V1 or variable.tag is not Tag.COUNTER64


def _binding(variable: Variable) -> Binding:
    return variable.oid, _TYPES[variable.tag](variable.value)


_ANSWERS = {
    v2c.GetRequestPDU.tagSet: _get,
    v2c.GetNextRequestPDU.tagSet: _get_next,
    v2c.GetBulkRequestPDU.tagSet: _get_bulk,
    v2c.SetRequestPDU.tagSet: _set,
}

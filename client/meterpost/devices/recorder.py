"""A recording of a living device: everything its agent tells, walked boundedly.

What is recorded works as a test case and as a simulated printer unchanged.
"""

from collections.abc import Iterable

from meterpost.devices.snmp.port import ErrorStatus, Kind, Request, Talk, Unanswered
from meterpost.devices.snmp.session import Session
from meterpost.errors import DeviceError
from meterpost.recording import Oid, Tag, Value, Variable, oid

MAX_VARIABLES = 30_000
MAX_OCTETS = 8 * 1024 * 1024  # of octet strings; twice that in hexadecimal is still a recording that can be loaded
_ROOT = oid("1.3.6.1")
_REPETITIONS = 24


def walk(session: Session) -> Talk[tuple[Variable, ...]]:
    """Every variable of the agent, in its order, MAX_VARIABLES and about MAX_OCTETS at most. Raises DeviceError for an agent
    without any."""
    found: list[Variable] = []
    cursor, bulk, rows = _ROOT, session.abilities.bulk, _REPETITIONS
    octets = 0
    while len(found) < MAX_VARIABLES and octets < MAX_OCTETS:
        request = Request(Kind.GET_BULK, (cursor,), 0, rows) if bulk else Request(Kind.GET_NEXT, (cursor,))
        try:
            answer = yield request
        except Unanswered:
            if not bulk:
                raise
            bulk = False
            continue
        session.heard = True
        taken = _increasing(answer.bindings, answer.tags, cursor) if answer.status == ErrorStatus.NO_ERROR else []
        if taken:
            found += taken
            octets += sum(len(variable.value) for variable in taken if isinstance(variable.value, bytes))
            cursor = taken[-1].oid
            if len(taken) == len(answer.bindings):
                continue
        if answer.status == ErrorStatus.TOO_BIG and bulk and rows > 1:
            rows //= 2
        elif bulk and not taken and not (answer.bindings and answer.bindings[0][1] is None):
            bulk = False
        else:
            break  # the end of the MIB, or names that do not increase
    if not found:
        raise DeviceError("the device has an SNMP agent, but it tells nothing", "May the community or user see its MIB?")
    return tuple(found[:MAX_VARIABLES])


def _increasing(bindings: Iterable[tuple[Oid, Value]], tags: bytes, cursor: Oid) -> list[Variable]:
    """The leading variables whose names increase."""
    taken: list[Variable] = []
    for (name, value), tag in zip(bindings, tags, strict=False):
        if value is None or name <= cursor:
            break
        cursor = name
        taken.append(Variable(name, Tag(tag), value))
    return taken

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
INCOMPLETE = "incomplete"
_ROOT = oid("1.3.6.1")
_REPETITIONS = 24
_MORE_TRIES = 3  # of each request, beyond those of a reading: much has been asked already, and one loss would cost it


class Recorder:
    """What a walk has found so far, and why it is not everything; '' where it is."""

    def __init__(self) -> None:
        self.variables: list[Variable] = []
        self.note = ""

    def walk(self, session: Session) -> Talk[None]:
        """Every variable of the agent, in its order, MAX_VARIABLES and about MAX_OCTETS at most; what there was until then
        where the agent falls silent. Raises DeviceError for an agent without any."""
        self.variables, self.note = [], ""
        found, cursor, bulk, rows = self.variables, _ROOT, session.abilities.bulk, _REPETITIONS
        octets = silences = 0
        while len(found) < MAX_VARIABLES and octets < MAX_OCTETS:
            request = Request(Kind.GET_BULK, (cursor,), 0, rows) if bulk else Request(Kind.GET_NEXT, (cursor,))
            try:
                answer = yield request
            except DeviceError as error:
                silent = isinstance(error, Unanswered)
                if silent and found and silences < _MORE_TRIES:
                    silences += 1
                elif silent and bulk:
                    bulk, silences = False, 0
                elif found:
                    self.stopped("the device has stopped answering")
                    return
                else:
                    raise
                continue
            session.heard = True
            silences = 0
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
        else:
            self.note = f"cut: the device has more than a recording takes, {MAX_VARIABLES} variables or {MAX_OCTETS} octets"
        if not found:
            raise DeviceError("the device has an SNMP agent, but it tells nothing", "May the community or user see its MIB?")
        del found[MAX_VARIABLES:]

    def stopped(self, why: str) -> None:
        """The walk has come no further. The note names no device: it goes with a redacted recording too."""
        self.note = f"{INCOMPLETE}: {why} after {len(self.variables)} variables"

    @property
    def head(self) -> str:
        """The note as the first line of a file, which whoever loads it passes over."""
        return f"# {self.note}\n" if self.note else ""


def _increasing(bindings: Iterable[tuple[Oid, Value]], tags: bytes, cursor: Oid) -> list[Variable]:
    """The leading variables whose names increase."""
    taken: list[Variable] = []
    for (name, value), tag in zip(bindings, tags, strict=False):
        if value is None or name <= cursor:
            break
        cursor = name
        taken.append(Variable(name, Tag(tag), value))
    return taken

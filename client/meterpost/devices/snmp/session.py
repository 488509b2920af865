"""Getting values and columns out of an agent that may be old, weak or hostile: whatever it answers, the work is bounded.

A session knows the defects of agents and nothing of printers.
"""

from collections.abc import Mapping, Sequence

from meterpost.devices.snmp.port import Agent, Answer, ErrorStatus, Unanswered
from meterpost.errors import DeviceError
from meterpost.recording import Oid, Value

MAX_EXCHANGES = 400  # per session; a printer needs about 10 over v2c, 20 to 60 over v1
MAX_ROWS = 400  # per column
_GET_OIDS = 16  # keeps request and usual answers within one unfragmented datagram
_BULK_BINDINGS = 24  # few round trips without reading far past short tables

Column = Mapping[Oid, Value]
"""Values of one column, keyed by the instance part of their name."""


class Session:
    """One visit to one agent. Remembers what the agent cannot do; `cut` are the columns that did not come to their end."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._bulk = agent.has_bulk
        self._left = MAX_EXCHANGES
        self.cut: set[Oid] = set()

    async def get(self, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """The values of those `oids` that exist. Raises DeviceError."""
        values: dict[Oid, Value] = {}
        waiting = [list(oids[start : start + _GET_OIDS]) for start in range(0, len(oids), _GET_OIDS)]
        while waiting:
            asked = waiting.pop()
            self._spend()
            answer = await self._agent.get(asked)
            if answer.status == ErrorStatus.NO_ERROR:
                values |= {oid: value for oid, value in answer.bindings if value is not None and oid in asked}
            elif answer.status == ErrorStatus.NO_SUCH_NAME and 1 <= answer.index <= len(asked):
                # RFC 1157 4.1.2: one missing name loses the whole PDU; ask again without it.
                del asked[answer.index - 1]
                waiting += [asked] if asked else []
            elif len(asked) > 1:
                middle = len(asked) // 2
                waiting += [asked[:middle], asked[middle:]]
        return values

    async def columns(self, columns: Sequence[Oid]) -> dict[Oid, Column]:
        """All `columns` walked side by side, every column present in the result. Raises DeviceError."""
        found: dict[Oid, dict[Oid, Value]] = {column: {} for column in columns}
        cursors = {column: column for column in columns}
        width = len(cursors)
        while cursors:
            asked = list(cursors)[:width]
            answer = await self._rows_after([cursors[column] for column in asked])
            if _take_rows(answer, asked, cursors, found):
                continue
            if self._bulk:
                self._bulk = False
            elif len(asked) > 1:
                width = 1
            else:
                del cursors[asked[0]]
                self.cut.add(asked[0])
        self.cut |= {column for column, rows in found.items() if len(rows) >= MAX_ROWS}
        return dict(found)

    async def _rows_after(self, names: list[Oid]) -> Answer:
        if self._bulk:
            self._spend()
            try:
                return await self._agent.get_bulk(names, max(1, _BULK_BINDINGS // len(names)))
            except Unanswered:
                self._bulk = False  # an agent without a working GETBULK may say nothing at all
        self._spend()
        return await self._agent.get_next(names)

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise DeviceError(
                f"the device did not come to an end within {MAX_EXCHANGES} requests",
                "Its SNMP agent is defective; a newer firmware may help.",
            )


def _take_rows(answer: Answer, asked: list[Oid], cursors: dict[Oid, Oid], found: dict[Oid, dict[Oid, Value]]) -> bool:
    """Moves `cursors` on and drops those whose column has ended. False where there was no way forward: an error,
    an empty answer, names that do not increase."""
    moved = False
    if answer.status == ErrorStatus.NO_SUCH_NAME and 1 <= answer.index <= len(asked):
        del cursors[asked[answer.index - 1]]  # v1's end of the MIB
        moved = True
    if answer.status != ErrorStatus.NO_ERROR:
        return moved
    for place, (name, value) in enumerate(answer.bindings):
        column = asked[place % len(asked)]
        if column not in cursors:
            continue
        if value is None or name[: len(column)] != column or len(found[column]) >= MAX_ROWS:
            del cursors[column]
            moved = True
        elif name > cursors[column]:
            cursors[column] = name
            found[column][name[len(column) :]] = value
            moved = True
    return moved

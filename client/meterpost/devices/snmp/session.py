"""Getting values out of an agent that may be old, weak or hostile: whatever it answers, the work is bounded.

A session knows the defects of agents and nothing of printers. It is told what is wanted, scalars and columns, and packs
that into as few requests as answers have room for: GETBULK with the scalars as non-repeaters, several columns at once;
GETNEXT of many names where there is no GETBULK. A scalar is asked as the successor of its predecessor, so that one that is
missing costs no PDU in v1 (RFC 1157, 4.1.2), and is simply another name.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from meterpost.devices.snmp.port import Answer, ErrorStatus, Kind, Request, Talk, Unanswered
from meterpost.errors import DeviceError
from meterpost.recording import Oid, Value

MAX_EXCHANGES = 400  # per session; a printer needs about 5 over v2c, 20 over v1
MAX_ROWS = 400  # per column
GET_NAMES = 16  # keeps request and usual answers within one unfragmented datagram
BULK_NAMES = 32
ANSWER_OCTETS = 1300  # of bindings: what fits one Ethernet frame beside the heads
_MOST_REPETITIONS = 24
_INSTANCE_OCTETS = 3  # usual, of a row's name behind its column's
_BINDING_OCTETS = 5  # the BER heads of a binding beside its name and value

Column = Mapping[Oid, Value]
"""Values of one column, keyed by the instance part of their name."""


class Want(NamedTuple):
    """A column to be walked: how many rows are likely, the most that are of use, and octets of a usual value."""

    column: Oid
    rows: int = 1
    most: int = MAX_ROWS
    octets: int = 4


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an agent takes: whether GETBULK works, and how many names at once."""

    bulk: bool
    names: int = BULK_NAMES


@dataclass(slots=True)
class Facts:
    """What an agent said: single objects and columns. A column that was asked is there, empty where the agent has none;
    `cut` are those that did not come to their end."""

    scalars: dict[Oid, Value] = field(default_factory=dict)
    columns: dict[Oid, dict[Oid, Value]] = field(default_factory=dict)
    cut: set[Oid] = field(default_factory=set)

    def merge(self, other: "Facts") -> None:
        """Takes over what `other` says."""
        self.scalars |= other.scalars
        self.columns |= other.columns
        self.cut |= other.cut


class Session:
    """One conversation with one agent. `abilities` is what turned out to work, to be remembered for the next; `heard` is
    whether it said anything at all."""

    def __init__(self, abilities: Abilities, insists: bool = True) -> None:
        """One that `insists` asks an agent that was never heard again without GETBULK, which some leave unanswered."""
        self.abilities = abilities
        self._insists = insists
        self.requests = 0
        self.heard = False

    def get(self, oids: Sequence[Oid]) -> Talk[dict[Oid, Value]]:
        """The values of those `oids` that exist. Raises DeviceError."""
        values: dict[Oid, Value] = {}
        size = min(GET_NAMES, self.abilities.names)
        waiting = [list(oids[start : start + size]) for start in range(0, len(oids), size)]
        while waiting:
            asked = waiting.pop()
            answer = yield from self._ask(Request(Kind.GET, tuple(asked)))
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

    def collect(self, scalars: Sequence[Oid], wants: Sequence[Want] = ()) -> Talk[Facts]:
        """Those of `scalars` that exist, and `wants` each walked to its end or its most. Raises DeviceError."""
        work = _Work(scalars, wants)
        while work.unfinished:
            step = work.next_step(self.abilities)
            try:
                answer = yield from self._ask(step.request(self.abilities.bulk))
            except Unanswered:
                if not self.abilities.bulk or not (self.heard or self._insists):
                    raise
                self.abilities = replace(self.abilities, bulk=False)  # an agent without a working GETBULK may say nothing
                continue
            if not work.take(answer, step):
                self._weaken(work, step)
        return work.facts

    def _weaken(self, work: "_Work", step: "_Step") -> None:
        """There was no way forward: an error, an empty answer, names that do not increase. Less is asked at once, at last
        the one name that cannot be had is given up."""
        if self.abilities.bulk:
            self.abilities = replace(self.abilities, bulk=False)
        elif step.names > 1:
            self.abilities = replace(self.abilities, names=step.names // 2)
        else:
            work.give_up(step)

    def _ask(self, request: Request) -> Talk[Answer]:
        if self.requests >= MAX_EXCHANGES:
            raise DeviceError(
                f"the device did not come to an end within {MAX_EXCHANGES} requests",
                "Its SNMP agent is defective; a newer firmware may help.",
            )
        self.requests += 1
        answer = yield request
        self.heard = True
        return answer


def before(name: Oid) -> Oid:
    """A name whose successor is `name`, where the agent has it and nothing below its older sibling."""
    return name[:-1] if name[-1] == 0 else (*name[:-1], name[-1] - 1)


@dataclass(frozen=True, slots=True)
class _Step:
    """One request: scalars, then the columns with the cursor of each."""

    scalars: tuple[Oid, ...]
    columns: tuple[Oid, ...]
    cursors: tuple[Oid, ...]
    rows: int

    @property
    def names(self) -> int:
        return len(self.scalars) + len(self.columns)

    def request(self, bulk: bool) -> Request:
        names = (*map(before, self.scalars), *self.cursors)
        return Request(Kind.GET_BULK, names, len(self.scalars), self.rows) if bulk else Request(Kind.GET_NEXT, names)


class _Work:
    """What is still to be asked, and what is known."""

    def __init__(self, scalars: Sequence[Oid], wants: Sequence[Want]) -> None:
        self.facts = Facts(columns={want.column: {} for want in wants})
        self._scalars = dict.fromkeys(scalars)
        self._wants = {want.column: want for want in wants}
        self._cursors = {want.column: want.column for want in wants}

    @property
    def unfinished(self) -> bool:
        return bool(self._scalars or self._cursors)

    def next_step(self, abilities: Abilities) -> _Step:
        """The scalars there is room for, then columns that are likely as long as the first of them, as many rows as fit."""
        room, names = ANSWER_OCTETS, abilities.names
        scalars = tuple(self._scalars)[:names]
        names -= len(scalars)
        room -= sum(len(name) + _BINDING_OCTETS + 12 for name in scalars)
        if names <= 0 or not self._cursors:
            return _Step(scalars, (), (), 0)
        columns: list[Oid] = []
        rows = row_octets = 0
        for column in self._cursors:
            likely = self._rows(column) if abilities.bulk else 1
            rows = rows or likely
            cost = len(column) + _INSTANCE_OCTETS + _BINDING_OCTETS + self._wants[column].octets
            if likely != rows:
                continue
            if len(columns) == names or (columns and row_octets + cost > room):
                break
            columns.append(column)
            row_octets += cost
        fitting = max(1, min(rows, room // row_octets, _MOST_REPETITIONS))
        return _Step(scalars, tuple(columns), tuple(self._cursors[column] for column in columns), fitting)

    def _rows(self, column: Oid) -> int:
        want = self._wants[column]
        return max(1, min(want.rows, want.most - len(self.facts.columns[column])))

    def take(self, answer: Answer, step: _Step) -> bool:
        """Moves on with `answer`; False where it is no way forward."""
        if answer.status == ErrorStatus.NO_SUCH_NAME and 1 <= answer.index <= step.names:
            self._end(step, (*map(before, step.scalars), *step.cursors)[answer.index - 1])
            return True
        if answer.status != ErrorStatus.NO_ERROR or len(answer.bindings) < step.names or not _in_place(answer, step):
            return False
        rows = answer.bindings[len(step.scalars) :]
        # Cut short by size, the last row is broken off. But one value may be left out of it instead, and then the names behind
        # it stand in each other's places: that a column ends is not believed there, and asked again.
        sure = len(rows) // len(step.columns) * len(step.columns) if step.columns else 0
        for scalar, (name, value) in zip(step.scalars, answer.bindings, strict=False):
            self._scalars.pop(scalar, None)
            if name == scalar and value is not None:
                self.facts.scalars[scalar] = value
        taken = bool(step.scalars)
        for place, (name, value) in enumerate(rows):
            taken |= self._take_row(step.columns[place % len(step.columns)], name, value, sure=place < sure)
        return taken

    def _end(self, step: _Step, last: Oid) -> None:
        """v1's end of the MIB: nothing follows `last`, and so nothing follows what lies beyond it."""
        for scalar in step.scalars:
            if before(scalar) >= last:
                self._scalars.pop(scalar, None)
        for column, cursor in zip(step.columns, step.cursors, strict=True):
            if cursor >= last:
                self._cursors.pop(column, None)

    def _take_row(self, column: Oid, name: Oid, value: Value, sure: bool) -> bool:
        """Whether it helped."""
        if column not in self._cursors:
            return False
        rows, size = self.facts.columns[column], len(column)
        if value is None or name[:size] != column:
            if sure:
                del self._cursors[column]
            return sure
        rows[name[size:]] = value
        self._cursors[column] = name
        if len(rows) >= self._wants[column].most:
            del self._cursors[column]
            if len(rows) >= MAX_ROWS:
                self.facts.cut.add(column)
        return True

    def give_up(self, step: _Step) -> None:
        """The one name of `step` cannot be had."""
        for scalar in step.scalars:
            del self._scalars[scalar]
        for column in step.columns:
            del self._cursors[column]
            self.facts.cut.add(column)


def _in_place(answer: Answer, step: _Step) -> bool:
    """Whether names only increase in every place, there are no more of them than were asked for, and none is passed over in
    one place that stands in another. Where that is not so a value was left out, and nothing in the answer can be trusted."""
    asked = (*map(before, step.scalars), *step.cursors)
    complete = len(step.scalars) + len(step.columns) * max(step.rows, 1)
    if len(answer.bindings) > complete:
        return False
    last = list(asked)
    # Where everything is there that was asked for, nothing was left out.
    short = len(answer.bindings) < complete
    known = sorted(name for name, value in answer.bindings if value is not None) if short else []
    for place, (name, value) in enumerate(answer.bindings):
        beyond = place >= len(asked)
        if beyond:
            place = len(step.scalars) + (place - len(step.scalars)) % len(step.columns)
        if value is not None:
            if name <= last[place]:
                return False
            leaves = short and beyond and name[: len(last[place]) - 1] != last[place][:-1]
            if short and (leaves or not beyond) and known[bisect_right(known, last[place])] < name:
                return False
        last[place] = name
    return True

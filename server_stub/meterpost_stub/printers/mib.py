"""The variables of one simulated printer: ordered, looked up, and changed by the operator of the fleet.

A value may change, an object may be added, its type may not. It must never be changed by what arrives over SNMP.
"""

import bisect
from collections.abc import Iterable, Iterator
from dataclasses import replace

from meterpost.recording import Oid, Tag, Value, Variable, oid

_NUMBERS = (Tag.INTEGER, Tag.COUNTER32, Tag.GAUGE32, Tag.TIMETICKS, Tag.COUNTER64)
_TYPES: dict[Tag, type] = {Tag.NULL: type(None), Tag.OID: tuple, **dict.fromkeys(_NUMBERS, int)}
_NEW = {int: Tag.INTEGER, bytes: Tag.OCTETS, tuple: Tag.OID}


def as_oid(name: Oid | str) -> Oid:
    """`name`, whether a tuple or dotted text. Raises ValueError."""
    return oid(name) if isinstance(name, str) else name


class Mib:
    """One device's objects in lexicographic order."""

    def __init__(self, variables: Iterable[Variable]) -> None:
        self._variables = {variable.oid: variable for variable in variables}
        self._order = sorted(self._variables)

    def get(self, name: Oid) -> Variable | None:
        """The object called exactly `name`."""
        return self._variables.get(name)

    def next(self, name: Oid) -> Variable | None:
        """The first object after `name`, None at the end of the view."""
        place = bisect.bisect_right(self._order, name)
        return self._variables[self._order[place]] if place < len(self._order) else None

    def under(self, prefix: Oid) -> Iterator[tuple[Oid, Variable]]:
        """The objects below `prefix`, each with the rest of its name: the index, when `prefix` is a column."""
        size = len(prefix)
        for name in self._order[bisect.bisect_right(self._order, prefix) :]:
            if name[:size] != prefix:
                return
            yield name[size:], self._variables[name]

    def set(self, name: Oid, value: Value | str) -> None:
        """Give `name` a value; an object that is not there is added (int: INTEGER, text and octets: OCTET STRING,
        tuple: OBJECT IDENTIFIER). Raises TypeError when the object is of another type."""
        octets = value.encode() if isinstance(value, str) else value
        known = self._variables.get(name)
        if known is None:
            if type(octets) not in _NEW:
                raise TypeError(f"no type for a new object with the value {value!r}")
            bisect.insort(self._order, name)
            self._variables[name] = Variable(name, _NEW[type(octets)], octets)
        elif isinstance(octets, _TYPES.get(known.tag, bytes)):
            self._variables[name] = replace(known, value=octets)
        else:
            raise TypeError(f"{value!r} is not a value of {known.tag.name}")

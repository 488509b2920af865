"""IPP messages as octets (RFC 8010, section 3): encodes a question, decodes an answer. Pure.

An answer is taken from a stranger: everything in it is bounded, and what is wrong with it is said with `BadAnswer`.
A value of a strange length or syntax harms nobody and stays the octets it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from meterpost.errors import DeviceError

MAX_ITEMS = 50_000  # groups, values, members of collections; with a media database it may be ten thousand
MAX_DEPTH = 8

_END = 0x03
_GROUPS = range(0x10)  # delimiters (RFC 8010, 3.5.1)
_OUT_OF_BAND = range(0x10, 0x20)  # unsupported, unknown, no-value
_INTEGER, _BOOLEAN, _ENUM = 0x21, 0x22, 0x23
_WITH_LANGUAGE = {0x35, 0x36}
_BEGIN_COLLECTION, _END_COLLECTION, _MEMBER = 0x34, 0x37, 0x4A

OPERATION_GROUP, PRINTER_GROUP = 0x01, 0x04
KEYWORD, URI, CHARSET, LANGUAGE = 0x44, 0x45, 0x47, 0x48

Value = Union[int, bytes, "Attributes"]
"""A number (booleans too), a collection, or octets: text in the charset of the answer, dates, ranges, resolutions."""

Attributes = Mapping[str, Sequence[Value]]
"""The values of each attribute, in their order; none where the printer says that there is none."""


class BadAnswer(DeviceError):
    """The octets are no IPP message."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` as RFC 8011, appendix B; groups in their order, each with its delimiter."""

    status: int
    groups: tuple[tuple[int, Attributes], ...]

    @property
    def ok(self) -> bool:
        return self.status <= 0x00FF

    def of(self, group: int) -> tuple[Attributes, ...]:
        """The groups of that kind: one for each printer."""
        return tuple(attributes for kind, attributes in self.groups if kind == group)


def encode(
    version: tuple[int, int], operation: int, request_id: int, attributes: Iterable[tuple[int, str, Iterable[str]]]
) -> bytes:
    """A request with one group, of operation attributes: tag, name, values."""
    message = bytearray(version) + operation.to_bytes(2, "big") + request_id.to_bytes(4, "big") + bytes([OPERATION_GROUP])
    for tag, name, values in attributes:
        for value in values:
            message += bytes([tag]) + _sized(name) + _sized(value)
            name = ""  # a further value of the same attribute
    return bytes(message) + bytes([_END])


def decode(octets: bytes) -> Answer:
    """Raises BadAnswer."""
    if len(octets) < 9 or octets[0] not in (1, 2):
        raise BadAnswer("the answer is not in IPP", "Check address and path; something else may listen there.")
    return _Decoder(octets).answer()


def _sized(text: str) -> bytes:
    octets = text.encode()
    return len(octets).to_bytes(2, "big") + octets


class _Decoder:
    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 8
        self._items = 0

    def answer(self) -> Answer:
        groups: list[tuple[int, Attributes]] = []
        attributes: dict[str, list[Value]] = {}
        name = ""
        while (tag := self._tag()) != _END:
            if tag in _GROUPS:
                attributes = {}
                groups.append((tag, attributes))
                continue
            named, octets = self._field().decode("ascii", "replace"), self._field()
            if named:
                name = named
                attributes[name] = []
            if name not in attributes:
                raise _broken("a value belongs to no attribute")
            attributes[name] += self._value(tag, octets, 1)
        return Answer(int.from_bytes(self._octets[2:4], "big"), tuple(groups))

    def _collection(self, depth: int) -> Attributes:
        """RFC 8010, 3.1.6: members by name until the end of the collection."""
        if depth > MAX_DEPTH:
            raise _broken("collections inside collections")
        members: dict[str, list[Value]] = {}
        name = None
        while True:
            tag, _, octets = self._tag(), self._field(), self._field()
            if tag == _END_COLLECTION:
                return members
            if tag == _MEMBER:
                name = octets.decode("ascii", "replace")
                members[name] = []
            elif name is None or tag in _GROUPS:
                raise _broken("a collection has no end")
            else:
                members[name] += self._value(tag, octets, depth)

    def _value(self, tag: int, octets: bytes, depth: int) -> tuple[Value, ...]:
        if tag in _OUT_OF_BAND:
            return ()
        if tag == _BEGIN_COLLECTION:
            return (self._collection(depth + 1),)
        if (tag in (_INTEGER, _ENUM) and len(octets) == 4) or (tag == _BOOLEAN and len(octets) == 1):
            return (int.from_bytes(octets, "big", signed=True),)
        if tag in _WITH_LANGUAGE:  # two lengths and two texts
            return (octets[4 + int.from_bytes(octets[:2], "big") :],)
        return (octets,)

    def _tag(self) -> int:
        self._items += 1
        if self._items > MAX_ITEMS:
            raise _broken("it has too many values")
        return self._take(1)[0]

    def _field(self) -> bytes:
        return self._take(int.from_bytes(self._take(2), "big"))

    def _take(self, count: int) -> bytes:
        taken = self._octets[self._at : self._at + count]
        if len(taken) < count:
            raise _broken("it ends too early")
        self._at += count
        return taken


def _broken(why: str) -> BadAnswer:
    return BadAnswer(f"the answer is broken IPP: {why}", "Its firmware may need an update.")

"""SNMPv1 and v2c messages as octets (RFC 1157, RFC 1901, RFC 3416; BER of X.690), for the wire.

Only what a reader says and hears: three requests out, one response in. It exists for its speed: a message is taken apart in
the time pyasn1 needs for one of its bindings. Whatever does not parse is `Garbled`; every length is checked against the
datagram, which is the bound of all work here.
"""

from functools import lru_cache

from meterpost.devices.snmp.port import Answer, Binding, Kind, Request
from meterpost.recording import Oid, Value

VERSIONS = {"1": 0, "2c": 1}
MAX_NUMBER = 0x7FFFFFFF  # request-ids are written with four octets, always

_SEQUENCE, _INTEGER, _OCTETS, _NULL, _OID, _RESPONSE = 0x30, 0x02, 0x04, 0x05, 0x06, 0xA2
_UNSIGNED = frozenset({0x41, 0x42, 0x43, 0x46})  # Counter32, Gauge32, TimeTicks, Counter64
_NOTHING = frozenset({_NULL, 0x80, 0x81, 0x82})  # NULL, noSuchObject, noSuchInstance, endOfMibView
_RAW = frozenset({_OCTETS, 0x40, 0x44})  # OCTET STRING, IpAddress, Opaque
_LONGEST_NUMBER = 9  # Counter64 with its leading zero
_MOST_ARCS = 128  # RFC 3416, section 4.1
_NAMES_KEPT, _KEPT_OCTETS = 16_384, 64  # 175 printers have 600, the longest of 35 octets

_names: dict[bytes, Oid] = {}  # most names come from every printer of a model: one tuple serves them all


class Garbled(ValueError):
    """Octets that are no response."""


def encode(request: Request, version: str, community: str, number: int) -> bytes:
    """The message that asks `request`; `number` is its request-id, at most MAX_NUMBER."""
    pdu = b"\x02\x04" + number.to_bytes(4, "big") + _rest_of_pdu(request)
    return tagged(_SEQUENCE, _head(version, community) + tagged(request.kind, pdu))


@lru_cache(64)
def _head(version: str, community: str) -> bytes:
    return b"\x02\x01" + bytes((VERSIONS[version],)) + tagged(_OCTETS, community.encode())


@lru_cache(1024)
def _rest_of_pdu(request: Request) -> bytes:
    """Everything behind the request-id: printers of one kind are asked the same."""
    first, second = (request.non_repeaters, request.repetitions) if request.kind is Kind.GET_BULK else (0, 0)
    bindings = b"".join(tagged(_SEQUENCE, tagged(_OID, _oid(name)) + b"\x05\x00") for name in request.names)
    return _count(first) + _count(second) + tagged(_SEQUENCE, bindings)


def _count(number: int) -> bytes:
    return tagged(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def tagged(tag: int, content: bytes) -> bytes:
    """An element with a definite length."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def _oid(name: Oid) -> bytes:
    """X.690, 8.19. The first two arcs share an octet; a name of one arc is sent with a zero behind it."""
    first, second, *rest = (*name, 0)[: max(2, len(name))]
    octets = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        octets += bytes(reversed(groups))
    return bytes(octets)


def decode(message: bytes) -> tuple[int, Answer]:
    """Request-id and content of a response. Raises Garbled."""
    try:
        return _decode(message)
    except (IndexError, ValueError) as error:
        raise Garbled(str(error)) from None


def _decode(message: bytes) -> tuple[int, Answer]:
    at, end = _enter(message, 0, len(message), _SEQUENCE)
    _, at = _number(message, at, end)
    at, size = _enter(message, at, end, _OCTETS)
    at, end = _enter(message, size, end, _RESPONSE)
    number, at = _number(message, at, end)
    status, at = _number(message, at, end)
    index, at = _number(message, at, end)
    at, end = _enter(message, at, end, _SEQUENCE)
    bindings: list[Binding] = []
    tags = bytearray()
    while at < end:
        # A binding and its two elements are nearly always short: no call for them.
        if message[at] == _SEQUENCE and message[at + 1] < 0x80 and at + 2 + message[at + 1] <= end:
            at, behind = at + 2, at + 2 + message[at + 1]
        else:
            at, behind = _enter(message, at, end, _SEQUENCE)
        if message[at] == _OID and message[at + 1] < 0x80:
            place, at = at + 2, at + 2 + message[at + 1]
        else:
            place, at = _enter(message, at, behind, _OID)
        name = message[place:at]
        tag = message[at]
        if message[at + 1] < 0x80:
            place, stop = at + 2, at + 2 + message[at + 1]
        else:
            place, stop = _enter(message, at, behind, tag)
        if stop > behind:
            raise Garbled(f"a binding at octet {place} reaches beyond its end")
        value = message[place:stop]
        bindings.append((_names.get(name) or _name(name), value if tag == _OCTETS else _value(tag, value)))
        tags.append(tag)
        at = behind
    return number, Answer(tuple(bindings), status, index, bytes(tags))


def _enter(message: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends."""
    if message[at] != tag:
        raise Garbled(f"tag {message[at]:#x} instead of {tag:#x} at octet {at}")
    size = message[at + 1]
    at += 2
    if size & 0x80:
        octets = size & 0x7F
        if not 1 <= octets <= 4:
            raise Garbled(f"a length of {octets} octets at octet {at}")
        size = int.from_bytes(message[at : at + octets], "big")
        at += octets
    if at + size > end:
        raise Garbled(f"{size} octets at octet {at} reach beyond what holds them")
    return at, at + size


def _number(message: bytes, at: int, end: int) -> tuple[int, int]:
    at, stop = _enter(message, at, end, _INTEGER)
    if stop - at > _LONGEST_NUMBER:
        raise Garbled(f"a number of {stop - at} octets")
    return int.from_bytes(message[at:stop], "big", signed=True), stop


def _value(tag: int, content: bytes) -> Value:
    if tag in _RAW:
        return content
    if tag in _NOTHING:
        return None
    if tag == _OID:
        return _names.get(content) or _name(content)
    if (tag == _INTEGER or tag in _UNSIGNED) and len(content) <= _LONGEST_NUMBER:
        # A counter is never negative, whatever an agent that forgot the leading zero seems to say.
        return int.from_bytes(content, "big", signed=tag == _INTEGER)
    raise Garbled(f"a value of tag {tag:#x} and {len(content)} octets")


def _name(octets: bytes) -> Oid:
    arcs: list[int] = []
    arc = 0
    for octet in octets:
        arc = arc << 7 | octet & 0x7F
        if arc > 0xFFFFFFFF:
            raise Garbled("an arc beyond 32 bits")
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    if not 0 < len(arcs) < _MOST_ARCS or octets[-1] & 0x80:
        raise Garbled("an object identifier that is none")
    top = min(arcs[0] // 40, 2)
    name = (top, arcs[0] - 40 * top, *arcs[1:])
    if len(octets) <= _KEPT_OCTETS:
        if len(_names) >= _NAMES_KEPT:
            _names.clear()
        _names[octets] = name
    return name

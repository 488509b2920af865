"""BER that holds together: octets are looked at here before an engine sees them that would believe or panic (X.690, 8.1).

Nothing is read but lengths, and the one number that says why a message of SNMPv3 was refused. Work is bounded by the datagram.
"""

from meterpost.devices.snmp.ber import Garbled

SEQUENCE, INTEGER, OCTETS = 0x30, 0x02, 0x04
_NULL, _OID, _COUNTER32, _OPAQUE, _REPORT = 0x05, 0x06, 0x41, 0x44, 0xA8
_MAY_BE_EMPTY = frozenset({SEQUENCE, OCTETS, _NULL, _OPAQUE, 0x80, 0x81, 0x82})  # the last are the exceptions of RFC 3416
_DEEPEST = 6
_USM_STATS = bytes.fromhex("2b060106030f0101")  # RFC 3414, section 5

Element = tuple[int, int, int]
"""Tag, and where the content begins and ends."""


def elements(octets: bytes, at: int, end: int) -> list[Element]:
    """The elements that fill the octets from `at` to `end`. Raises Garbled."""
    found: list[Element] = []
    while at < end:
        tag, size = octets[at], octets[at + 1]
        at += 2
        if size & 0x80:
            width = size & 0x7F
            if not 1 <= width <= 3:
                raise Garbled(f"a length of {width} octets")
            size = int.from_bytes(octets[at : at + width], "big")
            at += width
        if at + size > end or tag & 0x1F == 0x1F or (not size and tag not in _MAY_BE_EMPTY):
            raise Garbled(f"an element with tag {tag:#x} and {size} octets at octet {at}")
        found.append((tag, at, at + size))
        at += size
    if at != end:
        raise Garbled("half an element")
    return found


def these(octets: bytes, within: Element | tuple[int, int], *tags: int) -> list[Element]:
    """The elements `within` another, which have these tags. Raises Garbled."""
    found = elements(octets, *within[-2:])
    if tuple(tag for tag, _, _ in found) != tags:
        raise Garbled("other elements than these")
    return found


def check(octets: bytes) -> None:
    """Raises Garbled unless everything fills what holds it."""
    _check(octets, 0, len(octets), 0)


def _check(octets: bytes, at: int, end: int, depth: int) -> None:
    if depth > _DEEPEST:
        raise Garbled("too deep")
    for tag, start, stop in elements(octets, at, end):
        if tag & 0x20:
            _check(octets, start, stop, depth + 1)


def reason(octets: bytes, scoped: Element) -> int:
    """Which of usmStats a plain report counts, 0 for another counter. Raises Garbled where it is no report."""
    *_, pdu = these(octets, scoped, OCTETS, OCTETS, _REPORT)
    *_, bindings = these(octets, pdu, INTEGER, INTEGER, INTEGER, SEQUENCE)
    for _, *binding in these(octets, bindings, SEQUENCE):
        name, _ = these(octets, (binding[0], binding[1]), _OID, _COUNTER32)
        if octets[name[1] : name[2]].startswith(_USM_STATS) and name[2] - name[1] > len(_USM_STATS):
            return octets[name[1] + len(_USM_STATS)]
    return 0

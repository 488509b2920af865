"""BER that holds together: octets are looked at here before an engine sees them that would believe or panic (X.690, 8.1).

Nothing is read but lengths, and the one number that says why a message of SNMPv3 was refused. Work is bounded by the datagram.
"""

from meterpost.devices.snmp.ber import Garbled

SEQUENCE, OCTETS = 0x30, 0x04
_NULL, _REPORT = 0x05, 0xA8
_MAY_BE_EMPTY = frozenset({OCTETS, _NULL, 0x44, 0x80, 0x81, 0x82})  # 0x44: Opaque; the last are RFC 3416's exceptions
_DEEPEST = 6
_USM_STATS = bytes.fromhex("2b060106030f0101")  # RFC 3414, section 5

Element = tuple[int, int, int]
"""Tag, and where the content begins and ends."""


def elements(octets: bytes, at: int, end: int, count: int | None = None) -> list[Element]:
    """The elements that fill the octets from `at` to `end`. Raises Garbled, also where they are not `count`."""
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
        if at + size > end or tag & 0x1F == 0x1F:
            raise Garbled(f"an element with tag {tag:#x} and {size} octets at octet {at}")
        found.append((tag, at, at + size))
        at += size
    if at != end or (count is not None and len(found) != count):
        raise Garbled(f"{len(found)} elements")
    return found


def only(octets: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    (found,) = elements(octets, at, end, count=1)
    if found[0] != tag:
        raise Garbled(f"tag {found[0]:#x} instead of {tag:#x}")
    return found[1], found[2]


def check(octets: bytes, at: int, end: int, depth: int = 0, within: int = 0) -> None:
    """Raises Garbled unless every element fills what holds it and is not emptier than its tag allows."""
    for tag, start, stop in elements(octets, at, end):
        if start == stop and tag not in _MAY_BE_EMPTY and not (tag == SEQUENCE and within & 0xE0 == 0xA0):
            raise Garbled(f"nothing in tag {tag:#x} at octet {start}")
        if tag & 0x20:
            if depth == _DEEPEST:
                raise Garbled("too deep")
            check(octets, start, stop, depth + 1, tag)


def reason(octets: bytes, scoped: Element) -> int:
    """Which of usmStats a plain report counts, 0 for another counter. Raises Garbled where it is no report."""
    check(octets, scoped[1], scoped[2], depth=1, within=scoped[0])
    _, _, pdu = elements(octets, scoped[1], scoped[2], count=3)
    if pdu[0] != _REPORT:
        raise Garbled(f"tag {pdu[0]:#x} in the open")
    *_, bindings = elements(octets, pdu[1], pdu[2], count=4)
    for binding in elements(octets, bindings[1], bindings[2]):
        name, _ = elements(octets, binding[1], binding[2], count=2)
        if octets[name[1] : name[2]].startswith(_USM_STATS) and name[2] - name[1] > len(_USM_STATS):
            return octets[name[1] + len(_USM_STATS)]
    return 0

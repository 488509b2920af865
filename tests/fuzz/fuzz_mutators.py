"""Mutators for octets with lengths or checksums in them, where blind ones would only ever meet the first check."""

import zlib
from collections.abc import Callable
from random import Random

from meterpost.devices.snmp.ber import tagged
from meterpost.devices.snmp.sound import elements
from meterpost_wsdl import coding

Blind = Callable[[bytes], bytes]
_LONGEST = 65_536
_TAGS = (0x02, 0x04, 0x05, 0x06, 0x30, 0x40, 0x41, 0x44, 0x46, 0x80, 0x81, 0x82, 0xA0, 0xA2, 0xA8)


def ber(octets: bytes, chance: Random, blind: Blind) -> bytes:
    """One element somewhere in the tree is changed, and all lengths around it are right again."""
    try:
        found = [(tag, octets[start:stop]) for tag, start, stop in elements(octets, 0, len(octets))]
    except (ValueError, IndexError):
        return blind(octets)
    if not found:
        return blind(octets)
    at = chance.randrange(len(found))
    tag, content = found[at]
    if tag & 0x20 and content and chance.random() < 0.8:
        found[at] = tag, ber(content, chance, blind)
    else:
        match chance.randrange(6):
            case 0:
                del found[at]
            case 1:
                found.insert(chance.randrange(len(found) + 1), (tag, content))
            case 2:
                found[at] = chance.choice(_TAGS), content
            case 3:
                found[at] = tag, b""
            case 4:
                chance.shuffle(found)
            case _:
                found[at] = tag, blind(content)
    return b"".join(tagged(kind, inside) for kind, inside in found)


def behind_a_choice(octets: bytes, chance: Random, blind: Blind) -> bytes:
    """BER behind an octet that chooses what is done with it."""
    kind = octets[:1] if chance.random() < 0.8 else bytes((chance.randrange(3),))
    return kind + ber(octets[1:], chance, blind)


def compressed(octets: bytes, chance: Random, blind: Blind) -> bytes:
    """In what zlib made of it."""
    try:
        plain = zlib.decompressobj().decompress(octets, _LONGEST)
    except zlib.error:
        return blind(octets)
    return zlib.compress(blind(plain), 1) if chance.random() < 0.9 else blind(octets)


def gzipped(octets: bytes, chance: Random, blind: Blind) -> bytes:
    """In the plain text, in the member, or more of the same than anybody wants."""
    match chance.randrange(4):
        case 0:
            try:
                return coding.gzip(blind(coding.gunzip(octets, _LONGEST)))
            except coding.BadCoding:
                return blind(octets)
        case 1:
            return coding.gzip(octets[:16] * chance.randrange(1, 20_000))
        case 2:
            return octets + coding.gzip(octets)
    return blind(octets)

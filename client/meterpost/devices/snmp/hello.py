"""Is there an SNMPv3 engine? The discovery message of RFC 3414, section 4: no user, no engine, answered with a report."""

from meterpost.devices.snmp.ber import tagged

_VERSION = b"\x02\x01\x03"
_MAX_SIZE = b"\x02\x03\x00\xff\xe3"  # 65 507 octets, what UDP carries
_FLAGS = b"\x04\x01\x04"  # reportable, neither authenticated nor private
_USM = b"\x02\x01\x03"
_NOBODY = tagged(0x30, b"\x04\x00\x02\x01\x00\x02\x01\x00\x04\x00\x04\x00\x04\x00")


def message(number: int) -> bytes:
    """The octets, with `number` as msgID and request-id."""
    marked = b"\x02\x04" + number.to_bytes(4, "big")
    header = tagged(0x30, marked + _MAX_SIZE + _FLAGS + _USM)
    get = tagged(0xA0, marked + b"\x02\x01\x00\x02\x01\x00\x30\x00")
    return tagged(0x30, _VERSION + header + tagged(0x04, _NOBODY) + tagged(0x30, b"\x04\x00\x04\x00" + get))


def is_v3(octets: bytes) -> bool:
    """Whether `octets` begin like a message of version 3."""
    at = 2 + (octets[1] & 0x7F if len(octets) > 1 and octets[1] & 0x80 else 0)
    return octets[:1] == b"\x30" and octets[at : at + 3] == _VERSION

"""Numbers packed into an octet string: records of tag, type 1, length 4 and value, ended by 255 (Brother). Pure; never raises.

The tags and what they mean are the profile's.
"""

from meterpost.recording import Value

_END, _NUMBER = 0xFF, 1
_HEAD, _VALUE = 3, 4
_MOST_OCTETS = 4096


def numbers(value: Value) -> dict[int, int]:
    """The number behind each tag. Nothing at all where the octets are not records to the last of them, or say two things
    of one tag; records that are no numbers of four octets are passed over."""
    if not isinstance(value, bytes) or len(value) > _MOST_OCTETS or value[-1:] != bytes((_END,)):
        return {}
    found: dict[int, int] = {}
    at, end = 0, len(value) - 1
    while at < end:
        tag, kind, size = value[at], *value[at + 1 : at + _HEAD].ljust(2, b"\0")
        content = value[at + _HEAD : at + _HEAD + size]
        at += _HEAD + size
        if at > end:
            return {}
        if kind == _NUMBER and size == _VALUE:
            number = int.from_bytes(content, "big")
            if found.setdefault(tag, number) != number:
                return {}
    return found

"""What agents put into values, made plain: text, serial numbers, addresses, IEEE 1284 ids, error bits. Pure; never raises."""

import re

from meterpost.devices.reading.mib import DETECTED_ERRORS
from meterpost.recording import Value

MAX_TEXT = 255  # DisplayString
MAX_DEVICE_ID = 4096  # IEEE 1284 ids list every language of the printer

_NO_SERIAL = re.compile(
    r"(?i)(.)\1*|(?:un)?known|n/?a|none|null|default|not (?:set|available|defined)|serial[ _-]?(?:number|no)\.?|to be filled.*"
)


def text(value: Value, limit: int = MAX_TEXT) -> str:
    """UTF-8, else Latin-1; without NULs and other control characters, without blanks around."""
    if not isinstance(value, bytes):
        return ""
    value = value.replace(b"\0", b"")
    try:
        decoded = value.decode("utf-8")
    except UnicodeDecodeError:
        decoded = value.decode("latin-1")
    return "".join(character if character.isprintable() else " " for character in decoded[:limit]).strip()


def serial(found: str) -> str:
    """`found`, or '' where it is a filler and not the number of one device."""
    return "" if _NO_SERIAL.fullmatch(found) else found


def number(value: Value) -> int | None:
    """`value` where it is a number."""
    return value if isinstance(value, int) else None


def mac(value: Value) -> str:
    """`aa:bb:cc:dd:ee:ff`, or '' where it is no Ethernet address."""
    return value.hex(":") if isinstance(value, bytes) and len(value) == 6 and any(value) else ""


def detected_errors(value: Value) -> tuple[str, ...]:
    """The words of an hrPrinterDetectedErrorState of no, one or two octets."""
    bits = value if isinstance(value, bytes) else b""
    return tuple(word for place, word in enumerate(DETECTED_ERRORS) if _bit(bits, place))


def _bit(octets: bytes, place: int) -> bool:
    return place // 8 < len(octets) and bool(octets[place // 8] & (0x80 >> place % 8))

"""What agents put into values, made plain: text, serial numbers, addresses, IEEE 1284 ids, error bits. Pure; never raises."""

import re

from meterpost.devices.reading.mib import DETECTED_ERRORS
from meterpost.recording import Value

MAX_TEXT = 255  # DisplayString
MAX_DEVICE_ID = 4096  # IEEE 1284 ids list every language of the printer

# What agents say for want of a serial number, in small letters, without blanks and signs.
_NO_NUMBERS = """
unknown known undefined unspecified unavailable unassigned uninitialized invalid none null nil nan na default defaultstring
empty blank dummy test error tbd tba tobedetermined tobedefined tobefilled tobefilledbyoem oem
notset notavailable notapplicable notassigned notconfigured notdefined notfound notinitialized notpresent notprogrammed
notreadable notspecified notsupported notyetset noserial nosn noserialnumber
sn serial serialno serialnum serialnumber systemserialnumber
unbekannt nichtverfügbar inconnu nondisponible desconocido nodisponible sconosciuto nondisponibile onbekend неизвестно 不明 未知
"""
_FILLERS = frozenset(_NO_NUMBERS.split())
_SEQUENCES = ("12345678901234567890", "01234567890123456789", "abcdefghijklmnopqrstuvwxyz")
_SHORTEST_SEQUENCE = 8  # a shorter one may well be somebody's number
_SERIAL_LABEL = re.compile(r"(?:S/?N|Serial(?: ?(?:No|Num|Number))?\.?) ?[:=#] ?", re.IGNORECASE)

_KANA_OR_KANJI = re.compile("[\u3041-\u30ff\u4e00-\u9fff]{2}")
# GB 2312 cannot be told from other East Asian codes by its octets, but these four-octet words are its own.
_CHINESE_WORDS = "黑色 青色 红色 品红 黄色 墨粉 碳粉 粉盒 墨盒 废粉 硒鼓 纸盒 定影 打印 复印 未知"
_CHINESE = tuple(word.encode("gb2312") for word in _CHINESE_WORDS.split())
_BYTE_ORDERS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def text(value: Value, limit: int = MAX_TEXT) -> str:
    """At most `limit` characters of what an octet string says; no NULs, control characters, or blanks around.

    UTF-8, UTF-16 (with its mark, or where every other octet tends to be NUL), Shift JIS and GB 2312 where it can be nothing
    else, otherwise Windows-1252, which is Latin-1 with signs where Latin-1 has control characters.
    """
    if not isinstance(value, bytes):
        return ""
    if value.isascii() and (plain := value.decode("ascii")).isprintable():  # nearly always, and 50 times per printer
        return plain[:limit].strip()
    decoded = _decoded(value[: 4 * limit])[:limit]
    return "".join(character if character.isprintable() else " " for character in decoded).strip()


def _decoded(octets: bytes) -> str:
    if code := _BYTE_ORDERS.get(octets[:2]) or _unmarked_utf16(octets):
        last = b"\0" if code == "utf-16-le" and len(octets) % 2 else b""  # taken for padding, and taken away
        return (octets + last).decode(code, "ignore")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        before = octets[: error.start]
        if error.reason == "unexpected end of data" and not before.isascii():
            return before.decode("utf-8")  # cut by the agent inside a character
    return _east_asian(octets) or _western(octets)


def _unmarked_utf16(octets: bytes) -> str:
    """The byte order of a text most of whose characters are Latin: their other octet is NUL."""
    used = octets.rstrip(b"\0")
    big, little = used[::2].count(0), used[1::2].count(0)
    if min(big, little) or 4 * max(big, little) <= len(used):
        return ""
    return "utf-16-be" if big else "utf-16-le"


def _east_asian(octets: bytes) -> str:
    """'' where it may as well be something else. Kana begin with an octet that is no letter of Latin-1; and quotes of
    Windows-1252 or accents of MS-DOS, which have such octets too, do not make two kana or kanji in a row."""
    try:
        if any(0x81 <= octet <= 0x9F for octet in octets):
            decoded = octets.decode("cp932")
            return decoded if _KANA_OR_KANJI.search(decoded) else ""
        return octets.decode("gb2312") if any(word in octets for word in _CHINESE) else ""
    except UnicodeDecodeError:
        return ""


def _western(octets: bytes) -> str:
    try:
        return octets.decode("cp1252")
    except UnicodeDecodeError:  # five octets have no meaning in it
        return octets.decode("latin-1")


def serial(found: str) -> str:
    """`found` without a label in front, or '' where it is a filler and not the number of one device."""
    label = _SERIAL_LABEL.match(found)
    own = found[label.end() :] if label else found
    plain = "".join(filter(str.isalnum, own)).casefold()
    if len(set(plain)) < 2 or plain in _FILLERS:
        return ""
    if len(plain) >= _SHORTEST_SEQUENCE and any(sequence.startswith(plain) for sequence in _SEQUENCES):
        return ""
    return own


def number(value: Value) -> int | None:
    """`value` where it is a number."""
    return value if isinstance(value, int) else None


def mac(value: Value) -> str:
    """`aa:bb:cc:dd:ee:ff`, or '' where it is no Ethernet address."""
    return value.hex(":") if isinstance(value, bytes) and len(value) == 6 and any(value) else ""


def detected_errors(value: Value) -> tuple[str, ...]:
    """The names in an hrPrinterDetectedErrorState of no, one or two octets (RFC 2790)."""
    bits = value if isinstance(value, bytes) else b""
    return tuple(word for place, word in enumerate(DETECTED_ERRORS) if _bit(bits, place))


def _bit(octets: bytes, place: int) -> bool:
    return place // 8 < len(octets) and bool(octets[place // 8] & (0x80 >> place % 8))

"""A recording without what is nobody else's business: serial numbers, names, places, addresses.

Each is replaced wherever it stands, always by the same stand-in of the same shape: digits by digits, letters by letters. So the
recording still reads like the device, and two places that agreed still agree. Tables that name other machines are left out.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from meterpost.devices.reading import mib, values
from meterpost.devices.reading.profile import Profiles
from meterpost.recording import Oid, Tag, Variable, oid

SYS_CONTACT = oid("1.3.6.1.2.1.1.4.0")
_NAMES = (mib.SYS_NAME, SYS_CONTACT, mib.SYS_LOCATION)
# RFC 3805: prtGeneralCurrentOperator, prtGeneralServicePerson, prtGeneralPrinterName.
_PEOPLE = tuple(map(oid, ("1.3.6.1.2.1.43.5.1.1.4", "1.3.6.1.2.1.43.5.1.1.5", "1.3.6.1.2.1.43.5.1.1.16")))
# Address translation, IP, TCP, UDP, IPv6, and who may manage the agent: they name the machines it talks to; and the Job
# Monitoring MIB (RFC 2707): what was printed, and by whom.
_OTHERS = (
    *map(oid, ("1.3.6.1.2.1.3", "1.3.6.1.2.1.4", "1.3.6.1.2.1.6", "1.3.6.1.2.1.7", "1.3.6.1.2.1.55", "1.3.6.1.6.3")),
    oid("1.3.6.1.4.1.2699.1.1"),
)
_LEAST = 4  # characters: what is shorter is in everything
_QUAD = rb"\d{1,3}"
# Private networks (RFC 1918, RFC 3927). Four numbers with dots may be a firmware's version as well: any others stay, unless the
# agent itself has them as an address.
_INSIDE = rb"(?:10\.%b|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\.%b\.%b" % (_QUAD, _QUAD, _QUAD)
_MAIL = re.compile(rb"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_CODES = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")


def redacted(variables: Iterable[Variable], profiles: Profiles, key: bytes | None = None) -> tuple[Variable, ...]:
    """`variables` with stand-ins, which `key` decides (chance, if none is given: nobody can compute them back)."""
    variables = tuple(variables)
    kept = tuple(variable for variable in variables if not any(_below(variable.oid, root) for root in _OTHERS))
    stand_ins = _StandIns(key or secrets.token_bytes(16))
    table = dict(_pairs(variables, profiles, stand_ins))
    pattern = re.compile(b"|".join(map(re.escape, sorted(table, key=len, reverse=True))) or rb"(?!)", re.IGNORECASE)
    known = {
        b".".join(b"%d" % part for part in v.value) for v in variables if v.tag is Tag.IP_ADDRESS and isinstance(v.value, bytes)
    }
    address = re.compile(rb"(?<![\d.])(?:" + b"|".join((*map(re.escape, sorted(known)), _INSIDE)) + rb")(?![\d.])")
    folded = {word.lower(): stand_in for word, stand_in in table.items()}

    def plain(octets: bytes) -> bytes:
        octets = pattern.sub(lambda match: _as_written(match[0], table.get(match[0]) or folded[match[0].lower()]), octets)
        octets = _MAIL.sub(b"somebody@example.com", octets)
        return address.sub(lambda match: stand_ins.address(match[0]), octets)

    def one(variable: Variable) -> Variable:
        value = variable.value
        if not isinstance(value, bytes):
            return variable
        if variable.tag is Tag.IP_ADDRESS:
            return replace(variable, value=bytes(map(int, stand_ins.address(b".".join(b"%d" % n for n in value)).split(b"."))))
        return replace(variable, value=plain(value))

    return tuple(map(one, kept))


def _pairs(variables: tuple[Variable, ...], profiles: Profiles, stand_ins: "_StandIns") -> Iterator[tuple[bytes, bytes]]:
    """Every spelling of everything private, with its stand-in."""
    words = {word for variable in variables for word in _private_words(variable, profiles)}
    for word in words:
        stand_in = stand_ins.word(word)
        for code in _CODES:
            yield word.encode(code, "replace"), stand_in.encode(code, "replace")
    for variable in variables:
        value = variable.value
        if _below(variable.oid, mib.IF_PHYS_ADDRESS) and isinstance(value, bytes) and len(value) == 6 and any(value):
            yield from stand_ins.interface(value)


def _private_words(variable: Variable, profiles: Profiles) -> Iterator[str]:
    if variable.oid in _NAMES or any(_below(variable.oid, column) for column in _PEOPLE):
        text = values.text(variable.value)
        yield from (word for word in (text, text.split(".")[0], text.partition(".")[2]) if len(word) >= _LEAST)
    if _below(variable.oid, mib.PRT_SERIAL_NUMBER):
        yield from _long_enough(values.serial(values.text(variable.value)))
    for profile in profiles:
        for rule in profile.serial:
            if rule.oid == variable.oid and isinstance(variable.value, bytes):
                text = values.text(variable.value[rule.skip :], values.MAX_DEVICE_ID)
                match = rule.pattern.search(text) if rule.pattern else None
                yield from _long_enough(values.serial(match[1].strip() if match else "" if rule.pattern else text))


def _long_enough(word: str) -> Iterator[str]:
    if len(word) >= _LEAST:
        yield word


def _below(name: Oid, root: Oid) -> bool:
    return name[: len(root)] == root


def _as_written(found: bytes, stand_in: bytes) -> bytes:
    """In the case of what it stands in for, where that is all one."""
    return stand_in.upper() if found.isupper() else stand_in.lower() if found.islower() else stand_in


class _StandIns:
    """What stands in for what: the same for the same."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._addresses: dict[bytes, bytes] = {}

    def word(self, word: str) -> str:
        """Same length, same shape, and the same whichever the case."""
        return "".join(map(self._character, word, self._stream(word.casefold())))

    @staticmethod
    def _character(character: str, number: int) -> str:
        for alphabet in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
            if character in alphabet:
                return alphabet[number % len(alphabet)]
        return "x" if character.isalnum() else character

    def interface(self, octets: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The maker's half stays; all spellings of the other are replaced: octets, hexadecimal with and without marks, and the
        last six digits alone, which host names are made of."""
        stand_in = octets[:3] + bytes(islice(self._stream(octets.hex()), 3))
        yield octets, stand_in
        for mark in ("", ":", "-", " "):
            before, after = (part.hex(mark) if mark else part.hex() for part in (octets, stand_in))
            yield before.encode(), after.encode()
        yield octets[3:].hex().encode(), stand_in[3:].hex().encode()

    def address(self, dotted: bytes) -> bytes:
        """One of TEST-NET-1 (RFC 5737); what stands for no host stays."""
        if dotted in (b"0.0.0.0", b"127.0.0.1") or dotted.startswith(b"255."):
            return dotted
        return self._addresses.setdefault(dotted, b"192.0.2.%d" % (len(self._addresses) % 254 + 1))

    def _stream(self, text: str) -> Iterator[int]:
        block = 0
        while True:
            yield from hmac.digest(self._key, f"{block} {text}".encode(), hashlib.sha256)
            block += 1

"""Recordings of a device's MIB: `.snmprec` files and numeric `snmpwalk -On` output become ordered variables.

Known to all, knows nobody: a recording stands in for a device in the client, and is served as one by the stub.
Every line is bounded and a line that cannot be read is an error with its number, never a guess.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

Oid = tuple[int, ...]


class Tag(IntEnum):
    """ASN.1 tags as `.snmprec` writes them (RFC 2578, RFC 3416)."""

    INTEGER = 2
    OCTETS = 4
    NULL = 5
    OID = 6
    IP_ADDRESS = 64
    COUNTER32 = 65
    GAUGE32 = 66
    TIMETICKS = 67
    OPAQUE = 68
    COUNTER64 = 70


Value = int | bytes | Oid | None


@dataclass(frozen=True, slots=True)
class Variable:
    """One object instance. `value` is int, bytes (OCTETS, OPAQUE, IP_ADDRESS), an Oid, or None (NULL)."""

    oid: Oid
    tag: Tag
    value: Value


class BadRecording(ValueError):
    """A line that is not a variable, or a file over its bounds."""


MAX_OCTETS = 32 * 1024 * 1024
MAX_VALUE = 65535
_MOST_BITS = 64  # Counter64 (RFC 2578); no agent can have said more
_DOTTED = re.compile(r"(?:0|[1-9][0-9]{0,9})(?:\.(?:0|[1-9][0-9]{0,9}))*")
_NUMBERS = {Tag.INTEGER, Tag.COUNTER32, Tag.GAUGE32, Tag.TIMETICKS, Tag.COUNTER64}
_WALK = re.compile(r"^(?:iso)?\.?(?P<oid>[0-9.]+) = (?:(?P<type>[A-Za-z0-9 -]+): ?)?(?P<value>.*)$", re.DOTALL)
_WALK_TAGS = {
    "INTEGER": Tag.INTEGER,
    "STRING": Tag.OCTETS,
    "Hex-STRING": Tag.OCTETS,
    "BITS": Tag.OCTETS,
    "OID": Tag.OID,
    "IpAddress": Tag.IP_ADDRESS,
    "Network Address": Tag.IP_ADDRESS,
    "Counter32": Tag.COUNTER32,
    "Gauge32": Tag.GAUGE32,
    "Unsigned32": Tag.GAUGE32,
    "Timeticks": Tag.TIMETICKS,
    "Opaque": Tag.OPAQUE,
    "Counter64": Tag.COUNTER64,
}


def oid(text: str) -> Oid:
    """`1.3.6.1` or `.1.3.6.1` as a tuple. Raises ValueError."""
    plain = text.strip().lstrip(".")
    parts = tuple(map(int, plain.split("."))) if _DOTTED.fullmatch(plain) else ()
    if not 0 < len(parts) <= 128 or max(parts) > 0xFFFFFFFF:
        raise ValueError(f"not an object identifier: {text[:80]}")
    return parts


@lru_cache(16_384)  # printers of a model have the same names
def dotted(name: Oid) -> str:
    """The usual text of an object identifier."""
    return ".".join(map(str, name))


def load(path: Path) -> tuple[Variable, ...]:
    """The variables of a recording, sorted by OID, the last of doubles kept. Raises BadRecording, OSError."""
    if path.stat().st_size > MAX_OCTETS:
        raise BadRecording(f"{path.name}: larger than {MAX_OCTETS} octets")
    content = path.read_bytes().decode("utf-8", "surrogateescape")
    variables = {variable.oid: variable for variable in parse(content, path.name)}
    if not variables:
        raise BadRecording(f"{path.name}: no variable in it")
    return tuple(variables[key] for key in sorted(variables))


def parse(content: str, name: str = "recording") -> Iterator[Variable]:
    """The variables in `content`, whichever of the two formats it is in. Raises BadRecording."""
    lines = content.split("\n")
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    reader = _snmprec if first.count("|") >= 2 and " = " not in first.split("|")[0] else _snmpwalk
    for number, variable in reader(lines, name):
        if isinstance(variable.value, bytes) and len(variable.value) > MAX_VALUE:
            raise BadRecording(f"{name} line {number}: a value of {len(variable.value)} octets")
        yield variable


def dump(variables: Iterable[Variable]) -> str:
    """`variables` as `.snmprec` text."""
    lines = []
    for variable in variables:
        if isinstance(variable.value, bytes):
            lines.append(f"{dotted(variable.oid)}|{int(variable.tag)}x|{variable.value.hex()}")
        else:
            value = dotted(variable.value) if isinstance(variable.value, tuple) else variable.value
            lines.append(f"{dotted(variable.oid)}|{int(variable.tag)}|{'' if value is None else value}")
    return "\n".join(lines) + "\n"


def _snmprec(lines: list[str], name: str) -> Iterator[tuple[int, Variable]]:
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\r")
        if not line.strip() or line.startswith("#"):
            continue
        try:
            where, kind, raw = line.split("|", 2)
            hexadecimal = kind.endswith("x")
            tag = Tag(int(kind.removesuffix("x").split(":", 1)[0]))
            octets = bytes.fromhex(raw.removeprefix("0x")) if hexadecimal else raw.encode("utf-8", "surrogateescape")
            yield number, Variable(oid(where), tag, _value(tag, octets, hexadecimal))
        except ValueError as error:
            raise BadRecording(f"{name} line {number}: {error}") from None


def _value(tag: Tag, octets: bytes, hexadecimal: bool) -> Value:
    if tag in _NUMBERS:
        return _number(int.from_bytes(octets, "big", signed=tag is Tag.INTEGER) if hexadecimal else int(octets))
    if tag is Tag.OID:
        return oid(octets.decode("ascii"))
    if tag is Tag.NULL:
        return None
    if tag is Tag.IP_ADDRESS and not hexadecimal:
        # Some recorders write the four octets as hex without saying so in the type.
        return bytes(int(part) for part in octets.split(b".")) if b"." in octets else bytes.fromhex(octets.decode("ascii"))
    return octets


def _number(value: int) -> int:
    if value.bit_length() > _MOST_BITS:
        raise ValueError(f"a number of more than {_MOST_BITS} bits")
    return value


def _snmpwalk(lines: list[str], name: str) -> Iterator[tuple[int, Variable]]:
    """Values of several lines (quoted text, long hex) are joined before they are read."""
    entries: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\r")
        if _WALK.match(line):
            entries.append((number, [line]))
        elif line.strip() and entries:
            entries[-1][1].append(line)
        elif line.strip() and not line.startswith("#"):
            raise BadRecording(f"{name} line {number}: not a line of snmpwalk -On")
    for number, parts in entries:
        match = _WALK.match("\n".join(parts))
        if match is None or "No Such" in match["value"] or "No more variables" in match["value"]:
            continue
        try:
            yield number, _walked(oid(match["oid"]), match["type"], match["value"])
        except ValueError as error:
            raise BadRecording(f"{name} line {number}: {error}") from None


def _walked(where: Oid, kind: str | None, raw: str) -> Variable:
    if kind is None:
        return Variable(where, Tag.OCTETS, raw.strip().strip('"').encode("utf-8", "surrogateescape"))
    if kind not in _WALK_TAGS:
        raise ValueError(f"unknown type {kind[:40]!r}")
    tag = _WALK_TAGS[kind]
    if tag in _NUMBERS:
        number = re.search(r"\((-?\d+)\)", raw) or re.search(r"-?\d+", raw)
        if number is None:
            raise ValueError(f"no number in {raw[:40]!r}")
        return Variable(where, tag, _number(int(number[number.lastindex or 0])))
    if tag is Tag.OID:
        return Variable(where, tag, oid(raw.strip().removeprefix("iso").lstrip(".")))
    if tag is Tag.IP_ADDRESS:
        return Variable(where, tag, bytes(int(part) for part in raw.strip().split(".")))
    if kind in ("Hex-STRING", "BITS"):
        pairs = re.match(r"\s*((?:[0-9A-Fa-f]{2}\s+)*[0-9A-Fa-f]{2}|)\b", raw)
        return Variable(where, tag, bytes.fromhex(pairs[1] if pairs else ""))
    text = raw[1:-1].replace('\\"', '"').replace("\\\\", "\\") if raw[:1] == '"' and raw[-1:] == '"' and len(raw) > 1 else raw
    return Variable(where, tag, text.encode("utf-8", "surrogateescape"))

"""What is remembered of a device between visits: everything it said at first contact, what its agent can do, and the way in.

Kept as compressed JSON: it lies in a store for years, is small, and is read back like anything from outside, with bounds.
It is never needed: who forgets it meets the device as if for the first time.
"""

import json
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from meterpost.devices.snmp.session import Abilities, Facts
from meterpost.model import instant
from meterpost.recording import Oid, Value, dotted, oid

FORMAT = 1
_MOST_OCTETS = 1024 * 1024
_MOST_IN_STRINGS = 128 * 1024  # octets; a printer has about two thousand, and each may be written as six characters


@dataclass(frozen=True, slots=True)
class Remembered:
    """`way` is the place of the credential among the configured ones, `profile` name and version of the one it was read
    with; `facts` are as old as `learnt_at`."""

    serial: str
    way: int
    abilities: Abilities
    learnt_at: datetime
    profile: str
    facts: Facts


def edition(profile: str, version: str) -> str:
    """How a profile is called here: another version of it reads a device anew."""
    return f"{profile} {version}"


def pack(known: Remembered) -> bytes | None:
    """`known` as octets; None where the agent says more than is worth keeping."""
    facts = known.facts
    columns = (facts.scalars, *facts.columns.values())
    if sum(len(value) for rows in columns for value in rows.values() if isinstance(value, bytes)) > _MOST_IN_STRINGS:
        return None
    content = [
        FORMAT,
        known.serial,
        known.way,
        [known.abilities.bulk, known.abilities.names],
        instant(known.learnt_at),
        known.profile,
        _pack_column(facts.scalars),
        {dotted(column): _pack_column(rows) for column, rows in facts.columns.items()},
        [dotted(column) for column in facts.cut],
    ]
    plain = json.dumps(content, separators=(",", ":")).encode()
    return zlib.compress(plain, 1) if len(plain) <= _MOST_OCTETS else None


def unpack(octets: bytes) -> Remembered | None:
    """What `pack` packed; None where it was not this, or not this version of it."""
    try:
        content = json.loads(zlib.decompressobj().decompress(octets, _MOST_OCTETS))
        form, serial, way, (bulk, names), learnt_at, profile, scalars, columns, cut = content
        if form != FORMAT or names < 1:
            return None
        facts = Facts(
            _unpack_column(scalars),
            {_name(column): _unpack_column(rows) for column, rows in columns.items()},
            set(map(_name, cut)),
        )
        abilities, at = Abilities(bool(bulk), int(names)), datetime.fromisoformat(learnt_at).astimezone(UTC)
        return Remembered(serial, int(way), abilities, at, profile, facts)
    except (zlib.error, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _pack_column(rows: dict[Oid, Value]) -> dict[str, Any]:
    return {dotted(row): value.decode("latin-1") if isinstance(value, bytes) else value for row, value in rows.items()}


def _unpack_column(rows: dict[str, Any]) -> dict[Oid, Value]:
    return {_name(row): _value(value) for row, value in rows.items()}


def _value(value: Any) -> Value:
    if isinstance(value, str):
        return value.encode("latin-1")
    return tuple(map(int, value)) if isinstance(value, list) else value


_names: dict[str, Oid] = {}  # a model's printers have the same names


def _name(text: str) -> Oid:
    found = _names.get(text)
    if found is None:
        if len(_names) > 65_536:
            _names.clear()
        found = _names[text] = oid(text)
    return found

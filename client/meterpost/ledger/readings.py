"""Readings in their tables: append-only, judged once, on the way in.

A device is read twelve times a day for years, and says each time what its meters and supplies are called: that is
written once, and a reading refers to it by a hash of its content. Only what moves is written with every reading.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from meterpost.ledger.judgement import judge
from meterpost.ledger.tables import meter, meter_value, newest, reading, supply, supply_value
from meterpost.model import Judgement, Meter, Reading, Supply

_OWN = tuple(field.name for field in fields(Reading) if field.name not in ("meters", "supplies"))


@dataclass(frozen=True, slots=True)
class _Series:
    """The meters or the supplies of readings: `kind` is the class, split into what stays and what moves."""

    kind: type[Meter] | type[Supply]
    stays: sa.Table
    moves: sa.Table

    def names(self, table: sa.Table) -> list[str]:
        return [field.name for field in fields(self.kind) if field.name in table.c]


_METERS = _Series(Meter, meter, meter_value)
_SUPPLIES = _Series(Supply, supply, supply_value)


def add(connection: sa.Connection, taken: Reading) -> Judgement:
    """Keeps `taken`, judged against the last good reading of its serial and the very last one."""
    good = _first(connection, sa.select(newest.c.reading).where(newest.c.serial == taken.serial))
    last = _first(connection, _last(taken.serial, 1))
    judgement = judge(taken, good, last)
    number = _insert(connection, taken, judgement)
    if not judgement.held:
        connection.execute(sa.delete(newest).where(newest.c.serial == taken.serial))
        connection.execute(sa.insert(newest).values(serial=taken.serial, reading=number))
    return judgement


def latest(connection: sa.Connection) -> tuple[Reading, ...]:
    """The last good reading of each serial, in order of arrival."""
    return tuple(kept for kept, _ in _load(connection, sa.select(newest.c.reading)))


def history(connection: sa.Connection, serial: str, limit: int) -> tuple[tuple[Reading, Judgement], ...]:
    """The last `limit` readings of `serial`, oldest first."""
    return tuple(_load(connection, _last(serial, limit)))


def _last(serial: str, limit: int) -> sa.Select[tuple[int]]:
    return sa.select(reading.c.id).where(reading.c.serial == serial).order_by(reading.c.id.desc()).limit(limit)


def _insert(connection: sa.Connection, taken: Reading, judgement: Judgement) -> int:
    row = {name: getattr(taken, name) for name in _OWN} | {"reasons": judgement.reasons}
    number: int = connection.execute(sa.insert(reading).values(row).returning(reading.c.id)).scalar_one()
    _insert_values(connection, _METERS, number, taken.meters)
    _insert_values(connection, _SUPPLIES, number, taken.supplies)
    return number


def _insert_values(connection: sa.Connection, series: _Series, owner: int, values: tuple[Meter | Supply, ...]) -> None:
    if not values:
        return
    staying = [_part(value, series.names(series.stays)) for value in values]
    ids = [_id(part) for part in staying]
    known = set(connection.scalars(sa.select(series.stays.c.id).where(series.stays.c.id.in_(ids))))
    new = {number: {"id": number, **part} for number, part in zip(ids, staying, strict=True) if number not in known}
    if new:
        connection.execute(sa.insert(series.stays), list(new.values()))
    moving = series.names(series.moves)
    rows = [
        {"reading": owner, "position": position, "what": number, **_part(value, moving)}
        for position, (number, value) in enumerate(zip(ids, values, strict=True))
    ]
    connection.execute(sa.insert(series.moves), rows)


def _part(value: Meter | Supply, names: list[str]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _id(part: dict[str, Any]) -> int:
    """64 bits of a hash: among a million kinds of meters, two are the same with a chance of 1 in 30 million."""
    return int.from_bytes(blake2b(json.dumps(part).encode(), digest_size=8).digest(), "big", signed=True)


def _load(connection: sa.Connection, chosen: sa.Select[tuple[int]]) -> Iterator[tuple[Reading, Judgement]]:
    """The readings whose ids `chosen` selects, in order of arrival."""
    ids = chosen.subquery()
    meters = _load_values(connection, _METERS, ids)
    supplies = _load_values(connection, _SUPPLIES, ids)
    for row in connection.execute(sa.select(reading).join(ids, reading.c.id == ids.c[0]).order_by(reading.c.id)):
        own = {name: getattr(row, name) for name in _OWN}
        kept = Reading(**own, meters=tuple(meters[row.id]), supplies=tuple(supplies[row.id]))
        yield kept, Judgement(row.reasons)


def _first(connection: sa.Connection, chosen: sa.Select[tuple[int]]) -> Reading | None:
    return next((kept for kept, _ in _load(connection, chosen)), None)


def _load_values(connection: sa.Connection, series: _Series, ids: sa.Subquery) -> dict[int, list[Any]]:
    stays, moves = series.stays, series.moves
    columns = [(stays if field.name in stays.c else moves).c[field.name] for field in fields(series.kind)]
    rows = sa.select(moves.c.reading, *columns).join(ids, moves.c.reading == ids.c[0]).join(stays, moves.c.what == stays.c.id)
    found: dict[int, list[Any]] = defaultdict(list)
    for owner, *values in connection.execute(rows.order_by(moves.c.reading, moves.c.position)):
        found[owner].append(series.kind(*values))
    return found

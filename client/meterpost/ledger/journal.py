"""The journal of exchanges: the very bytes that left and came, bounded in number and size."""

from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from meterpost.ledger.tables import exchange
from meterpost.model import Exchange, Sizes

MAX_EXCHANGES = 5_000
"""Over ten years of one sync a day with its billing and retries; a look at the journal still takes no time."""
MAX_OCTETS = 256 * 1024 * 1024
"""Room for twenty of the largest messages (T7 of 10 000 devices has up to 13 MB), and small for the disk of any office PC."""

_SIZES = ("request_sizes", "response_sizes")
_OWN = tuple(field.name for field in fields(Exchange) if field.name not in ("number", *_SIZES))
_LEVELS = tuple(field.name for field in fields(Sizes))


def add(connection: sa.Connection, line: Exchange) -> int:
    """Writes `line`, forgets what is too old or too much, and returns the line's number."""
    row: dict[str, Any] = {name: getattr(line, name) for name in _OWN}
    for sizes in _SIZES:
        row |= {_column(sizes, level): getattr(getattr(line, sizes), level) for level in _LEVELS}
    row["octets"] = len(line.request) + len(line.response)
    number: int = connection.execute(sa.insert(exchange).values(row).returning(exchange.c.number)).scalar_one()
    connection.execute(_pruning(MAX_EXCHANGES, MAX_OCTETS))
    return number


def lines(connection: sa.Connection, limit: int, number: int | None) -> tuple[Exchange, ...]:
    """The last `limit` exchanges, or the one called `number`; oldest first."""
    chosen = sa.select(exchange).order_by(exchange.c.number.desc()).limit(limit)
    if number is not None:
        chosen = chosen.where(exchange.c.number == number)
    return tuple(_line(row) for row in reversed(connection.execute(chosen).all()))


def _pruning(most: int, octets: int) -> sa.Delete:
    """Deletes all but the newest `most` lines of together at most `octets`; the last line of each transaction stays,
    so that every kind of message can be shown. The newest of all is one of those, and so no number is ever used twice."""
    newest_first = exchange.c.number.desc()
    ranked = sa.select(
        exchange.c.number,
        sa.func.count().over(order_by=newest_first).label("rank"),
        sa.func.sum(exchange.c.octets).over(order_by=newest_first).label("total"),
    ).subquery()
    beyond = sa.select(ranked.c.number).where((ranked.c.rank > most) | (ranked.c.total > octets))
    last_of_each = sa.select(sa.func.max(exchange.c.number)).group_by(exchange.c.transaction)
    return sa.delete(exchange).where(exchange.c.number.in_(beyond), exchange.c.number.not_in(last_of_each))


def _line(row: sa.Row[Any]) -> Exchange:
    sizes: dict[str, Any] = {name: Sizes(*(getattr(row, _column(name, level)) for level in _LEVELS)) for name in _SIZES}
    return Exchange(**{name: getattr(row, name) for name in _OWN}, **sizes, number=row.number)


def _column(sizes: str, level: str) -> str:
    return f"{sizes.removesuffix('_sizes')}_{level}"

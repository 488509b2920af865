"""What the reference server keeps: records, its two clocks' offsets, nonces, the journal. One SQLite file, or memory.

The only place that knows SQL. It decides nothing. One connection behind one lock: the server's threads take turns.
"""

import json
import sqlite3
import threading
import types
import typing
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from meterpost.errors import StoreError
from meterpost.model import from_instant, instant
from meterpost_stub.keys import ClientKey, Revocation
from meterpost_stub.rules import BillingRequest, Device, Eligibility, Proxy


@dataclass(frozen=True, slots=True)
class Reads:
    """One received part of a billing transaction. `meters` are (name, value), `supplies` (name, level, capacity, unit)."""

    id: str
    part: int
    of: int
    serial: str
    client: str
    taken_at: datetime
    received_at: datetime
    meters: tuple[tuple[Any, ...], ...]
    supplies: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange as it was on the wire above TLS. `at` is the server's wall time; `transaction` is T1 to T7 and
    `devices` its x, where the message was understood that far; `answer` is T4 or T6 for a sync response."""

    number: int
    at: datetime
    outcome: str
    status: int
    transaction: str
    devices: int
    answer: str
    answer_devices: int
    request_head: bytes
    request: bytes
    response_head: bytes
    response: bytes

    @property
    def request_octets(self) -> int:
        """HTTP level: head and body."""
        return len(self.request_head) + len(self.request)

    @property
    def response_octets(self) -> int:
        return len(self.response_head) + len(self.response)


@dataclass(frozen=True, slots=True)
class Note:
    """A named value: clock offsets, the settings for clients."""

    name: str
    value: str


_KEYS: dict[type, tuple[str, ...]] = {
    Proxy: ("client",),
    Device: ("serial",),
    Eligibility: ("serial",),
    BillingRequest: ("id",),
    Reads: ("id", "part"),
    Entry: ("number",),
    Note: ("name",),
    ClientKey: ("certificate",),
    Revocation: ("client",),
}
_JOURNAL_LENGTH = 2000
_JOURNAL_OCTETS = 64 * 1024 * 1024
"""Of all messages together; anybody may send large ones."""
_OCTETS = "length(request_head) + length(request) + length(response_head) + length(response)"
_ALL_OCTETS = f"SELECT coalesce(sum({_OCTETS}), 0) FROM Entry"  # noqa: S608  # a constant
_OLDEST = f"SELECT number, {_OCTETS} FROM Entry ORDER BY number LIMIT 1"  # noqa: S608  # a constant
R = TypeVar("R")


class Store:
    """Records by kind. Raises StoreError when the file cannot be opened."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        try:
            self._db = _opened(path)
            (self._octets,) = self._db.execute(_ALL_OCTETS).fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"the server's store {path} cannot be opened: {error}", "Name another file with --db.") from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one thread at a time; may be nested."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.rollback()
                raise

    def get(self, kind: type[R], *key: object) -> R | None:
        """The record of `kind` with this key."""
        return next(iter(self._select(kind, dict(zip(_KEYS[kind], key, strict=True)))), None)

    def all(self, kind: type[R], **where: object) -> tuple[R, ...]:
        """Every record of `kind` whose fields equal `where`, in the order of first writing."""
        return self._select(kind, where)

    def put(self, record: object) -> None:
        """Writes `record` over the one with the same key, if there is one."""
        kind: Any = type(record)
        with self._lock:
            self._db.execute(_upsert(kind), [_to_column(getattr(record, name)) for name in _columns(kind)])

    def journal(self, entry: Entry) -> None:
        """Appends an exchange; its number is given here. The oldest are forgotten where there are too many, or too large."""
        with self.transaction():
            (last,) = self._db.execute("SELECT coalesce(max(number), 0) FROM Entry").fetchone()
            self.put(replace(entry, number=last + 1))
            self._octets += entry.request_octets + entry.response_octets
            number, octets = self._db.execute(_OLDEST).fetchone()
            while self._octets > _JOURNAL_OCTETS or number <= last + 1 - _JOURNAL_LENGTH:
                self._db.execute("DELETE FROM Entry WHERE number = ?", (number,))
                self._octets -= octets
                number, octets = self._db.execute(_OLDEST).fetchone()

    def remember(self, key: str, until: datetime, now: datetime) -> bool:
        """The replay cache's port: False when `key` was seen before. Survives a restart with a file."""
        with self.transaction():
            self._db.execute("DELETE FROM Nonce WHERE until < ?", (now.timestamp(),))
            return self._db.execute("INSERT OR IGNORE INTO Nonce VALUES (?, ?)", (key, until.timestamp())).rowcount == 1

    def clear(self) -> None:
        """Forgets everything, nonces excepted: what was a replay stays one."""
        with self.transaction():
            for kind in _KEYS:
                self._db.execute(f"DELETE FROM {kind.__name__}")  # noqa: S608  # names of our own classes
            self._octets = 0

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _select(self, kind: Any, where: dict[str, object]) -> tuple[Any, ...]:
        clause = " AND ".join(f'"{name}" = ?' for name in where) or "1"
        with self._lock:
            statement = f"SELECT * FROM {kind.__name__} WHERE {clause} ORDER BY rowid"  # noqa: S608  # names of our own classes
            rows = self._db.execute(statement, [_to_column(value) for value in where.values()]).fetchall()
        hints = _hints(kind)
        return tuple(kind(*(_from_column(hint, value) for hint, value in zip(hints, row, strict=True))) for row in rows)


def _opened(path: Path | None) -> sqlite3.Connection:
    """With every table. Raises sqlite3.Error."""
    db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        for kind, key in _KEYS.items():
            db.execute(f"CREATE TABLE IF NOT EXISTS {kind.__name__} ({_quoted(_columns(kind))}, PRIMARY KEY ({_quoted(key)}))")
        db.execute("CREATE TABLE IF NOT EXISTS Nonce (key PRIMARY KEY, until REAL) WITHOUT ROWID")
        for table, column in (("Nonce", "until"), ("Device", "client"), ("BillingRequest", "client"), ("ClientKey", "client")):
            db.execute(f"CREATE INDEX IF NOT EXISTS {table}By{column.title()} ON {table} ({column})")
    except sqlite3.Error:
        db.close()
        raise
    return db


@cache
def _columns(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _upsert(kind: Any) -> str:
    columns = _columns(kind)
    updates = ", ".join(f'"{name}"=excluded."{name}"' for name in columns)
    return (
        f"INSERT INTO {kind.__name__} VALUES ({', '.join('?' * len(columns))}) "  # noqa: S608  # names of our own classes
        f"ON CONFLICT ({_quoted(_KEYS[kind])}) DO UPDATE SET {updates}"
    )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


@cache
def _hints(kind: Any) -> tuple[Any, ...]:
    hints = typing.get_type_hints(kind)
    return tuple(_without_none(hints[name]) for name in _columns(kind))


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    return typing.get_origin(hint) or hint


def _to_column(value: object) -> object:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return str(value) if isinstance(value, StrEnum) else value


def _from_column(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if hint is datetime:
        return from_instant(value)
    if hint is date:
        return date.fromisoformat(value)
    if hint is tuple:
        return tuple(tuple(item) if isinstance(item, list) else item for item in json.loads(value))
    return hint(value) if issubclass(hint, (StrEnum, bool)) else value

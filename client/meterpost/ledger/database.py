"""The database itself: found or made, brought up to date, opened; transactions in, the error tree out.

The only module that knows which database it is. What is special to SQLite stays in here: the file and its owner,
the pragmas, and what its error codes mean to a person.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.pool import StaticPool

from meterpost.errors import Busy, MeterpostError, StoreError
from meterpost.ledger.lock import FileLock, MemoryLock
from meterpost.ledger.schema import Standing, standing, upgrade
from meterpost.ledger.typed_json import BadValue
from meterpost.settings import StoreSettings

BUSY_TIMEOUT_S = 10
"""How long a statement waits for another process's transaction, of which even the first save of a large site is shorter."""
_MEMORY = (None, "", ":memory:")

_Trouble = tuple[type[MeterpostError], str, str]
_DAMAGED: _Trouble = (
    StoreError,
    "is damaged, or was not written by meterpost",
    "Put a backup in its place, or name another file in store.path.",
)
_FORBIDDEN: _Trouble = (
    StoreError,
    "cannot be opened or written",
    "Check that store.path is a file, and that the account meterpost runs as owns it and its folder.",
)
_FULL: _Trouble = (StoreError, "cannot grow: the disk is full", "Free some space. What was saved before is unharmed.")
_DISK: _Trouble = (StoreError, "cannot be read or written", "Check the disk. What was saved before is unharmed.")
_HELD: _Trouble = (Busy, "is held by another program", "Close what has it open (a database browser, a backup).")
_NEWER: _Trouble = (
    StoreError,
    "was written by a newer version of meterpost",
    "Install that version again, or name another file in store.path.",
)
_SQLITE: dict[int, _Trouble] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CANTOPEN: _FORBIDDEN,
    sqlite3.SQLITE_READONLY: _FORBIDDEN,
    sqlite3.SQLITE_PERM: _FORBIDDEN,
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
}


class Database:
    """An open, up-to-date database. `name` is how people know it (never with a password), `lock` the right to write."""

    def __init__(self, store: StoreSettings, base: Path) -> None:
        url = _url(store, base)
        self.name = f"the store {url.render_as_string()}"
        self.lock: FileLock | MemoryLock
        if url.get_backend_name() != "sqlite":
            self.lock = FileLock(base / "meterpost.lock", self.name)
        elif url.database in _MEMORY:
            self.lock = MemoryLock(self.name)
        else:
            path = Path(url.database)
            self.name = f"the store {path}"
            self.lock = FileLock(path.with_name(f"{path.name}.lock"), self.name)
            self._make_file(path)
        self._engine = self._connect(url)
        self._writing = self._engine.execution_options(writing=True)
        try:
            self._bring_up_to_date()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one moment of the store. Raises StoreError, Busy."""
        with self._errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is on disk when it ends, or did nothing. Raises StoreError, Busy; IntegrityError goes through."""
        with self._errors(), self._writing.begin() as connection:
            yield connection

    def close(self) -> None:
        """Gives files and connections back."""
        self._engine.dispose()

    def _make_file(self, path: Path) -> None:
        """Owner only: what a site prints is nobody else's business. SQLite gives the files beside it the same mode."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise self._trouble(_FORBIDDEN, error.strerror or "") from None

    def _connect(self, url: sa.URL) -> sa.Engine:
        options: dict[str, Any]
        if url.get_backend_name() != "sqlite":
            options = {"isolation_level": "SERIALIZABLE"}  # a site is read in several statements, all of one moment
        elif url.database in _MEMORY:
            options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        else:
            options = {"connect_args": {"timeout": BUSY_TIMEOUT_S}}
        try:
            engine = sa.create_engine(url, hide_parameters=True, **options)
        except (ArgumentError, ImportError) as error:  # an unknown dialect, a driver that is not installed
            raise StoreError(f"{self.name} cannot be used: {error}", "Correct store.url, or install its driver.") from None
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _bring_up_to_date(self) -> None:
        with self.reading() as connection:
            found = standing(connection)
        if found is Standing.CURRENT:
            return
        with self.writing() as connection:
            found = standing(connection)  # again: another process may have been here in between
            if found is Standing.FOREIGN:
                raise self._trouble(_DAMAGED)
            if found is Standing.NEWER:
                raise self._trouble(_NEWER)
            upgrade(connection)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except (DBAPIError, sqlite3.Error) as error:  # bare where a connection is prepared
            cause = getattr(error, "orig", error)
            primary_code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
            raise self._trouble(_SQLITE.get(primary_code, (StoreError, "failed", "")), str(cause)) from error
        except BadValue as error:
            raise self._trouble(_DAMAGED, str(error)) from error

    def _trouble(self, trouble: _Trouble, detail: str = "") -> MeterpostError:
        kind, what, advice = trouble
        return kind(f"{self.name} {what}" + (f" ({detail})" if detail else ""), advice)


def _url(store: StoreSettings, base: Path) -> sa.URL:
    """The address in `store`, a SQLite file's made absolute from `base`."""
    try:
        url = sa.make_url(store.url) if store.url else sa.URL.create("sqlite", database=store.path)
    except ArgumentError:
        raise StoreError("store.url is not the address of a database", "It looks like postgresql://user@host/name") from None
    if url.get_backend_name() == "sqlite" and url.database not in _MEMORY:
        return url.set(database=str((base / url.database).absolute()))
    return url


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says, reads included
    for pragma in (
        "journal_mode = WAL",  # readers never wait for the writer
        "synchronous = FULL",  # what is in the outbox has to survive a power cut, or it could be billed twice
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """A transaction that will write takes the lock at once: one that read first could not be made to wait for it."""
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

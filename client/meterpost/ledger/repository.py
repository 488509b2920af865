"""The ledger on an SQL database: each method is one transaction over the tables of the modules beside it."""

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from meterpost.errors import Busy
from meterpost.ledger import journal, readings, site
from meterpost.ledger.database import Database
from meterpost.ledger.remembered import Memory
from meterpost.ledger.tables import last_success, nonce
from meterpost.lifecycle.state import SiteState
from meterpost.model import Exchange, JobName, Judgement, Reading
from meterpost.settings import StoreSettings


class SqlLedger:
    """`Ledger` on whatever SQLAlchemy can reach. Threads may share it; the site belongs to whoever holds `writer`."""

    def __init__(self, store: StoreSettings, base: Path) -> None:
        self._database = Database(store, base)
        self._site: site.Version | None = None  # as last loaded or saved here

    def load_site(self) -> SiteState | None:
        with self._database.reading() as connection:
            self._site = site.load(connection)
        return self._site.state

    def save_site(self, state: SiteState) -> None:
        with self._database.writing() as connection:
            known = self._site or site.load(connection)
            if site.revision(connection) != known.revision:
                raise Busy(
                    f"another meterpost process changed {self._database.name} since it was read here",
                    "Nothing was written. Run this again.",
                )
            saved = known if state == known.state else site.save(connection, known, state)
        self._site = saved

    def add_reading(self, reading: Reading) -> Judgement:
        with self._database.writing() as connection:
            return readings.add(connection, reading)

    def latest_readings(self) -> tuple[Reading, ...]:
        with self._database.reading() as connection:
            return readings.latest(connection)

    def readings(self, serial: str, limit: int = 100) -> tuple[tuple[Reading, Judgement], ...]:
        with self._database.reading() as connection:
            return readings.history(connection, serial, limit)

    def add_exchange(self, exchange: Exchange) -> int:
        with self._database.writing() as connection:
            return journal.add(connection, exchange)

    def exchanges(self, limit: int = 50, number: int | None = None) -> tuple[Exchange, ...]:
        with self._database.reading() as connection:
            return journal.lines(connection, limit, number)

    def last_success(self, job: JobName) -> datetime | None:
        with self._database.reading() as connection:
            return connection.scalar(sa.select(last_success.c.at).where(last_success.c.job == job))

    def set_last_success(self, job: JobName, at: datetime) -> None:
        with self._database.writing() as connection:
            connection.execute(sa.delete(last_success).where(last_success.c.job == job))
            connection.execute(sa.insert(last_success).values(job=job, at=at))

    def nonce_cache(self) -> "NonceCache":
        return NonceCache(self._database)

    def memory(self) -> Memory:
        return Memory(self._database)

    def writer(self, who: str) -> AbstractContextManager[None]:
        return self._database.lock.hold(who)

    def close(self) -> None:
        self._database.close()


class NonceCache:
    """`ReplayCache` in the store, so that a restart does not open the window again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, key: str, until: datetime, now: datetime) -> bool:
        try:
            with self._database.writing() as connection:
                connection.execute(sa.delete(nonce).where(nonce.c.until < now))
                connection.execute(sa.insert(nonce).values(key=key, until=until))
        except IntegrityError:
            return False
        return True

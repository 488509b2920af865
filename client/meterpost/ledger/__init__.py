"""The ledger: readings, the state of the site, and the journal of exchanges are kept.

This module is the port; the engine behind it (SQLAlchemy, Alembic) is first imported by `open_ledger`.
No reading is ever changed or removed; one that cannot be right is marked with why. Nothing here talks to a network.
"""

from abc import abstractmethod
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from meterpost.lifecycle.state import SiteState
from meterpost.model import Exchange, JobName, Judgement, Reading
from meterpost.settings import StoreSettings


class ReplayCache(Protocol):
    """Keys already seen. The same shape as the replay cache `wsse` asks for."""

    def remember(self, key: str, until: datetime, now: datetime) -> bool:
        """False if `key` was seen before and is not expired at `now`; else it is kept until `until`. Atomic."""


class DeviceMemory(MutableMapping[str, bytes]):
    """What is remembered of devices, by the endpoint; it may be lost at any time without harm."""

    @abstractmethod
    def save(self, now: datetime) -> None:
        """Writes what changed, and forgets what was not written for months, or is too much."""


class Ledger(Protocol):
    """What is kept between runs. Every method that changes something is one transaction, on disk when it returns.
    All raise StoreError, and Busy where another program holds the store."""

    def load_site(self) -> SiteState | None:
        """The site as last saved, None in a new store."""

    def save_site(self, state: SiteState) -> None:
        """Replaces the site; only what differs from the state last loaded or saved here is written.
        Busy if another process has saved one since: load again."""

    def add_reading(self, reading: Reading) -> Judgement:
        """Keeps `reading`, judged against what this ledger has of its serial, held or not."""

    def latest_readings(self) -> tuple[Reading, ...]:
        """Per serial the reading added last of those not held, in order of arrival."""

    def readings(self, serial: str, limit: int = 100) -> tuple[tuple[Reading, Judgement], ...]:
        """The last `limit` readings of a device, held ones included, oldest first."""

    def add_exchange(self, exchange: Exchange) -> int:
        """Writes one line of the journal; returns its number. `exchange.number` is not looked at."""

    def exchanges(self, limit: int = 50, number: int | None = None) -> tuple[Exchange, ...]:
        """The last `limit` exchanges, oldest first; or just the one called `number`, if it is still kept."""

    def last_success(self, job: JobName) -> datetime | None:
        """When `job` last succeeded, None if it never did."""

    def set_last_success(self, job: JobName, at: datetime) -> None:
        """Notes that `job` succeeded at `at`."""

    def nonce_cache(self) -> ReplayCache:
        """Nonces of replies already accepted; they outlive a restart."""

    def memory(self) -> DeviceMemory:
        """What earlier visits learnt of devices. Only `save` writes it."""

    def writer(self, who: str) -> AbstractContextManager[None]:
        """The right to write, for one process or thread at a time: Busy names the other. Not reentrant; readers need none.
        It ends with the process, however that ends."""

    def close(self) -> None:
        """Gives the store's files back."""


def open_ledger(store: StoreSettings, base: Path) -> Ledger:
    """The ledger in `store`, made or brought up to date first; a relative path starts at `base`. Raises StoreError, Busy."""
    from meterpost.ledger.repository import SqlLedger

    return SqlLedger(store, base)

"""What is remembered of devices between visits, as a mapping: octets by the endpoint. Losing it costs a few packets, so it is
read once and written at the end of a turn, all that changed in one transaction; and what nobody needs any more is forgotten."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from meterpost.ledger import DeviceMemory
from meterpost.ledger.database import Database
from meterpost.ledger.tables import remembered

KEPT = timedelta(days=90)
"""How long after it was last written: what is learnt of a device that answers is written anew about once a day."""

MOST = 20_000
"""Devices; of more, those written last are kept."""


class Memory(DeviceMemory):
    """All of it; `save` writes what changed since it was loaded or saved."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gone: set[str] = set()
        with database.reading() as connection:  # None: not written yet, or by a version that kept no time
            self._known: dict[str, tuple[datetime | None, bytes]] = {
                row.endpoint: (row.at, row.content) for row in connection.execute(sa.select(remembered))
            }

    def __getitem__(self, endpoint: str) -> bytes:
        return self._known[endpoint][1]

    def __setitem__(self, endpoint: str, content: bytes) -> None:
        self._known[endpoint] = (None, content)

    def __delitem__(self, endpoint: str) -> None:
        del self._known[endpoint]
        self._gone.add(endpoint)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def save(self, now: datetime) -> None:
        at = {endpoint: written or now for endpoint, (written, _) in self._known.items()}
        newest = sorted(at, key=at.__getitem__, reverse=True)[:MOST]
        kept: dict[str, tuple[datetime | None, bytes]] = {
            endpoint: (at[endpoint], self._known[endpoint][1]) for endpoint in newest if at[endpoint] > now - KEPT
        }
        new = [
            {"endpoint": endpoint, "content": content, "at": now}
            for endpoint, (_, content) in kept.items()
            if self._known[endpoint][0] is None
        ]
        gone = self._gone | (self._known.keys() - kept.keys()) | {row["endpoint"] for row in new}
        if not gone:
            return
        with self._database.writing() as connection:
            delete = sa.delete(remembered).where(remembered.c.endpoint == sa.bindparam("gone"))
            connection.execute(delete, [{"gone": endpoint} for endpoint in gone])
            if new:
                connection.execute(sa.insert(remembered), new)
        self._known = kept
        self._gone.clear()

"""What is remembered of devices between visits, as a mapping: octets by the endpoint. Losing it costs a few packets, so it is
read once and written at the end of a turn, all that changed in one transaction."""

from collections.abc import Iterator

import sqlalchemy as sa

from meterpost.ledger import DeviceMemory
from meterpost.ledger.database import Database
from meterpost.ledger.tables import remembered


class Memory(DeviceMemory):
    """All of it; `save` writes what changed since it was loaded or saved."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed: set[str] = set()
        with database.reading() as connection:
            self._content = {row.endpoint: row.content for row in connection.execute(sa.select(remembered))}

    def __getitem__(self, endpoint: str) -> bytes:
        content: bytes = self._content[endpoint]
        return content

    def __setitem__(self, endpoint: str, content: bytes) -> None:
        self._content[endpoint] = content
        self._changed.add(endpoint)

    def __delitem__(self, endpoint: str) -> None:
        del self._content[endpoint]
        self._changed.add(endpoint)

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def save(self) -> None:
        if not self._changed:
            return
        gone = [{"gone": endpoint} for endpoint in self._changed]
        new = [
            {"endpoint": endpoint, "content": self._content[endpoint]}
            for endpoint in self._changed
            if endpoint in self._content
        ]
        with self._database.writing() as connection:
            connection.execute(sa.delete(remembered).where(remembered.c.endpoint == sa.bindparam("gone")), gone)
            if new:
                connection.execute(sa.insert(remembered), new)
        self._changed.clear()

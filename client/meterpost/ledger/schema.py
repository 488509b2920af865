"""Which migration a store stands at, and the way to the newest. The only importer of Alembic, and only when there is work."""

from enum import Enum, auto
from pathlib import Path

import sqlalchemy as sa

from meterpost.ledger.tables import REVISION

MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = sa.table("alembic_version", sa.column("version_num"))


class Standing(Enum):
    """What a database is to this version of meterpost."""

    CURRENT = auto()
    EMPTY = auto()
    OLDER = auto()
    NEWER = auto()
    FOREIGN = auto()  # it has tables, and they are not ours


def standing(connection: sa.Connection) -> Standing:
    """What `connection` leads to."""
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        return Standing.EMPTY
    if _VERSION.name not in tables:
        return Standing.FOREIGN
    revision = connection.scalar(sa.select(_VERSION.c.version_num))
    if revision == REVISION:
        return Standing.CURRENT
    return Standing.OLDER if revision in known_revisions() else Standing.NEWER


def known_revisions() -> tuple[str, ...]:
    """Every migration there is, newest first."""
    from alembic.script import ScriptDirectory

    return tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Runs the migrations that are missing up to `revision`, inside the transaction of `connection`."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)

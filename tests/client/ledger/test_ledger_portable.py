"""Nothing only SQLite can do: every table, migration and statement is also PostgreSQL's."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from ledger_values import NOON, changed, exchange, site, visit
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from meterpost.ledger import open_ledger, tables
from meterpost.ledger.schema import MIGRATIONS, known_revisions, upgrade
from meterpost.model import JobName
from meterpost.settings import StoreSettings

POSTGRES = postgresql.dialect()


@pytest.fixture
def executed() -> Iterator[list[sa.ClauseElement]]:
    """Every statement made of SQLAlchemy's parts that is executed meanwhile."""
    seen: list[sa.ClauseElement] = []

    def note(connection: Any, element: sa.ClauseElement, *rest: Any) -> None:
        seen.append(element)

    sa.event.listen(sa.Engine, "before_execute", note)
    yield seen
    sa.event.remove(sa.Engine, "before_execute", note)


def test_every_statement_of_the_port_compiles_for_postgresql(executed: list[sa.ClauseElement], tmp_path: Path) -> None:
    ledger = open_ledger(StoreSettings(path=":memory:"), tmp_path)
    executed.clear()  # the migrations have their own test
    ledger.save_site(site())
    ledger.save_site(changed(site(devices=2), "S00000", reason="changed"))
    ledger.load_site()
    ledger.add_reading(visit(total=5))
    ledger.add_reading(visit(total=4))
    ledger.latest_readings()
    ledger.readings("3377-A")
    ledger.exchanges(number=ledger.add_exchange(exchange()))
    ledger.set_last_success(JobName.SYNC, NOON)
    ledger.last_success(JobName.SYNC)
    ledger.nonce_cache().remember("n", NOON + timedelta(minutes=1), NOON)
    memory = ledger.memory()
    memory["10.1.2.3"] = b"known"
    memory.save(NOON)
    ledger.close()
    texts = [str(element.compile(dialect=POSTGRES)) for element in executed]
    assert {text.split()[0] for text in texts} == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert "OR REPLACE" not in " ".join(texts)


def test_every_table_and_migration_compiles_for_postgresql() -> None:
    for table in tables.metadata.sorted_tables:
        str(CreateTable(table).compile(dialect=POSTGRES))
        for index in table.indexes:
            str(CreateIndex(index).compile(dialect=POSTGRES))
    script = io.StringIO()
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": script})
    with Operations.context(context):
        for revision in reversed(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())):
            revision.module.upgrade()
    assert script.getvalue().count("CREATE TABLE") == len(tables.metadata.tables)


def test_the_migrations_end_where_the_tables_are() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_one_the_tables_name() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [tables.REVISION] == [known_revisions()[0]]

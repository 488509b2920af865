"""Run by Alembic: migrates the connection that `ledger.schema` opened, in its transaction."""

from alembic import context

from meterpost.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
)
context.run_migrations()

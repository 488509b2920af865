"""The first ledger: site, readings, journal.

A migration is history: it names its columns itself and is never changed once released.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "site",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("client", sa.String(36), nullable=False),
        sa.Column("proxy", sa.Text, nullable=False),
        sa.Column("next_number", sa.Integer, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("last_sync", sa.Text),
        sa.Column("settings", sa.Text, nullable=False),
    )
    op.create_table(
        "device",
        sa.Column("serial", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.Column("maker", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("asset", sa.Text),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("life", sa.Integer, nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("serial", sa.Text, nullable=False),
        sa.Column("period_from", sa.Date, nullable=False),
        sa.Column("period_to", sa.Date, nullable=False),
        sa.Column("cycle", sa.Text, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("meters", sa.Text, nullable=False),
        sa.Column("received", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("parts", sa.Integer, nullable=False),
        sa.Column("parts_acknowledged", sa.Text, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("queued", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", sa.Text),
    )
    op.create_table(
        "reading",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("taken_at", sa.Text, nullable=False),
        sa.Column("manufacturer", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("serial", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("mac", sa.Text, nullable=False),
        sa.Column("firmware", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("profile_version", sa.Text, nullable=False),
        sa.Column("sys_object_id", sa.Text, nullable=False),
        sa.Column("sys_descr", sa.Text, nullable=False),
        sa.Column("is_printer", sa.Boolean, nullable=False),
    )
    op.create_index("reading_by_serial", "reading", ["serial", "id"])
    op.create_table(
        "meter",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("oid", sa.Text, nullable=False),
    )
    op.create_table(
        "meter_value",
        sa.Column("reading", sa.Integer, sa.ForeignKey("reading.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("what", sa.BigInteger, sa.ForeignKey("meter.id"), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "supply",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("index", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("supply_class", sa.Text, nullable=False),
        sa.Column("color", sa.Text, nullable=False),
        sa.Column("capacity", sa.Text, nullable=False),
        sa.Column("unit_code", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
    )
    op.create_table(
        "supply_value",
        sa.Column("reading", sa.Integer, sa.ForeignKey("reading.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("what", sa.BigInteger, sa.ForeignKey("supply.id"), nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("percent", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "newest",
        sa.Column("serial", sa.Text, primary_key=True),
        sa.Column("reading", sa.Integer, sa.ForeignKey("reading.id"), nullable=False),
    )
    op.create_table(
        "exchange",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("octets", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("transaction", sa.Text, nullable=False),
        sa.Column("devices", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answer_devices", sa.Integer, nullable=False),
        sa.Column("request_envelope", sa.Integer, nullable=False),
        sa.Column("request_http", sa.Integer, nullable=False),
        sa.Column("request_wire", sa.Integer, nullable=False),
        sa.Column("response_envelope", sa.Integer, nullable=False),
        sa.Column("response_http", sa.Integer, nullable=False),
        sa.Column("response_wire", sa.Integer, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("response", sa.LargeBinary, nullable=False),
    )
    op.create_index("exchange_to_prune", "exchange", ["number", "transaction", "octets"])
    op.create_table(
        "last_success",
        sa.Column("job", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_table(
        "nonce",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("until", sa.Text, nullable=False),
    )
    op.create_index("ix_nonce_until", "nonce", ["until"])

"""Readings have detected errors, alerts and all interfaces; what is known of devices is remembered between runs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("errors", "alerts", "macs"):
        op.add_column("reading", sa.Column(name, sa.Text, nullable=False, server_default="[]"))
    op.create_table(
        "remembered",
        sa.Column("endpoint", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )

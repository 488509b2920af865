"""What is remembered of devices has its age, so that it can be forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("remembered", sa.Column("at", sa.Text))

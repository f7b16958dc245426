"""The turns of messages that are being taken in, so that workers know what came first."""

from __future__ import annotations

from alembic import op
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE = "turn"


def upgrade() -> None:
    """Create the table; no message is being taken in meanwhile."""
    SQLModel.metadata.tables[TABLE].create(op.get_bind())


def downgrade() -> None:
    """Drop it."""
    op.drop_table(TABLE)

"""The operational records of calls over X-Road, which were in each worker's memory before."""

from __future__ import annotations

from alembic import op
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE = "call_record"


def upgrade() -> None:
    """Create the table and its index."""
    SQLModel.metadata.tables[TABLE].create(op.get_bind())


def downgrade() -> None:
    """Drop it."""
    op.drop_table(TABLE)

"""Who writes a ledger as each node, and in which epoch."""

from __future__ import annotations

from alembic import op
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; nobody has written in an epoch yet."""
    SQLModel.metadata.tables["owner"].create(op.get_bind())


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE owner")

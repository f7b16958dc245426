"""Who writes a ledger as each node, and in which epoch; a number that tells its file from
others.
"""

from __future__ import annotations

from alembic import op
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables
from exchange.storage.migrate import new_identity

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; nobody has written in an epoch yet."""
    bind = op.get_bind()
    SQLModel.metadata.tables["owner"].create(bind)
    if bind.dialect.name == "sqlite":
        op.execute(f"PRAGMA user_version={new_identity()}")


def downgrade() -> None:
    """Drop it; the number stays, which nobody asks for."""
    op.execute("DROP TABLE owner")

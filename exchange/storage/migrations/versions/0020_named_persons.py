"""Messages by the persons that they name, from now on."""

from __future__ import annotations

from alembic import op
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLE = "named_person"


def upgrade() -> None:
    """Create the table; messages that are there already are not looked through."""
    SQLModel.metadata.tables[TABLE].create(op.get_bind())


def downgrade() -> None:
    """Drop it."""
    op.drop_table(TABLE)

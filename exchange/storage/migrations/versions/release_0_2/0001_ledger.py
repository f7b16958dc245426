"""The first ledger: messages, bodies, deliveries, answers, events, counters and memory."""

from __future__ import annotations

from alembic import op
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: The tables of this revision; later ones are added by their own revisions.
TABLES = (
    "message",
    "body",
    "delivery",
    "answer",
    "event",
    "counter",
    "day_counter",
    "pruned_counter",
    "memory",
)


def upgrade() -> None:
    """Create the tables."""
    metadata = SQLModel.metadata
    metadata.create_all(op.get_bind(), tables=[metadata.tables[name] for name in TABLES])


def downgrade() -> None:
    """Drop them."""
    metadata = SQLModel.metadata
    metadata.drop_all(op.get_bind(), tables=[metadata.tables[name] for name in TABLES])

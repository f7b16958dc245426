"""The receivers' states, and an index of the dead letters that hold their conversations."""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE, INDEX = "receiver_state", "delivery_dead_ordered"


def upgrade() -> None:
    """Create them, unless they were created with the first revision."""
    bind = op.get_bind()
    if TABLE not in inspect(bind).get_table_names():
        SQLModel.metadata.tables[TABLE].create(bind)
    if INDEX not in {each["name"] for each in inspect(bind).get_indexes("delivery")}:
        op.execute(
            f"CREATE INDEX {INDEX} ON delivery (receiver, lane) "
            "WHERE state = 'dead' AND ordered = 1"
        )


def downgrade() -> None:
    """Drop them; every receiver is up then."""
    op.execute(f"DROP INDEX {INDEX}")
    op.drop_table(TABLE)

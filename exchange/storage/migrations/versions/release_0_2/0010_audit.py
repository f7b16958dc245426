"""Operators with their keys and sessions, and the audit log of what they change."""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables
from exchange.storage.operators import tables as operator_tables  # noqa: F401 - declares the tables

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAMES = ("audit", "operator", "operator_key", "operator_session")


def upgrade() -> None:
    """Create them, unless they were created with the first revision."""
    bind = op.get_bind()
    there = inspect(bind).get_table_names()
    for name in NAMES:
        if name not in there:
            SQLModel.metadata.tables[name].create(bind)


def downgrade() -> None:
    """Drop them; every operator needs a new key then."""
    for name in NAMES:
        op.drop_table(name)

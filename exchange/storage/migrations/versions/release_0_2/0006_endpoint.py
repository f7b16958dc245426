"""By which endpoint a message came in is called `endpoint` (before: `door`)."""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "message",
    "counter",
    "day_counter",
    "day_curve",
    "pruned_counter",
    "pruned_day_counter",
)


def upgrade() -> None:
    """Rename the column, unless the tables were made with its new name."""
    _rename("door", "endpoint")


def downgrade() -> None:
    """Rename it back."""
    _rename("endpoint", "door")


def _rename(old: str, new: str) -> None:
    for table in TABLES:
        columns = inspect(op.get_bind()).get_columns(table)
        if any(column["name"] == old for column in columns):
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")

"""What minutes are folded into: hours in the day counters, curves of days, and by day what
retention dropped.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("day_curve", "folded", "pruned_day_counter")


def upgrade() -> None:
    """Add them; the column unless the table was made with it."""
    bind = op.get_bind()
    if all(column["name"] != "hours" for column in inspect(bind).get_columns("day_counter")):
        op.execute("ALTER TABLE day_counter ADD COLUMN hours TEXT")
    metadata = SQLModel.metadata
    metadata.create_all(bind, tables=[metadata.tables[name] for name in TABLES])


def downgrade() -> None:
    """Drop them; folded minutes are gone, the days stay."""
    for name in TABLES:
        op.execute(f"DROP TABLE {name}")
    op.execute("ALTER TABLE day_counter DROP COLUMN hours")

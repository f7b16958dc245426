"""Each writer counts its transactions: on a server only, where an answer to COMMIT may be lost."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the number of the newest transaction of each node to the table of owners."""
    op.execute("ALTER TABLE owner ADD COLUMN written BIGINT NOT NULL DEFAULT 0")

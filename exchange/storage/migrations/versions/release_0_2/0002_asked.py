"""An index of deliveries that somebody waits for, so that a start does not read every delivery
there ever was.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create it, unless the tables were made with it."""
    op.execute(
        "CREATE INDEX IF NOT EXISTS delivery_asked ON delivery (next_at) WHERE state = 'waiting' "
        "AND mode = 'ask'"
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX delivery_asked")

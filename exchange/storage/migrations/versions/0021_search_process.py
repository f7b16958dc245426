"""Indexes of the search: messages by their process (what holds nothing, cases), and those that came
again.
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_INDEXES = {
    "message_process": "message (process) WHERE process != ''",
    "event_repeated": "event (message_id) WHERE kind = 'duplicate'",
}


def upgrade() -> None:
    """Make them, unless the tables were made with them."""
    for name, what in _INDEXES.items():
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {what}")


def downgrade() -> None:
    """Drop them."""
    for name in _INDEXES:
        op.execute(f"DROP INDEX {name}")

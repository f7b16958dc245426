"""Leases of mailbox deliveries, by id; indexes for what of a mailbox is open, and for its age; the
digest of what a message said beside its body.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OPEN = "mode = 'mailbox' AND (state = 'waiting' OR (state = 'dead' AND ordered = 1))"


def upgrade() -> None:
    """Add them, unless the tables were made with them. What is leased just now has no lease that
    could be shown: it comes back when its time is over. What is stored already has no such digest.
    """
    if any(column["name"] == "lease" for column in inspect(op.get_bind()).get_columns("delivery")):
        return
    op.execute("ALTER TABLE delivery ADD COLUMN lease INTEGER DEFAULT 0 NOT NULL")
    op.execute("ALTER TABLE message ADD COLUMN identity BLOB DEFAULT x'' NOT NULL")
    op.execute("DROP INDEX delivery_mailbox")
    op.execute(f"CREATE INDEX delivery_mailbox ON delivery (receiver, position) WHERE {_OPEN}")
    op.execute(
        "CREATE INDEX delivery_mailbox_age ON delivery (message_id) "
        "WHERE state = 'waiting' AND mode = 'mailbox'"
    )


def downgrade() -> None:
    """Drop them; every lease ends."""
    op.execute("DROP INDEX delivery_mailbox_age")
    op.execute("DROP INDEX delivery_mailbox")
    op.execute("ALTER TABLE delivery DROP COLUMN lease")
    op.execute("ALTER TABLE message DROP COLUMN identity")
    op.execute(
        "CREATE INDEX delivery_mailbox ON delivery (receiver, next_at) "
        "WHERE state = 'waiting' AND mode = 'mailbox'"
    )

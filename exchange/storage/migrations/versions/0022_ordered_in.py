"""In which conversation a delivery in a mailbox is ordered, and its index: what a look into a mailbox
costs does not grow with what waits there behind something else.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_OPEN = "mode = 'mailbox' AND (state = 'waiting' OR (state = 'dead' AND ordered = 1))"


def upgrade() -> None:
    """Add them, unless the tables were made with them; what lies open is told its conversation."""
    columns = inspect(op.get_bind()).get_columns("delivery")
    if any(column["name"] == "ordered_in" for column in columns):
        return
    op.execute("ALTER TABLE delivery ADD COLUMN ordered_in VARCHAR DEFAULT '' NOT NULL")
    op.execute(
        "UPDATE delivery SET ordered_in=(SELECT channel || '/' || conversation FROM message "
        f"WHERE message.id=delivery.message_id) WHERE {_OPEN} AND ordered=1"
    )
    op.execute(
        "CREATE INDEX delivery_mailbox_order ON delivery "
        f"(receiver, ordered, ordered_in, position) WHERE {_OPEN}"
    )


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX delivery_mailbox_order")
    op.execute("ALTER TABLE delivery DROP COLUMN ordered_in")

"""Indexes of the search: messages by kind, sender, conversation and what refused them, by receiver,
by what became of a delivery, and by why it failed.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_INDEXES = {
    "message_kind": "message (channel, message_type, endpoint)",
    "message_sender": "message (sender)",
    "message_conversation": "message (conversation) WHERE conversation != ''",
    "message_refused": "message (id) WHERE state = 'rejected'",
    "message_refused_id": "message (sender_message_id) WHERE state = 'rejected'",
    "delivery_receiver": "delivery (receiver, message_id)",
    "delivery_open": "delivery (state, message_id) WHERE state != 'delivered'",
    "delivery_failed": "delivery (message_id, reason) WHERE reason != ''",
    "event_refused": "event (detail, message_id) WHERE kind = 'rejected'",
}


def upgrade() -> None:
    """Make them, unless the tables were made with them."""
    for name, what in _INDEXES.items():
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {what}")


def downgrade() -> None:
    """Drop them."""
    for name in _INDEXES:
        op.execute(f"DROP INDEX {name}")

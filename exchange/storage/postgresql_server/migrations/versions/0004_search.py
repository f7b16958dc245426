"""Indexes of the search, as the embedded ledger has them from its revision 0016; where SQLite's end
with the row's id by themselves, here it is named.
"""

from __future__ import annotations

from exchange.storage.postgresql_server.migrations.indexes import make_indexes

revision = "0004"
down_revision = "0003"

_INDEXES = {
    "message_kind": "message (channel, message_type, endpoint, id)",
    "message_sender": "message (sender, id)",
    "message_conversation": "message (conversation, id) WHERE conversation != ''",
    "message_refused": "message (id) WHERE state = 'rejected'",
    "message_refused_id": "message (sender_message_id, id) WHERE state = 'rejected'",
    "delivery_receiver": "delivery (receiver, message_id)",
    "delivery_open": "delivery (state, message_id) WHERE state != 'delivered'",
    "delivery_failed": "delivery (message_id, reason) WHERE reason != ''",
    "event_refused": "event (detail, message_id) WHERE kind = 'rejected'",
}


def upgrade() -> None:
    """Make them."""
    make_indexes(_INDEXES)

"""Indexes of the search, as the embedded ledger has them from its revision 0021; where SQLite's end
with the row's id by themselves, here it is named.
"""

from __future__ import annotations

from exchange.storage.postgresql_server.migrations.indexes import make_indexes

revision = "0011"
down_revision = "0010"

_INDEXES = {
    "message_process": "message (process, id) WHERE process != ''",
    "event_repeated": "event (message_id) WHERE kind = 'duplicate'",
}


def upgrade() -> None:
    """Make them."""
    make_indexes(_INDEXES)

"""In which conversation a delivery in a mailbox is ordered, as the embedded ledger has it from its
revision 0022. What lies there already does not say: nodes of the version before write to it.
"""

from __future__ import annotations

from alembic import op

from exchange.storage.postgresql_server.migrations.indexes import make_indexes

revision = "0012"
down_revision = "0011"

_OPEN = "mode = 'mailbox' AND (state = 'waiting' OR (state = 'dead' AND ordered = 1))"


def upgrade() -> None:
    """Add the column and its index."""
    # (A try before this one may have ended between the two.)
    op.execute(
        "ALTER TABLE delivery "
        "ADD COLUMN IF NOT EXISTS ordered_in TEXT DEFAULT '' NOT NULL COLLATE \"C\""
    )
    make_indexes(
        {
            "delivery_mailbox_order": "delivery "
            f"(receiver, ordered, ordered_in, position) WHERE {_OPEN}"
        }
    )

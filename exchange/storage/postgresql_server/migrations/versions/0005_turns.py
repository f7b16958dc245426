"""The turns of messages that are being taken in, so that nodes know what came first."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table; see `storage.tables.Turn`."""
    op.execute(
        "CREATE TABLE turn (number BIGINT NOT NULL, channel VARCHAR NOT NULL, "
        "sender VARCHAR NOT NULL, node BIGINT NOT NULL, PRIMARY KEY (number))"
    )

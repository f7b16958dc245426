"""Messages by the persons that they name, as the embedded ledger has them from its revision 0020."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table; see `storage.tables.NamedPerson`."""
    op.execute(
        "CREATE TABLE named_person (segment BIGINT NOT NULL, person BIGINT NOT NULL, "
        "message_id BIGINT NOT NULL, PRIMARY KEY (segment, person, message_id))"
    )

"""The operational records of calls over X-Road, which were in each node's memory before."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0005"


def upgrade() -> None:
    """Make the table; see `storage.tables.CallRecordRow`."""
    op.execute(
        "CREATE TABLE call_record (number BIGINT NOT NULL, at BIGINT NOT NULL, "
        "client VARCHAR NOT NULL, provider VARCHAR NOT NULL, content TEXT NOT NULL, "
        "PRIMARY KEY (number))"
    )
    op.execute("CREATE INDEX call_record_at ON call_record (at)")

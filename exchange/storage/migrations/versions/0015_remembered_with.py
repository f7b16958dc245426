"""The message with which something remembered is forgotten; what is remembered already stays."""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add column and index, unless the table was made with them."""
    columns = inspect(op.get_bind()).get_columns("memory")
    if all(column["name"] != "message_id" for column in columns):
        op.execute("ALTER TABLE memory ADD COLUMN message_id INTEGER DEFAULT '0' NOT NULL")
        op.execute("CREATE INDEX memory_message ON memory (message_id) WHERE message_id > 0")


def downgrade() -> None:
    """Drop them; `verify` names what had a message as altered then."""
    op.execute("DROP INDEX memory_message")
    op.execute("ALTER TABLE memory DROP COLUMN message_id")

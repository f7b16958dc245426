"""Positions of messages in the order of commits: what there is gets positions in the order of its ids.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them, unless the tables were made with them."""
    bind = op.get_bind()
    SQLModel.metadata.tables["position"].create(bind, checkfirst=True)
    if any(column["name"] == "position" for column in inspect(bind).get_columns("message")):
        return
    for name in ("message", "delivery"):
        op.execute(f"ALTER TABLE {name} ADD COLUMN position INTEGER DEFAULT 0 NOT NULL")
    op.execute(
        "UPDATE message SET position=numbered.position FROM "
        "(SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS position FROM message) AS numbered "
        "WHERE message.id=numbered.id"
    )
    op.execute("CREATE UNIQUE INDEX message_position ON message (position)")
    op.execute(
        "INSERT INTO position(id,last) SELECT 1,MAX(position) FROM message HAVING COUNT(*)>0"
    )
    op.execute(
        "UPDATE delivery SET position=(SELECT position FROM message WHERE id=delivery.message_id)"
    )


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX message_position")
    for name in ("message", "delivery"):
        op.execute(f"ALTER TABLE {name} DROP COLUMN position")
    op.execute("DROP TABLE position")

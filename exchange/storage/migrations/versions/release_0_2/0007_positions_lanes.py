"""Positions of messages in the order of commits, and lanes of ordered deliveries: what
there is gets positions in the order of its ids.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect
from sqlmodel import SQLModel

from exchange.ports.lanes import lane_of
from exchange.storage import tables  # noqa: F401 - declares the tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_WAITING = "ON delivery ({}) WHERE state = 'waiting' AND mode = 'push'"


def upgrade() -> None:
    """Add them, unless the tables were made with them. Ordered deliveries that may still be made
    move from the worker that took their message to the lane of their conversation.
    """
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
    # It was kept for deliveries that are asked for as well, which nobody makes in order.
    op.execute("UPDATE delivery SET ordered=0 WHERE ordered<>0 AND mode='ask'")
    connection = bind.connection.driver_connection
    assert connection is not None, "a migration runs on an open connection"
    connection.create_function("lane_of", 3, lane_of, deterministic=True)
    op.execute(
        "UPDATE delivery SET lane=(SELECT lane_of(delivery.receiver,message.channel,"
        "message.conversation) FROM message WHERE message.id=delivery.message_id) "
        "WHERE ordered=1 AND mode='push'"
    )
    op.execute("DROP INDEX delivery_due")
    op.execute(f"CREATE INDEX delivery_due {_WAITING.format('next_at, lane')} AND ordered = 0")
    op.execute(
        f"CREATE INDEX delivery_ordered {_WAITING.format('receiver, position')} AND ordered = 1"
    )


def downgrade() -> None:
    """Drop them; ordered deliveries become the first worker's."""
    op.execute("DROP INDEX delivery_ordered")
    op.execute("DROP INDEX delivery_due")
    op.execute(f"CREATE INDEX delivery_due {_WAITING.format('next_at, lane')}")
    op.execute("UPDATE delivery SET lane=0 WHERE ordered=1 AND mode='push'")
    op.execute("DROP INDEX message_position")
    for name in ("message", "delivery"):
        op.execute(f"ALTER TABLE {name} DROP COLUMN position")
    op.execute("DROP TABLE position")

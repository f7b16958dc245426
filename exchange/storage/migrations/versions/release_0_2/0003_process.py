"""What business a message is part of: a column of messages and a dimension of counters, empty for
all that there is.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNTERS = ("counter", "day_counter", "pruned_counter")
OLD_COLUMNS = "period,channel,message_type,sender,receiver,door,kind,count,items,bytes"
#: The same in tables that are made now (see revision 0006).
NEW_COLUMNS = OLD_COLUMNS.replace("door", "endpoint")


def upgrade() -> None:
    """Add them, unless the tables were made with them. A primary key can't be changed, so counters
    are copied.
    """
    bind = op.get_bind()
    if any(column["name"] == "process" for column in inspect(bind).get_columns("message")):
        return
    op.execute("ALTER TABLE message ADD COLUMN process VARCHAR DEFAULT '' NOT NULL")
    for name in COUNTERS:
        op.execute(f"ALTER TABLE {name} RENAME TO {name}_0002")
        SQLModel.metadata.tables[name].create(bind)
        op.execute(
            f"INSERT INTO {name}({NEW_COLUMNS},process) SELECT {OLD_COLUMNS},'' FROM {name}_0002"
        )
        op.execute(f"DROP TABLE {name}_0002")


def downgrade() -> None:
    """Drop them, adding up what only they told apart."""
    bind = op.get_bind()
    dimensions = OLD_COLUMNS.removesuffix(",count,items,bytes")
    for name in COUNTERS:
        bind.execute(
            text(
                f"CREATE TABLE {name}_0002 AS SELECT {dimensions},SUM(count) AS count,SUM(items) "
                "AS items,SUM(bytes) AS bytes "
                f"FROM {name} GROUP BY {dimensions}"
            )
        )
        op.execute(f"DROP TABLE {name}")
        op.execute(
            f"CREATE TABLE {name}(period INTEGER NOT NULL,channel VARCHAR NOT NULL,message_type "
            "VARCHAR NOT NULL,"
            "sender VARCHAR NOT NULL,receiver VARCHAR NOT NULL,door VARCHAR NOT NULL,kind VARCHAR "
            "NOT NULL,count BIGINT NOT NULL,"
            f"items BIGINT NOT NULL,bytes BIGINT NOT NULL,PRIMARY KEY({dimensions})) WITHOUT ROWID"
        )
        op.execute(f"INSERT INTO {name}({OLD_COLUMNS}) SELECT {OLD_COLUMNS} FROM {name}_0002")
        op.execute(f"DROP TABLE {name}_0002")
    op.execute("ALTER TABLE message DROP COLUMN process")

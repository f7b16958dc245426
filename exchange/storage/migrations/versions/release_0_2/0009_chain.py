"""The chain: what is never changed afterwards is hashed at each commit; what is there already is
chained as it stands.
"""

from __future__ import annotations

import sqlite3

from alembic import op
from sqlalchemy import inspect
from sqlmodel import SQLModel

from exchange.storage import tables  # noqa: F401 - declares the tables
from exchange.storage.proof.initial_chain import seal

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = (
    ("event", "digest", "BLOB"),
    ("memory", "digest", "BLOB NOT NULL DEFAULT x''"),
    ("memory", "replaced", "BLOB NOT NULL DEFAULT x''"),
)


def upgrade() -> None:
    """Add table and columns, unless they were made with them, and seal what there is. The opening
    proves what is changed from now on; what was changed before stays so.
    """
    bind = op.get_bind()
    for table, column, kind in COLUMNS:
        if all(each["name"] != column for each in inspect(bind).get_columns(table)):
            op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    SQLModel.metadata.create_all(bind, tables=[SQLModel.metadata.tables["chain"]])
    connection = bind.connection.driver_connection
    assert isinstance(connection, sqlite3.Connection), "the ledger is SQLite"
    connection.execute("DELETE FROM chain")
    connection.execute("UPDATE memory SET digest=x''")
    seal(connection)
    connection.commit()


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP TABLE chain")
    for table, column, _ in COLUMNS:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")

"""Carrying a ledger from a file over to an empty one on a server: every row as it is, in one
transaction, proved there.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from exchange.clocks import WallClock
from exchange.errors import LedgerError
from exchange.ports.verification import Verification
from exchange.storage.connection import Connection, connect, insert
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.ownership import own
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.locks import WRITING
from exchange.storage.postgresql_server.snapshot import session
from exchange.storage.proof.heads_file import head_path
from exchange.storage.proof.verify import verify
from exchange.storage.snapshot import upgrade_server

#: Rows that go in at once; each may hold a body.
ROWS = 200
#: Of Alembic: which revision, a number of each kind of database.
_REVISION = "alembic_version"


def move(path: Path, server: Server) -> Verification:
    """Copy the ledger at `path`, which nobody serves meanwhile, to the server, and prove the copy
    against the heads of the file. The file stays as it is.

    Raises:
        Owned: when an exchange serves the file.
        LedgerError: when there is something on the server already, when one can't be read or the
            other not be written; nothing is there then.
    """
    with own(path, "exchange move", WallClock().now()):
        migrate_sqlite(path, create=False, owned=True)
        upgrade_server(server)
        with closing(connect(path, read_only=True)) as file:
            file.execute("BEGIN")
            with session(server, "exchange moves a ledger") as there:
                there.execute("BEGIN")
                # (Whoever begins to serve it meanwhile waits, and is told.)
                there.execute("SELECT pg_advisory_xact_lock(?::int,?::int)", WRITING)
                if there.execute("SELECT 1 FROM owner LIMIT 1").fetchone() is not None:
                    raise LedgerError(
                        f"{server} is somebody's ledger already; name an empty database"
                    )
                for table in _tables(file):
                    _copy(file, there, table)
                there.execute("COMMIT")
        head = head_path(path)
        return verify(server, head if head.exists() else None)


def _tables(file: sqlite3.Connection) -> list[str]:
    rows = file.execute(
        "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%' "
        f"AND name!='{_REVISION}' ORDER BY name"
    )
    return [name for (name,) in rows]


def _copy(file: sqlite3.Connection, there: Connection, table: str) -> None:
    """Copy a table. (SQLite reads it in the order of its rows, which the server gives numbers to
    where the file's have none of their own.)
    """
    columns = ",".join(
        name for (name,) in file.execute("SELECT name FROM pragma_table_info(?)", (table,))
    )
    cursor = file.execute(f"SELECT {columns} FROM {table}")
    while part := cursor.fetchmany(ROWS):
        insert(there, table, columns, part)

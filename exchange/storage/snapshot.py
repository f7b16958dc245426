"""Looking into a ledger that may be in use, wherever it is, in one consistent view; for one thread,
which waits for each statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

from exchange.storage.connection import Connection, connect
from exchange.storage.health.errors import as_ledger_errors
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.postgresql_server.address import Server

#: Where a ledger is: a file, or a database on a server.
Where: TypeAlias = Path | Server


def require_ledger(where: Where) -> None:
    """See that there is a ledger of this version, bringing a file up to it.

    Raises:
        LedgerError: when there is none.
    """
    if isinstance(where, Path):
        migrate_sqlite(where, create=False)
    else:
        with snapshot(where):
            pass


def upgrade_server(server: Server) -> None:
    """Create the ledger on a server, or bring it up to this version.

    Raises:
        LedgerError: when that can't be done.
    """
    from exchange.storage.postgresql_server.migrate import migrate

    asyncio.run(migrate(server))


@contextmanager
def snapshot(where: Where) -> Iterator[Connection]:
    """A connection to read the ledger by, and to make temporary tables on.

    Raises:
        LedgerError: when it can't be read or, on a server, is none of this version.
    """
    if isinstance(where, Server):
        # (Imported only where it is used: the embedded ledger needs no time for asyncpg.)
        from exchange.storage.postgresql_server.snapshot import snapshot as snapshot_of_server

        with snapshot_of_server(where) as connection:
            yield connection
        return
    with as_ledger_errors(where), closing(connect(where)) as file:
        file.execute("PRAGMA temp_store=FILE")
        file.execute("BEGIN")
        yield file

"""A session to look into a ledger on a server by, for a thread that waits for each statement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg

from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.connection import ServerConnection
from exchange.storage.postgresql_server.migrate import require_newest
from exchange.storage.postgresql_server.session import CONNECT_SECONDS, connected


@contextmanager
def snapshot(server: Server) -> Iterator[ServerConnection]:
    """A session to look into the ledger by, in one consistent view.

    Raises:
        LedgerError: when it can't be read, or is no ledger of this version.
    """
    with asyncio.Runner() as runner:
        connection = runner.run(connected(server, "exchange looks"))

        def wait(work: Awaitable[Any]) -> Any:
            return runner.run(_awaited(work))

        try:
            wait(require_newest(connection, server))
            session = ServerConnection(connection, wait, str(server), {})
            session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            yield session
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                wait(connection.close(timeout=CONNECT_SECONDS))


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work

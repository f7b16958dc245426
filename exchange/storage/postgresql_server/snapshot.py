"""A session on a ledger on a server, for a thread that waits for each statement; a view to look by."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg

from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.connection import ServerConnection
from exchange.storage.postgresql_server.errors import as_ledger_errors
from exchange.storage.postgresql_server.migrate import require_newest
from exchange.storage.postgresql_server.session import CONNECT_SECONDS, WRITABLE, connected


@contextmanager
def snapshot(server: Server) -> Iterator[ServerConnection]:
    """A session to look into the ledger by, in one consistent view; a standby's will do where the
    address has no other.

    Raises:
        LedgerError: when it can't be read, or is no ledger of this version.
    """
    with session(server, "exchange looks", target=None) as opened:
        opened.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        yield opened


@contextmanager
def session(server: Server, name: str, target: str | None = WRITABLE) -> Iterator[ServerConnection]:
    """A session, which the server's list of sessions calls `name`. What is not committed when it
    ends is taken back. Of several hosts it takes one that is a `target` (see `connected`).

    Raises:
        LedgerError: when there is none to be had, or it is no ledger of this version.
    """
    with asyncio.Runner() as runner:
        connection = runner.run(connected(server, name, target=target))

        def wait(work: Awaitable[Any]) -> Any:
            return runner.run(_awaited(work))

        try:
            with as_ledger_errors(str(server)):
                wait(require_newest(connection, server))
            yield ServerConnection(connection, wait, str(server), {})
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                wait(connection.close(timeout=CONNECT_SECONDS))


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work

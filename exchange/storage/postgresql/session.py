"""Sessions on a PostgreSQL server as the ledger wants them, for a loop or for a thread that waits; no
statement of the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from exchange.errors import LedgerError, SettingsError
from exchange.storage.postgresql.address import Server
from exchange.storage.postgresql.connection import ServerConnection
from exchange.storage.postgresql.errors import ledger_error

try:
    import asyncpg
except ImportError as missing:
    raise SettingsError(
        "a ledger on PostgreSQL needs asyncpg: pip install 'exchange-simulator[postgresql]'"
    ) from missing

#: The oldest version whose SQL the statements are.
VERSION_MIN = 16
CONNECT_SECONDS = 10.0
#: Prepared statements that a session keeps.
STATEMENTS_MAX = 512
#: After so many seconds of silence the server asks a client, which may have gone, whether it is
#: there (three times, 5 s apart): what it held, its node's lock too, is free then.
SILENT_SECONDS = 10


async def connected(server: Server, name: str, **settings: str) -> Any:
    """A session, which the server's list of sessions calls `name`.

    Raises:
        LedgerError: when there is none to be had, or the server is too old.
    """
    try:
        connection = await asyncpg.connect(
            server.url,
            timeout=CONNECT_SECONDS,
            statement_cache_size=STATEMENTS_MAX,
            server_settings=session_settings(name, **settings),
        )
        await prepare(connection)
    except Exception as error:
        said = ledger_error(str(server), error)
        if said is error:
            raise
        raise said from error
    version = connection.get_server_version()
    if version.major < VERSION_MIN:
        await connection.close()
        raise LedgerError(
            f"the ledger {server}: the server is PostgreSQL {version.major}; "
            f"{VERSION_MIN} or newer is needed"
        )
    return connection


def session_settings(name: str, **settings: str) -> dict[str, str]:
    """What a session asks of the server.

    Source: PostgreSQL's documentation, 19.3.2 "TCP Settings", 19.11 "Client Connection Defaults".
    """
    return {
        "application_name": name,
        "tcp_keepalives_idle": str(SILENT_SECONDS),
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "client_min_messages": "warning",
        **settings,
    }


async def prepare(connection: Any) -> None:
    """Have sums of whole numbers, which are `numeric` there, come as whole numbers."""
    await connection.set_type_codec(
        "numeric", schema="pg_catalog", encoder=str, decoder=int, format="text"
    )


@contextmanager
def snapshot(server: Server) -> Iterator[ServerConnection]:
    """A session to look into the ledger by, in one consistent view.

    Raises:
        LedgerError: when it can't be read, or is no ledger of this version.
    """
    from exchange.storage.postgresql.migrate import require_newest

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
            with suppress(Exception):
                wait(connection.close(timeout=CONNECT_SECONDS))


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work

"""Sessions on a PostgreSQL server as the ledger wants them; no statement of the ledger."""

from __future__ import annotations

from typing import Any

import asyncpg

from exchange.errors import LedgerError
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.errors import ledger_error, pooled

#: The oldest version whose SQL the statements are.
VERSION_MIN = 16
CONNECT_SECONDS = 10.0
#: Prepared statements that a session keeps.
STATEMENTS_MAX = 512
#: After so many seconds of silence the server asks a client, which may have gone, whether it is
#: there (three times, 5 s apart): what it held, its node's lock too, is free then.
SILENT_SECONDS = 10
#: Of several hosts in an address the one that can be written: who was a standby may be the server
#: by now. Source: PostgreSQL's documentation, 32.1.2 "target_session_attrs".
WRITABLE = "read-write"
#: What the server is to tell a session of. A pooler refuses such a setting by an error of its own,
#: or drops it where it was told to (pgbouncer's `ignore_startup_parameters`); no server does.
_TOLD = "warning"


async def connected(
    server: Server,
    name: str,
    answer_seconds: float | None = None,
    target: str | None = WRITABLE,
    **settings: str,
) -> Any:
    """A session, which the server's list of sessions calls `name`. A statement that takes longer
    than `answer_seconds` fails. `target` says which of several hosts will do; None: as the address
    says, and any where it says nothing.

    Raises:
        LedgerError: when there is none to be had, the server is too old, or a pooler stands before
            it.
    """
    try:
        connection = await asyncpg.connect(
            server.url,
            timeout=CONNECT_SECONDS,
            command_timeout=answer_seconds,
            statement_cache_size=STATEMENTS_MAX,
            target_session_attrs=target,
            server_settings=session_settings(name, **settings),
        )
        await prepare(connection)
        told = await connection.fetchval("SELECT current_setting('client_min_messages')")
    except Exception as error:
        said = ledger_error(str(server), error)
        if said is error:
            raise
        raise said from error
    if told != _TOLD:
        await connection.close()
        raise pooled(str(server))
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
        "client_min_messages": _TOLD,
        **settings,
    }


async def prepare(connection: Any) -> None:
    """Have sums of whole numbers, which are `numeric` there, come as whole numbers."""
    await connection.set_type_codec(
        "numeric", schema="pg_catalog", encoder=str, decoder=int, format="text"
    )

"""Sessions on a PostgreSQL server as the ledger wants them; no statement of the ledger."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import asyncpg

from exchange.errors import LedgerError
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.errors import as_ledger_errors, pooled

#: The oldest version whose SQL the statements are.
VERSION_MIN = 16
#: The first one that knows `transaction_timeout`.
_LIMITS_TRANSACTIONS = (17,)
CONNECT_SECONDS = 10.0
#: How long a host may be silent before the next one of the address is asked as well.
NEXT_SECONDS = 0.5
#: Prepared statements that a session keeps.
STATEMENTS_MAX = 512
#: After so many seconds of silence the server asks a client, which may have gone, whether it is
#: there (three times, 5 s apart): what it held, its node's lock too, is free then.
SILENT_SECONDS = 10
#: The same of our side (Linux; other systems have some of it): what was sent, or asked in silence,
#: is answered within some 10 s, or the session has ended. Source: tcp(7).
_KEEPALIVE = {
    "TCP_KEEPIDLE": SILENT_SECONDS,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": SILENT_SECONDS * 1000,
}
#: Of several hosts in an address the one that can be written: who was a standby may be the server
#: by now. Source: PostgreSQL's documentation, 32.1.2 "target_session_attrs".
WRITABLE = "read-write"
#: What the server is to tell a session of. A pooler refuses such a setting by an error of its own,
#: or drops it where it was told to (pgbouncer's `ignore_startup_parameters`); no server does.
_TOLD = "warning"
#: What a host is refused by that is not the `target`.
_STANDBY = asyncpg.TargetServerAttributeNotMatched
#: What every text that a message may hold can be stored in.
ENCODING = "UTF8"
#: What holds in every session, whatever the database, the user or the server's file say: whoever
#: waits for the turn to write must see what was committed meanwhile, a commit is on the disk when it
#: is answered, and no time limit ends what is meant to take long (a proof, a migration, a session
#: that owns its node); what has limits of its own gives them (`owner`, `ledger`).
#: Source: PostgreSQL's documentation, 19.11.1 "Statement Behavior", 19.5.1 "Settings" of WAL.
OURS = {
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
}
#: How statements are planned on sessions of a ledger in use, all of which an index answers: by it,
#: whatever the statistics say. They say that a table is small until somebody has looked at it
#: again, and a plan that was made by then is kept. (Before PostgreSQL 18 what is avoided, and done
#: all the same where there is no index, seems so dear that it would be compiled: no `jit`.)
#: Source: PostgreSQL's documentation, 19.7.1 "Planner Method Configuration", 30.1 "What Is JIT".
BY_INDEXES = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


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
        LedgerError: when there is none to be had, the server is too old, a pooler stands before it,
            or the database can't hold every text.
    """
    with as_ledger_errors(str(server)):
        connection = await reached(
            server,
            timeout=CONNECT_SECONDS,
            command_timeout=answer_seconds,
            statement_cache_size=STATEMENTS_MAX,
            target_session_attrs=target,
            server_settings=session_settings(name, **settings),
        )
        await prepare(connection)
        told = await connection.fetchval("SELECT current_setting('client_min_messages')")
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
    encoding = connection.get_settings().server_encoding
    if encoding != ENCODING:
        await connection.close()
        raise LedgerError(
            f"the ledger {server}: the database's encoding is {encoding}, which can't hold every "
            f"text; name one that is made with ENCODING '{ENCODING}' (and TEMPLATE template0)"
        )
    return connection


async def reached(server: Server, **arguments: Any) -> Any:
    """A connection of asyncpg, by its `arguments`, to the first of the server's hosts that will do.
    Whoever has not answered for a moment is not waited for before the next one is asked: a machine
    that is gone says nothing. (asyncpg would give all its time to the first.)

    Raises:
        Exception: what asyncpg or the network raised, of several hosts what tells most.
    """
    left, errors = server.hosts, list[BaseException]()
    asked: set[asyncio.Task[Any]] = set()
    try:
        while left or asked:
            if left:
                asked.add(asyncio.create_task(asyncpg.connect(left.pop(0), **arguments)))
            done, asked = await asyncio.wait(
                asked,
                timeout=NEXT_SECONDS if left else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for each in done:
                if (error := each.exception()) is None:
                    asked |= done - {each}
                    return each.result()
                errors.append(error)
    finally:
        for each in asked:
            each.cancel()
            each.add_done_callback(_let_go)
    # What is wrong with who asks, then with the network, then that a host is only a standby.
    raise min(errors, key=lambda each: (isinstance(each, _STANDBY), isinstance(each, OSError)))


def _let_go(asked: asyncio.Task[Any]) -> None:
    """End the session of a host that answered after another one had."""
    if not asked.cancelled() and asked.exception() is None:
        asked.result().terminate()


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
        **OURS,
        **settings,
    }


async def risks(connection: Any) -> str:
    """The settings of the server by which a commit that was answered may be lost when its machine
    stops, and which no session can change; empty when there is none.

    Source: PostgreSQL's documentation, 19.5.1 "Settings" of WAL.
    """
    rows = await connection.fetch(
        "SELECT name FROM pg_settings WHERE name IN ('fsync','full_page_writes') AND setting='off'"
    )
    return ", ".join(f"{name}=off" for (name,) in rows)


async def prepare(connection: Any) -> None:
    """Have sums of whole numbers, which are `numeric` there, come as whole numbers; have no limit
    on transactions; and notice a machine that is gone without a word, as the server notices one of
    ours.
    """
    # (An older server does not know it, and would refuse the session.)
    if connection.get_server_version() >= _LIMITS_TRANSACTIONS:
        await connection.execute("SET transaction_timeout=0")
    # (asyncpg has no setting for it.)
    used = connection._transport.get_extra_info("socket")
    if used.family in (socket.AF_INET, socket.AF_INET6):
        used.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                used.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    await connection.set_type_codec(
        "numeric", schema="pg_catalog", encoder=str, decoder=int, format="text"
    )

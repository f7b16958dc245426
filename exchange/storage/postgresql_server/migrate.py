"""Bringing a database on a server to the newest revision at start; the revisions themselves stand
in `migrations/`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import structlog

from exchange.errors import LedgerDamaged, LedgerError
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.errors import as_ledger_errors
from exchange.storage.postgresql_server.locks import MIGRATION, TRY
from exchange.storage.postgresql_server.session import connected, risks

log = structlog.get_logger(__name__)

#: How long a revision waits for a table that somebody holds, in milliseconds: all nodes that write
#: wait behind it meanwhile. For how long, and how often, that is tried, in seconds.
HELD_MILLISECONDS, HELD_SECONDS, AGAIN_SECONDS = 2_000, 300.0, 0.25
#: SQLSTATE `lock_not_available`. Source: PostgreSQL's documentation, appendix A.
_HELD = "55P03"
MIGRATIONS = Path(__file__).with_name("migrations")
_TABLES = (
    "SELECT schemaname::text,tablename::text FROM pg_tables "
    "WHERE schemaname=ANY(current_schemas(false))"
)
#: Tables that only a ledger has together.
_OURS = {"alembic_version", "chain", "message", "owner"}


def newest_revision() -> str:
    """The revision that this version of the product wants: the number that the newest migration's
    file name begins with.
    """
    return max(file.name for file in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


async def migrate(server: Server) -> None:
    """Create or upgrade the ledger; safe when several nodes start at once.

    Raises:
        LedgerError: in one line, when the database is no ledger, is of a newer version, or can't be
            written.
    """
    connection = await connected(server, "exchange migrates")
    try:
        with as_ledger_errors(str(server)):
            if await revision(connection, server) == newest_revision():
                return
            # (The lock is free when the session has ended. It is asked for again and again, since
            # the statement that makes an index waits for all that began before it, also for one
            # that waits for this lock.)
            while not await connection.fetchval(TRY, *MIGRATION):
                log.debug("another node brings the ledger up to this version")
                await asyncio.sleep(AGAIN_SECONDS)
            if (found := await revision(connection, server)) != newest_revision():
                await _upgrade(server, found)
    finally:
        await connection.close()


async def look(server: Server) -> tuple[str, str]:
    """The revision of the ledger (empty: none is made yet), and its server's `risks`; changes
    nothing.

    Raises:
        LedgerError: when it can't be written, or is none of this version or an older one.
    """
    connection = await connected(server, "exchange looks")
    try:
        with as_ledger_errors(str(server)):
            return await revision(connection, server), await risks(connection)
    finally:
        await connection.close()


async def revision(connection: Any, server: Server) -> str:
    """The revision of the ledger; empty when there is nothing in the database yet.

    Raises:
        LedgerError: when it is no ledger, or one of a newer version, or lies where this session
            would not look for it first.
    """
    own: str | None = await connection.fetchval("SELECT current_schema()::text")
    if own is None:
        raise LedgerError(
            f"{server}: no schema of search_path is there, or this user may not use it"
        )
    tables: dict[str, set[str]] = {}
    for schema, name in await connection.fetch(_TABLES):
        tables.setdefault(schema, set()).add(name)
    names = tables.pop(own, set())
    if not names:
        for schema in tables:
            if tables[schema] >= _OURS:
                raise LedgerError(
                    f"the ledger {server} is in the schema {schema}, but search_path names {own} "
                    f"first, where a new one would be made: name {schema} first"
                )
        return ""
    if not {"alembic_version", "message"} <= names:
        raise LedgerError(
            f"{server} is a database, but no ledger: it has other tables; name another database"
        )
    known: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    if known is None:
        raise LedgerDamaged(
            f"the ledger {server}: it is damaged, for it has no revision: restore a backup"
        )
    if known > newest_revision():
        raise LedgerError(
            f"the ledger {server} is of a newer version (revision {known}): this one knows "
            f"revisions up to {newest_revision()}: use the newer version"
        )
    return known


async def require_newest(connection: Any, server: Server) -> None:
    """See that the ledger is of this version.

    Raises:
        LedgerError: when it is not.
    """
    found = await revision(connection, server)
    if not found:
        raise LedgerError(f"the ledger {server} holds nothing; `exchange serve` makes one")
    if found != newest_revision():
        raise LedgerError(
            f"the ledger {server} is of revision {found}; `exchange serve` brings it to "
            f"{newest_revision()}"
        )


async def _upgrade(server: Server, found: str) -> None:
    """Bring a ledger of that revision (empty: none yet) to the newest one, each revision in a
    transaction of its own. Nodes of the version before go on: a table that somebody holds is not
    waited for with all of them behind, but tried again.
    """
    # Alembic and SQLAlchemy take half a second to import, and most starts have nothing to migrate.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy.exc import DBAPIError, PendingRollbackError
    from sqlalchemy.ext.asyncio import create_async_engine

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    def upgrade(connection: Any) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: connected(
            server, "exchange migrates", lock_timeout=str(HELD_MILLISECONDS)
        ),
    )
    if found:
        log.info("the ledger is brought up to this version", revision=found, to=newest_revision())
    loop = asyncio.get_running_loop()
    until = loop.time() + HELD_SECONDS
    try:
        while True:
            try:
                async with engine.connect() as connection:
                    await connection.run_sync(upgrade)
                return
            except PendingRollbackError as error:
                # (The session has ended; what by was raised before.)
                raise (error.__context__ or error) from None
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", "") != _HELD or loop.time() > until:
                    raise
            log.warning("a table is held by somebody: it is tried again")
            await asyncio.sleep(AGAIN_SECONDS)
    except CommandError as error:
        raise LedgerError(f"the ledger {server} can't be upgraded: {error}") from error
    finally:
        await engine.dispose()

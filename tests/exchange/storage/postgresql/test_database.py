"""Databases and users of PostgreSQL as somebody else set them up: what they set changes nothing of
what the ledger promises, or it is told in one line.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from exchange.errors import LedgerDamaged, LedgerError, LedgerLost, LedgerUnavailable, NodeLost
from exchange.ports.ledger import Remember
from exchange.storage.connection import Connection
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.migrate import look
from exchange.storage.postgresql_server.snapshot import session
from exchange.storage.proof.verify import verify
from tests.contracts.rows import record
from tests.postgresql import LocalServer, name_of

_USERS = (f"user_{number}" for number in itertools.count())

#: What a database may set for its sessions, none of which the ledger could live with.
SETTINGS = {
    "default_transaction_isolation": "serializable",
    "synchronous_commit": "off",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "idle_session_timeout": "50ms",
    "transaction_timeout": "1s",
    "timezone": "Asia/Tokyo",
    "datestyle": "German",
    "bytea_output": "escape",
}


@pytest.fixture
def user(postgresql: LocalServer) -> Iterator[str]:
    """A user that may only connect."""
    name = next(_USERS)
    postgresql.ask(f"CREATE ROLE {name} LOGIN")
    yield name
    postgresql.ask(f"DROP ROLE {name}")


def as_user(where: Server, user: str) -> Server:
    """The address of a database, for another user."""
    return Server(where.url.replace("postgres@", f"{user}@", 1))


async def test_a_databases_settings_change_nothing(
    postgresql: LocalServer,
) -> None:
    where = postgresql.ledger()
    for name, value in SETTINGS.items():
        postgresql.ask(f"ALTER DATABASE {name_of(where)} SET {name}='{value}'")
    nodes = [PostgresLedger(where, node=node) for node in range(2)]
    for each in nodes:
        await each.open()
    sessions = _sessions(postgresql, where)
    assert len(sessions) == 4, "none was ended because it was idle"
    made = [record(f"{node}-{number}") for node in range(2) for number in range(9)]
    kinds = await asyncio.gather(
        *(nodes[number % 2].record(each) for number, each in enumerate([*made, *made]))
    )
    assert sorted(each.kind for each in kinds) == ["duplicate"] * 18 + ["new"] * 18
    assert await nodes[0].position() == 18
    await asyncio.sleep(0.1)
    assert sessions <= _sessions(postgresql, where), "none was ended because it was idle"
    for each in nodes:
        assert await each.change(_told) == ("on", "0"), "a commit is on the disk, and none is ended"
        assert (await each.read(_told))[1] == "0"
        await each.close()
    assert await asyncio.to_thread(_of_a_command, where) == ("on", "0")
    found = await asyncio.to_thread(verify, where)
    assert found.clean, [check for check in found.checks if check.broken]


def _told(connection: Connection) -> tuple[str, str]:
    [told] = connection.execute(
        "SELECT current_setting('synchronous_commit'),current_setting('transaction_timeout')"
    ).fetchall()
    return told


def _of_a_command(where: Server) -> tuple[str, str]:
    with session(where, "a command") as command:
        return _told(command)


def _sessions(server: LocalServer, where: Server) -> set[str]:
    told = server.ask(
        "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'exchange %' "
        f"AND datname='{name_of(where)}'"
    )
    return set(told.split())


async def test_who_can_not_have_a_ledger_is_told(postgresql: LocalServer, user: str) -> None:
    where = as_user(postgresql.database(), user)
    for statement, kind, said in (
        ("SET work_mem='4MB'", LedgerUnavailable, "may not (permission denied for schema public)"),
        ("SET search_path=nowhere", LedgerError, "no schema of search_path is there"),
        ("SET default_transaction_read_only=on", LedgerUnavailable, "it may only be read"),
        ("CONNECTION LIMIT 0", LedgerUnavailable, "it takes no more sessions (max_connections"),
    ):
        postgresql.ask(f"ALTER ROLE {user} {statement}")
        assert said in await _refused(where, kind)
        postgresql.ask(f"ALTER ROLE {user} RESET ALL")


async def test_what_can_not_be_served_is_told(postgresql: LocalServer, user: str) -> None:
    ledger = postgresql.ledger()
    name, where = name_of(ledger), as_user(ledger, user)
    for statement, kind, said in (
        ("SELECT 1", LedgerUnavailable, "this user may not (permission denied for table"),
        (f"GRANT ALL ON alembic_version TO {user}; {_SET}'9001'", LedgerError, "newer version"),
        (f"{_SET}'0000'", LedgerError, "can't be upgraded"),
        ("DELETE FROM alembic_version", LedgerDamaged, "it has no revision"),
        (f"CREATE SCHEMA {user} AUTHORIZATION {user}", LedgerError, "is in the schema public"),
    ):
        postgresql.ask(statement, name)
        assert said in await _refused(where, kind)
    with pytest.raises(LedgerError, match="is in the schema public"):
        await asyncio.to_thread(verify, where)
    postgresql.ask(f"DROP OWNED BY {user}", name)


_SET = "UPDATE alembic_version SET version_num="


async def _refused(where: Server, kind: type[LedgerError]) -> str:
    """The one line in which opening the ledger is refused."""
    with pytest.raises(LedgerError) as told:
        await PostgresLedger(where).open()
    assert type(told.value) is kind
    assert "\n" not in str(told.value)
    return str(told.value)


async def test_another_encoding_is_refused(postgresql: LocalServer) -> None:
    where = postgresql.database(more="TEMPLATE template0 ENCODING 'SQL_ASCII'")
    with pytest.raises(LedgerError, match="encoding is SQL_ASCII, which can't hold every text"):
        await PostgresLedger(where).open()


async def test_a_database_that_is_made_read_only_is_told_until_it_is_not(
    postgresql: LocalServer,
) -> None:
    where = postgresql.ledger()
    name = name_of(where)
    ledger = PostgresLedger(where)
    await ledger.open()
    try:
        await ledger.record(record("a"))
        postgresql.ask(f"ALTER DATABASE {name} SET default_transaction_read_only=on")
        postgresql.end_sessions(where)
        with pytest.raises(LedgerUnavailable, match="it may only be read"):
            await ledger.record(record("b"))
        assert "it may only be read" in await ledger.check()
        postgresql.ask(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await asyncio.sleep(0.25)
        assert await ledger.check() == ""
        assert (await ledger.record(record("b"))).kind == "new"
    finally:
        await ledger.close()


async def test_a_database_that_takes_no_sessions_is_told_by_our_lines_alone(
    postgresql: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    where = postgresql.ledger()
    ledger = PostgresLedger(where)
    await ledger.open()
    postgresql.ask(f"ALTER DATABASE {name_of(where)} ALLOW_CONNECTIONS false")
    postgresql.end_sessions(where)
    with contextlib.suppress(LedgerUnavailable):
        await ledger.position()  # by the session that was ended
    with pytest.raises(LedgerUnavailable, match="it is not ready for that"):
        await ledger.position()
    with pytest.raises(LedgerUnavailable, match="it is not ready for that"):
        await ledger.record(record("a"))
    assert not caplog.records, "asyncpg says nothing by itself"
    postgresql.ask(f"ALTER DATABASE {name_of(where)} ALLOW_CONNECTIONS true")
    await asyncio.sleep(0.25)
    assert await ledger.check() == ""
    await ledger.close()


async def test_a_server_without_fsync_is_told(postgresql: LocalServer) -> None:
    where = postgresql.ledger()
    for durable in (True, False):
        ledger = PostgresLedger(where, durable=durable)
        with structlog.testing.capture_logs() as lines:
            await ledger.open()
        await ledger.close()
        told = [line for line in lines if line.get("settings") == "fsync=off"]
        assert len(told) == durable
    assert (await look(where))[1] == "fsync=off"


async def test_an_older_copy_ends_the_service(postgresql: LocalServer) -> None:
    where = postgresql.ledger()
    name = name_of(where)
    ledger = PostgresLedger(where)
    await ledger.open()
    await ledger.record(record("a"))
    postgresql.end_sessions(where)
    postgresql.ask(f"CREATE DATABASE {name}_older TEMPLATE {name} STRATEGY file_copy")
    await ledger.record(record("b"))
    postgresql.end_sessions(where)
    postgresql.ask(f"DROP DATABASE {name}")
    with pytest.raises(LedgerUnavailable, match="there is no such database"):
        await ledger.record(record("c"))
    assert ledger.loss is None, "it may come back"
    postgresql.ask(f"ALTER DATABASE {name}_older RENAME TO {name}")
    await asyncio.sleep(0.25)
    assert "is an older state of it" in await ledger.check()
    assert ledger.lost.is_set()
    assert not isinstance(ledger.loss, NodeLost)
    with pytest.raises(LedgerLost, match="is an older state of it"):
        await ledger.record(record("c"))
    await ledger.close()
    await ledger.open()
    assert (await ledger.record(record("b"))).kind == "new", "what was lost may be sent again"
    await ledger.close()


@pytest.mark.drill
async def test_a_dump_restored_is_the_ledger(postgresql: LocalServer, tmp_path: Path) -> None:
    where, copied = postgresql.ledger(), postgresql.database()
    ledger = PostgresLedger(where)
    await ledger.open()
    made = record("a")
    await ledger.record(made)
    await ledger.note("luova", [Remember("key", {"a": 1}, 0)])
    await ledger.close()
    await asyncio.to_thread(_dump_and_restore, postgresql, where, copied, tmp_path / "dump")
    assert (await asyncio.to_thread(verify, copied)).clean
    restored = PostgresLedger(copied)
    await restored.open()
    assert await restored.message(made.message.id) == made.message
    assert (await restored.record(record("a"))).kind == "duplicate"
    await restored.close()


def _dump_and_restore(server: LocalServer, where: Server, copied: Server, file: Path) -> None:
    for command in (
        ["pg_dump", "--format=custom", f"--file={file}", name_of(where)],
        ["pg_restore", "--exit-on-error", f"--dbname={name_of(copied)}", str(file)],
    ):
        subprocess.run(command, env={**os.environ, **server.environment}, check=True)


async def test_rows_that_were_put_back_are_told(postgresql: LocalServer) -> None:
    ledger = PostgresLedger(postgresql.ledger())
    for statement in (
        "UPDATE owner SET written=written-1",
        "UPDATE owner SET epoch=epoch-1",
        "DELETE FROM owner",
    ):
        await ledger.open()
        await ledger.record(record("a"))
        postgresql.ask(statement, name_of(ledger._server))
        with pytest.raises(LedgerLost, match="is an older state of it"):
            await ledger.record(record("b"))
        assert not isinstance(ledger.loss, NodeLost)
        await ledger.close()


async def test_tables_that_are_gone_are_told(
    postgresql: LocalServer,
) -> None:
    ledger = PostgresLedger(postgresql.ledger())
    await ledger.open()
    postgresql.ask("DROP TABLE owner, position", name_of(ledger._server))
    with pytest.raises(LedgerUnavailable, match="its tables are gone"):
        await ledger.record(record("a"))
    with pytest.raises(LedgerUnavailable, match="its tables are gone"):
        await ledger.position()
    await ledger.close()

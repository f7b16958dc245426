"""Migrations of a ledger on a server while nodes of the version before use it: they only add, and
keep nobody from writing.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from exchange.errors import LedgerUnavailable
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql_server import migrate as migrating
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.migrate import MIGRATIONS, migrate, newest_revision
from tests.contracts.rows import record
from tests.postgresql import LocalServer

#: What a node of the version before would meet.
TAKES_AWAY = re.compile(
    r"\b(?:DROP|RENAME|TRUNCATE|DELETE|UPDATE|ALTER COLUMN|ADD CONSTRAINT|UNIQUE INDEX)\b"
    r"|ADD COLUMN (?![^\"]*DEFAULT)"
)
#: In which what takes none is done, or never.
SECONDS = 20.0
_MADE = re.compile(r"CREATE TABLE (\w+)")
_INDEXED = re.compile(r"CREATE (?:UNIQUE )?INDEX \w+ ON (\w+)")


def test_migrations_only_add_so_that_nodes_of_the_version_before_go_on() -> None:
    files = sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))[1:]
    assert len(files) > 5
    for file in files:
        found = TAKES_AWAY.search(file.read_text(encoding="utf-8"))
        assert found is None, f"{file.name}: {found and found[0]}"


def test_an_index_of_a_table_that_was_there_is_made_beside_who_writes() -> None:
    """By `make_indexes`; a plain `CREATE INDEX` keeps everybody from writing until it is made."""
    for file in sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))[1:]:
        text = file.read_text(encoding="utf-8")
        assert set(_INDEXED.findall(text)) <= set(_MADE.findall(text)), file.name
        assert "CREATE INDEX {" not in text, file.name


def as_of(revision: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Know the revisions up to that one alone, as the version did that had it."""
    shutil.copytree(MIGRATIONS, folder)
    for file in (folder / "versions").glob("[0-9]*.py"):
        if file.name[: len(revision)] > revision:
            file.unlink()
    monkeypatch.setattr(migrating, "MIGRATIONS", folder)


@asynccontextmanager
async def session(where: Server) -> AsyncIterator[Any]:
    """A session of somebody else's."""
    opened = await asyncpg.connect(where.url)
    yield opened
    await opened.close()


async def test_nodes_write_while_indexes_are_made_by_one_of_three_after_one_was_ended(
    postgresql: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = postgresql.database()
    with monkeypatch.context() as before:
        as_of("0010", tmp_path / "older", before)
        await migrate(where)
    async with session(where) as other, session(where) as administrator, asyncio.timeout(SECONDS):
        writes = other.transaction()
        await writes.start()
        await other.execute("DELETE FROM message")
        starts = [asyncio.ensure_future(migrate(where)) for _ in range(3)]
        for kind in (asyncio.FIRST_COMPLETED, asyncio.ALL_COMPLETED):
            while not (pid := await administrator.fetchval(_MAKES)):
                await asyncio.sleep(0.02)
            for table in ("message", "delivery", "event"):  # Nobody waits behind it.
                await administrator.execute(f"UPDATE {table} SET id=id")
            if kind == asyncio.FIRST_COMPLETED:
                await administrator.execute("SELECT pg_terminate_backend($1)", pid)
            else:
                await writes.rollback()
            await asyncio.wait(starts, return_when=kind)
        ended = [type(each.exception()) for each in starts]
        assert sorted(ended, key=str) == [type(None), type(None), LedgerUnavailable]
        assert await administrator.fetch(_INVALID) == []
        assert await administrator.fetchval(_REVISION) == newest_revision()
    ledger = PostgresLedger(where)
    await ledger.open()
    assert (await ledger.record(record("after"))).kind == "new"
    await ledger.close()


#: Who makes an index, or takes away what is left of one, and waits for who writes.
_MAKES = (
    "SELECT pid FROM pg_stat_activity WHERE query ~ '^(CREATE|DROP) INDEX CONC' "
    "AND wait_event_type='Lock' AND datname=current_database()"
)
_INVALID = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"
_REVISION = "SELECT version_num FROM alembic_version"


async def test_a_table_that_somebody_holds_is_not_waited_for_with_all_behind(
    postgresql: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = postgresql.database()
    with monkeypatch.context() as before:
        as_of("0002", tmp_path / "older", before)
        await migrate(where)
    monkeypatch.setattr(migrating, "HELD_MILLISECONDS", 50)
    async with session(where) as dump, session(where) as node, asyncio.timeout(SECONDS):
        reads = dump.transaction()
        await reads.start()
        await dump.execute("LOCK TABLE owner IN ACCESS SHARE MODE")
        with monkeypatch.context() as impatient:
            impatient.setattr(migrating, "HELD_SECONDS", 0.0)
            with pytest.raises(LedgerUnavailable, match="another process holds it"):
                await migrate(where)
        upgrade = asyncio.ensure_future(migrate(where))
        while not await node.fetchval(_WAITS):
            await asyncio.sleep(0.005)
        await node.execute("UPDATE owner SET name=name")
        assert not upgrade.done()
        await reads.rollback()
        await upgrade
        assert await node.fetchval(_REVISION) == newest_revision()


#: Who waits for a table that is held.
_WAITS = (
    "SELECT pid FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE owner%' "
    "AND wait_event_type='Lock' AND datname=current_database()"
)

"""A ledger in a file that is carried over to a server: every row, proved against the file's heads,
and written on there.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.cli import app
from exchange.errors import LedgerError, LedgerUnavailable, Owned
from exchange.ports.ledger import Remember
from exchange.storage.ownership import own
from exchange.storage.postgresql import move as move_module
from exchange.storage.postgresql import owner
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql.move import ROWS, move
from exchange.storage.proof.heads_file import head_path
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import record, settlement
from tests.postgresql import LocalServer


async def filled(path: Path) -> SqliteLedger:
    """A closed ledger in which things have happened."""
    ledger = SqliteLedger(path, name="in a file")
    await ledger.open()
    made = [record(f"m-{number}", modes=("push", "mailbox")) for number in range(ROWS + 5)]
    await asyncio.gather(*(ledger.record(each) for each in made))
    await ledger.record(record("m-1"))
    await ledger.record(record("no", state="rejected"))
    for each in made[:9]:
        await ledger.settle(settlement(each, "delivered", ["delivered"]))
    await ledger.note("luova", [Remember("key", {"a": [1, "ä"]}, 0)])
    await ledger.close()
    return ledger


async def test_every_row_is_there_and_the_next_message_follows(
    tmp_path: Path, postgresql: LocalServer
) -> None:
    before, where = await filled(tmp_path / "exchange.db"), postgresql.database()
    arguments = ["move", "--ledger", f"sqlite:///{before.path}", "--to", where.url]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert result.exit_code == 0, result.output
    assert "is carried over to postgresql://postgres@/" in result.output
    name = where.url.partition("@/")[2].partition("?")[0]
    with closing(sqlite3.connect(before.path)) as file:
        tables = file.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
        for (table,) in tables:
            if table not in ("alembic_version", "sqlite_sequence"):
                (rows,) = file.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
                assert postgresql.ask(f"SELECT COUNT(*) FROM {table}", name) == str(rows), table
    after = PostgresLedger(where)
    await after.open()
    assert (after.ownership.node, after.ownership.epoch) == (0, 2)
    assert (await after.recall("luova", ["key"]))["key"].value == {"a": [1, "ä"]}
    assert (await after.record(record("m-1"))).kind == "duplicate"
    last = await after.position()
    assert (await after.record(record("new"))).kind == "new"
    assert await after.position() == last + 1
    await after.close()
    assert (await after.verify(head_path(before.path))).clean


async def test_nothing_is_carried_over_to_somebodys_ledger_or_while_it_is_served(
    tmp_path: Path, postgresql: LocalServer
) -> None:
    before, other = await filled(tmp_path / "exchange.db"), PostgresLedger(postgresql.ledger())
    await other.open()
    await other.close()
    with pytest.raises(LedgerError, match="is somebody's ledger already"):
        await asyncio.to_thread(move, before.path, other._server)
    with own(before.path, "a test", 0), pytest.raises(Owned):
        await asyncio.to_thread(move, before.path, postgresql.database())


async def test_who_serves_meanwhile_waits(
    tmp_path: Path, postgresql: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, where = await filled(tmp_path / "exchange.db"), postgresql.ledger()
    monkeypatch.setattr(owner, "WAIT_MILLISECONDS", 100)
    tables, told = move_module._tables, []

    def served_meanwhile(file: sqlite3.Connection) -> list[str]:
        with pytest.raises(LedgerUnavailable) as refused:
            asyncio.run(PostgresLedger(where).open())
        told.append(str(refused.value))
        return tables(file)

    monkeypatch.setattr(move_module, "_tables", served_meanwhile)
    assert (await asyncio.to_thread(move, before.path, where)).clean
    assert "another process holds it" in told[0]


async def test_a_file_that_was_changed_is_told_after_it_was_carried_over(
    tmp_path: Path, postgresql: LocalServer
) -> None:
    before = await filled(tmp_path / "exchange.db")
    with closing(sqlite3.connect(before.path)) as file:
        file.execute("DELETE FROM event WHERE kind='delivered'")
        file.commit()
    assert not (await asyncio.to_thread(move, before.path, postgresql.database())).clean

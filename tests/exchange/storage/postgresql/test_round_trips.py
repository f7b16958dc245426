"""Committing, forgetting and proving take as many statements however much there is: to a server
each is a round trip, and committing and forgetting keep all nodes from writing meanwhile. So
insertions that nothing comes between are one statement, and links are joined many at once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from exchange.ports.ledger import Old, Remember
from exchange.storage.commit import record_all
from exchange.storage.connection import Connection, connect, insert
from exchange.storage.counters.sums import Totals
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.postgresql import writer
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql_server.snapshot import session
from exchange.storage.proof.chain import Additions, entries_between, last_given, unlinked
from exchange.storage.proof.dropped_events import leave_digests
from exchange.storage.retention import drop_bodies, drop_messages
from tests.contracts.rows import record, settlement
from tests.postgresql import LocalServer

EVERYTHING = Old(1 << 62, 1 << 62)
#: A hundred rows go into a file by three statements (see `connection.chunks`), ten by two; there
#: are some such statements.
FEW, MANY, CHUNKS = 10, 100, 20


@contextmanager
def ledger(path: Path, messages: int) -> Iterator[sqlite3.Connection]:
    """Settled messages, each with its answer remembered, of a commit of its own."""
    migrate_sqlite(path)
    with closing(connect(path)) as connection:
        link = unlinked(0, 1)
        for number in range(messages):
            made = record(str(number), items_told={"case": [str(number)]})
            made.deliveries = [each._replace(state="delivered") for each in made.deliveries]
            made.items_told = {"case": [str(number)]}
            additions = Additions(last_given(connection))
            record_all(connection, [made], 1, Totals(), additions)
            link = additions.write(connection, link)
        yield connection


def statements(path: Path, messages: int, do: Callable[[sqlite3.Connection], Any]) -> int:
    """How many statements something takes with so many messages."""
    told: list[str] = []
    with ledger(path / f"{messages}.db", messages) as connection:
        connection.set_trace_callback(told.append)
        do(connection)
        connection.set_trace_callback(None)
    return len(told)


def test_forgetting_many_messages_takes_as_many_statements_as_few(tmp_path: Path) -> None:
    def forget(connection: sqlite3.Connection) -> None:
        dropped = drop_messages(connection, EVERYTHING, MANY, Additions(last_given(connection)))
        assert dropped.messages == dropped.bodies > 0
        assert connection.execute("SELECT COUNT(*) FROM memory").fetchone() == (0,)
        assert connection.execute("SELECT COUNT(*),MIN(since) FROM chain").fetchone() == (1, 1)

    few, many = (statements(tmp_path, each, forget) for each in (FEW, MANY))
    assert many - few <= CHUNKS, (few, many)


def test_forgetting_many_bodies_takes_as_many_statements_as_few(tmp_path: Path) -> None:
    def forget(connection: sqlite3.Connection) -> None:
        assert drop_bodies(connection, EVERYTHING, MANY) > 0

    few, many = (statements(tmp_path, each, forget) for each in (FEW, MANY))
    assert many - few <= CHUNKS, (few, many)


def test_proving_many_messages_takes_as_many_statements_as_few(tmp_path: Path) -> None:
    def prove(connection: sqlite3.Connection) -> None:
        assert entries_between(connection, 1, 1 << 62)

    few, many = (statements(tmp_path, each, prove) for each in (FEW, MANY))
    assert many - few <= CHUNKS, (few, many)


def test_links_are_joined_with_their_neighbours_alone(tmp_path: Path) -> None:
    with ledger(tmp_path / "exchange.db", 7) as connection:
        # (Each commit has one event, of its own number.)
        leave_digests(connection, [3, 5])
        leave_digests(connection, [2, 6])
        left = connection.execute("SELECT since,number FROM chain ORDER BY number").fetchall()
    assert left == [(1, 1), (2, 3), (4, 4), (5, 6), (7, 7)]


@asynccontextmanager
async def asked(server: LocalServer) -> AsyncIterator[tuple[PostgresLedger, list[str]]]:
    """An open ledger, and what its writing session asks of the server from now on."""
    ledger, told = PostgresLedger(server.ledger()), list[str]()
    await ledger.open()
    try:
        # The first commit of all asks for more.
        first = record("first", remember=[Remember("first", 1)])
        assert (await ledger.record(first)).kind == "new"
        ledger._writer._owner._connection.add_query_logger(lambda asked: told.append(asked.query))
        yield ledger, told
    finally:
        await ledger.close()


async def test_a_message_and_its_delivery_take_five_round_trips_each(
    postgresql: LocalServer,
) -> None:
    async with asked(postgresql) as (ledger, told):
        made = [record(str(number)) for number in range(10)]
        await asyncio.gather(*(ledger.record(each) for each in made))
        recorded = len(told)
        ends = (settlement(each, "delivered", ["delivered"]) for each in made)
        assert all(await asyncio.gather(*(ledger.settle(each) for each in ends)))
    # The turn, what was given, messages (or ends), all other rows, COMMIT.
    assert (recorded, len(told)) == (5, 10), told


async def test_where_many_came_together_more_are_waited_for_a_moment(
    postgresql: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "GATHER_SECONDS", 0.5)
    async with asked(postgresql) as (ledger, told):
        await asyncio.gather(*(ledger.record(record(f"m-{n}")) for n in range(writer.SIBLINGS)))
        first = asyncio.create_task(ledger.record(record("first")))
        await asyncio.sleep(0.05)
        await asyncio.gather(first, ledger.record(record("second")))
        assert told.count("COMMIT") == 2, told
        # Now few came together: nobody waits.
        monkeypatch.setattr(writer, "GATHER_SECONDS", 20)
        async with asyncio.timeout(10):
            await ledger.record(record("third"))
    assert told.count("COMMIT") == 3, told


async def test_what_messages_remember_takes_one_round_trip_more(postgresql: LocalServer) -> None:
    async with asked(postgresql) as (ledger, told):
        made = [
            record(str(number), remember=[Remember(f"{number}/{key}", key) for key in range(5)])
            for number in range(10)
        ]
        await asyncio.gather(*(ledger.record(each) for each in made))
    assert len(told) == 6, told


async def test_a_turn_is_taken_and_ended_without_a_commit_of_the_writer(
    postgresql: LocalServer,
) -> None:
    async with asked(postgresql) as (ledger, told):
        turn = await ledger.take_turn("income-register", "kela")
        assert await ledger.read(_turns) == [(turn,)]
        await ledger.end_turn(turn)
        assert await ledger.read(_turns) == []
        assert await ledger.read(_waits) == [("off",)], "nor for the disk, nor for a standby"
    assert told == []


def _turns(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT number FROM turn").fetchall()


def _waits(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT current_setting('synchronous_commit')").fetchall()


async def test_a_commit_goes_by_indexes_however_small_the_tables_are(
    postgresql: LocalServer,
) -> None:
    """Plans are kept: one made for an empty table must do when it is large."""
    async with asked(postgresql) as (ledger, _):
        connection = ledger._writer._owner._connection
        for statement in (
            "UPDATE delivery SET attempts=0 FROM unnest($1::bigint[]) AS ended(id) "
            "WHERE delivery.id=ended.id",
            "SELECT memory.key FROM unnest($1::bigint[]) AS wanted(key) "
            "JOIN memory ON memory.channel='luova' AND memory.key=wanted.key::text",
        ):
            told = await connection.fetch(f"EXPLAIN {statement}", [*range(MANY)])
            plan = "\n".join(line for (line,) in told)
            assert "Nested Loop" in plan, plan
            assert "Index Scan" in plan, plan
        assert await connection.fetchval("SHOW plan_cache_mode") == "force_generic_plan"


def test_insertions_that_were_put_off_come_before_what_follows_them(
    postgresql: LocalServer,
) -> None:
    last = "ON CONFLICT(id) DO UPDATE SET last=kept.last+excluded.last"
    turn = [(7, "luova", "dvv", 0)]
    with session(postgresql.ledger(), "a test") as there:

        def found() -> list[tuple[int, int]]:
            query = "SELECT number,(SELECT last FROM position) FROM turn"
            return [tuple(row) for row in there.execute(query)]

        with there.putting_off():
            insert(there, "position", "id,last", [(1, 1)], last)
            insert(there, "turn", "number,channel,sender,node", turn)
            insert(there, "position", "id,last", [(1, 2)], last)
            assert found() == [(7, 3)]
            # (The first of each table asks for its columns.)
            insert(there, "position", "id,last", [(1, 4)], last)
            insert(there, "position", "id,last", [(1, 8)], last)
        assert found() == [(7, 15)]
        insert(there, "position", "id,last", [(1, 16)], last)
        assert found() == [(7, 31)]

"""The ledger on PostgreSQL where it differs from SQLite: who owns a node, what a failing network
does, what the migration makes.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlmodel import SQLModel

from exchange.errors import LedgerError, LedgerLost, LedgerUnavailable, Owned
from exchange.storage import tables
from exchange.storage.counters import tables as counter_tables
from exchange.storage.operators import tables as operator_tables
from exchange.storage.postgresql import owner, writer
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.connection import translated
from exchange.storage.postgresql_server.errors import ledger_error
from exchange.storage.proof.verify import verify
from tests.contracts.rows import record, settlement
from tests.postgresql import LocalServer


@pytest.fixture
async def ledger(postgresql: LocalServer) -> AsyncIterator[PostgresLedger]:
    """An open, empty ledger."""
    opened = PostgresLedger(postgresql.ledger(), node=0, name="the first")
    await opened.open()
    yield opened
    await opened.close()


class Proxy:
    """Stands between a ledger and its server; cuts the connection at a COMMIT when told to."""

    def __init__(self, server: LocalServer) -> None:
        self._socket = server.folder / ".s.PGSQL.5432"
        #: Where the next COMMIT is cut: before it reaches the server, or after its answer.
        self.cut = ""
        self._listening: asyncio.Server

    @contextlib.asynccontextmanager
    async def before(self, where: Server) -> AsyncIterator[Server]:
        """Listen; the address of the ledger through it."""
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._listening.sockets[0].getsockname()[1]
        database = where.url.partition("@/")[2].partition("?")[0]
        async with self._listening:
            yield Server(f"postgresql://postgres@127.0.0.1:{port}/{database}")

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._socket))
        ends = [
            asyncio.ensure_future(self._requests(client, writer, reader)),
            asyncio.ensure_future(self._answers(reader, answer)),
        ]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for each in ends:
            each.cancel()
        writer.close()
        answer.close()

    async def _requests(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter, _: asyncio.StreamReader
    ) -> None:
        while part := await client.read(65_536):
            if b"COMMIT" in part and self.cut:
                where, self.cut = self.cut, ""
                if where == "after":
                    server.write(part)
                    await server.drain()
                    self.swallows = True
                    await asyncio.sleep(0.2)
                return
            server.write(self._passed_on(part))
            await server.drain()

    def _passed_on(self, part: bytes) -> bytes:
        return part

    swallows = False

    async def _answers(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while part := await server.read(65_536):
            if self.swallows:
                self.swallows = False
                return
            client.write(part)
            await client.drain()


async def test_a_commit_whose_answer_is_lost_is_asked_for_and_not_guessed(
    postgresql: LocalServer,
) -> None:
    proxy, where = Proxy(postgresql), postgresql.ledger()
    async with proxy.before(where) as through:
        ledger = PostgresLedger(through)
        await ledger.open()
        made, lost = record("a"), record("b")
        proxy.cut = "after"
        assert (await ledger.record(made)).kind == "new", "the server had committed it"
        proxy.cut = "before"
        with pytest.raises(LedgerUnavailable):
            await ledger.record(lost)
        assert not proxy.cut, "both were cut"
        assert await ledger.check() == ""
        assert await ledger.message(made.message.id) == made.message
        assert await ledger.message(lost.message.id) is None
        assert (await ledger.record(record("b"))).kind == "new"
        assert await ledger.position() == 2
        await ledger.close()
    assert (await asyncio.to_thread(verify, where)).clean


class Pooler(Proxy):
    """Passes on no setting of a session that it does not know, as pgbouncer does when it is told to
    ignore them.
    """

    def _passed_on(self, part: bytes) -> bytes:
        dropped = b"client_min_messages\0warning\0"
        if dropped not in part:
            return part
        rest = part[4:].replace(dropped, b"")
        return (len(rest) + 4).to_bytes(4, "big") + rest


async def test_a_pooler_is_refused_by_name(postgresql: LocalServer) -> None:
    async with Pooler(postgresql).before(postgresql.ledger()) as through:
        with pytest.raises(LedgerError, match="pgbouncer, say") as refused:
            await PostgresLedger(through).open()
    assert not isinstance(refused.value, LedgerUnavailable), "nothing to wait for"
    said = asyncpg.ProtocolViolationError("unsupported startup parameter: tcp_keepalives_idle")
    assert "pgbouncer, say" in str(ledger_error("db", said))


async def test_a_node_has_one_owner_and_who_comes_second_is_told(ledger: PostgresLedger) -> None:
    second = PostgresLedger(ledger._server, node=0, name="the second")
    with pytest.raises(Owned, match=r"node 0 of the ledger .* is owned by the first since"):
        await second.open()
    await ledger.close()
    await second.open()
    assert (second.ownership.node, second.ownership.epoch) == (0, 2)
    await second.close()


async def test_a_session_that_the_server_ended_is_made_anew(
    ledger: PostgresLedger, postgresql: LocalServer
) -> None:
    await ledger.record(record("a"))
    postgresql.end_sessions(ledger._server)
    made = record("b")
    assert (await ledger.record(made)).kind == "new"
    assert await ledger.message(made.message.id) == made.message
    assert ledger.ownership.epoch == 1
    assert (await ledger.verify()).clean


async def test_who_lost_its_node_meanwhile_writes_nothing_more(
    ledger: PostgresLedger, postgresql: LocalServer
) -> None:
    postgresql.end_sessions(ledger._server)
    second = PostgresLedger(ledger._server, node=0, name="the second")
    await second.open()
    made = record("late")
    with pytest.raises(LedgerLost, match="another process's now"):
        await ledger.record(made)
    assert ledger.lost.is_set()
    with pytest.raises(LedgerLost):
        await ledger.record(record("later"))
    assert await second.message(made.message.id) is None
    assert (await second.record(record("b"))).kind == "new"
    await second.close()
    assert (await second.verify()).clean


async def test_a_ledger_is_tried_where_nothing_was_written_and_once_however_many_ask(
    ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, begun = owner.Owner.begin_transaction, 0

    async def counted(own: owner.Owner) -> int:
        nonlocal begun
        begun += 1
        return await begin(own)

    monkeypatch.setattr(owner.Owner, "begin_transaction", counted)
    await ledger.record(record("a"))
    assert (await ledger.check(60), begun) == ("", 1), "it has just been written"
    monkeypatch.setattr(writer, "PROBE_SECONDS", 60)
    assert [await ledger.check(0) for _ in range(3)] == [""] * 3
    assert begun == 2, "who asks second is told what is known"
    monkeypatch.setattr(writer, "PROBE_SECONDS", 0)
    async with ledger._writer._turn:
        assert await ledger.check(0) == "", "a commit that is under way tells"
    assert begun == 2


@pytest.mark.drill
async def test_a_server_that_is_gone_is_told_and_written_to_when_it_is_back() -> None:
    from tests.postgresql import local_server

    server = await asyncio.to_thread(local_server)
    try:
        ledger = PostgresLedger(server.ledger())
        await ledger.open()
        await ledger.record(record("a"))
        await asyncio.to_thread(server.stop, at_once=True)
        for _ in range(2):
            with pytest.raises(LedgerUnavailable):
                await ledger.record(record("b"))
        with pytest.raises(LedgerUnavailable):
            await ledger.position()
        assert ledger.refusal
        assert await ledger.check()
        await asyncio.to_thread(server.start)
        await asyncio.sleep(0.3)
        assert await ledger.check() == ""
        assert (await ledger.record(record("b"))).kind == "new"
        assert await ledger.position() == 2
        await ledger.close()
        assert (await ledger.verify()).clean
    finally:
        await asyncio.to_thread(server.remove)


async def test_nodes_that_write_at_once_give_one_order_and_count_everything_once(
    postgresql: LocalServer,
) -> None:
    where = postgresql.ledger()
    nodes = [PostgresLedger(where, node=node) for node in range(3)]
    for node in nodes:
        await node.open()
    twice = [record(f"same-{number}") for number in range(10)]
    again = [record(f"same-{number}") for number in range(9, -1, -1)]
    made = [[record(f"{node}-{number}") for number in range(30)] for node in range(2)]
    kinds = await asyncio.gather(
        *(nodes[0].record(each) for each in [*made[0], *twice]),
        *(nodes[1].record(each) for each in [*made[1], *again]),
        *(nodes[2].compact(2, 5) for _ in range(5)),
    )
    told = [each.kind for each in kinds if not isinstance(each, bool)]
    assert (told.count("new"), told.count("duplicate")) == (70, 10)
    await asyncio.gather(
        *(
            nodes[number % 2].settle(settlement(each, "delivered", ["delivered"]))
            for number, each in enumerate(made[0])
        )
    )
    assert await nodes[0].position() == 70
    daily = {kind: count for (kind,), count, *_ in await nodes[0].totals(("kind",), daily=True)}
    assert daily == {
        "received": 80, "accepted": 70, "duplicate": 10, "queued": 70, "delivered": 30,
    }  # fmt: skip
    # What was counted in a minute that was folded already is folded with the next run.
    assert await nodes[2].compact(2, 1000) is False
    for node in nodes:
        await node.close()
    found = await nodes[0].verify()
    assert found.clean, [check for check in found.checks if check.broken]


async def test_what_a_text_can_not_hold_there_harms_nobody_else(ledger: PostgresLedger) -> None:
    good, bad = record("good"), record("b\0d")
    done = await asyncio.gather(ledger.record(bad), ledger.record(good), return_exceptions=True)
    assert isinstance(done[0], LedgerError)
    assert not isinstance(done[0], LedgerUnavailable), "it is about what was asked"
    assert done[1].kind == "new"  # type: ignore[union-attr]
    assert ledger.refusal == ""


async def test_a_database_of_something_else_is_no_ledger(postgresql: LocalServer) -> None:
    where = postgresql.database()
    with pytest.raises(LedgerError, match="holds nothing"):
        await asyncio.to_thread(verify, where)
    name = where.url.partition("@/")[2].partition("?")[0]
    await asyncio.to_thread(postgresql.ask, "CREATE TABLE other(id int)", name)
    with pytest.raises(LedgerError, match="is a database, but no ledger"):
        await PostgresLedger(where).open()
    with pytest.raises(LedgerUnavailable, match="there is no such database"):
        await PostgresLedger(Server(postgresql.url("nowhere"))).open()


def test_the_migrations_make_the_tables_that_are_declared(postgresql: LocalServer) -> None:
    declaring = (tables.Message, counter_tables.Counter, operator_tables.Audit)
    assert all(each.metadata is SQLModel.metadata for each in declaring)
    name = postgresql.ledger().url.partition("@/")[2].partition("?")[0]
    columns = postgresql.ask(
        "SELECT table_name||'.'||column_name||' '||is_nullable FROM information_schema.columns "
        "WHERE table_schema='public' ORDER BY 1",
        name,
    ).split("\n")
    declared = {
        f"{table.name}.{column.name} {'YES' if column.nullable else 'NO'}"
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
    }
    extra = {"alembic_version.version_num NO", "operator_key.rowid NO", "owner.written NO"}
    extra |= {f"node_lease.{name} NO" for name in ("node", "epoch", "delivers", "until")}
    extra |= {f"lane_lease.{name} NO" for name in ("lane", "node", "epoch")}
    assert set(columns) == declared | extra
    indexes = postgresql.ask("SELECT indexname FROM pg_indexes WHERE schemaname='public'", name)
    wanted = {
        str(index.name) for table in SQLModel.metadata.tables.values() for index in table.indexes
    }
    assert {each for each in indexes.split("\n") if not each.endswith(("_pkey", "_pkc"))} == wanted


def test_the_embedded_ledger_imports_nothing_of_postgresql() -> None:
    code = (
        "import sys, exchange.assembly, exchange.cli.serving.serve, exchange.cli.verify\n"
        "sys.exit(bool({'asyncpg', 'sqlalchemy'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_an_address_tells_has_no_password() -> None:
    server = Server("postgresql://exchange:secret@db1,db2/ledger?password=secret")
    assert str(server) == "postgresql://exchange@db1,db2/ledger"
    assert "secret" not in repr(server)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1 WHERE a=? AND b IN (?,?)", "SELECT 1 WHERE a=$1 AND b IN ($2,$3)"),
        ("SELECT '?' WHERE a=?2 AND b=?1", "SELECT '?' WHERE a=$2 AND b=$1"),
        ("FROM body CROSS JOIN message ON 1=1", "FROM body JOIN message ON 1=1"),
        ("FROM a CROSS JOIN b WHERE +message.id<?", "FROM a CROSS JOIN b WHERE message.id<$1"),
        ("SELECT a+b, 1 +c FROM d", "SELECT a+b, 1 +c FROM d"),
    ],
)
def test_marks_of_values_and_hints_are_translated(statement: str, expected: str) -> None:
    assert translated(statement) == expected


async def test_a_transaction_waits_for_another_nodes_turn(
    ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "WAIT_MILLISECONDS", 200)
    second = PostgresLedger(ledger._server, node=1)
    await second.open()
    stands = asyncio.Event()
    held = asyncio.ensure_future(_hold(ledger, stands))
    await stands.wait()
    with pytest.raises(LedgerUnavailable, match="another process holds it"):
        await second.record(record("waits"))
    await held
    assert await second.check() == ""
    assert (await second.record(record("waits"))).kind == "new"
    await second.close()


async def _hold(ledger: PostgresLedger, stands: asyncio.Event) -> None:
    """Hold the turn to write for a second."""
    own = ledger._writer._owner
    assert own is not None
    number = await own.begin_transaction()
    stands.set()
    await asyncio.sleep(1)
    await own.commit(number)

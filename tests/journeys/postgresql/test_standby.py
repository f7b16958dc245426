"""An exchange on a PostgreSQL server that a standby follows: the standby is promoted under load, a
commit whose answer is lost is not taken for another's, and who may only read is told so.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from exchange.errors import LedgerUnavailable
from exchange.ports.verification import Check
from exchange.storage.connection import Connection
from exchange.storage.nodes.server import ServerNodes
from exchange.storage.postgresql import owner
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql_server.address import Server
from exchange.storage.proof import verify as proof
from exchange.storage.proof.verify import verify
from tests.contracts.rows import record
from tests.drills.server import within
from tests.exchange.storage.postgresql.test_ledger import Proxy
from tests.journeys.postgresql.test_killed import serve_through
from tests.journeys.shell import free_port
from tests.journeys.test_one_owner import complaint
from tests.postgresql import (
    DOCKER,
    LocalServer,
    LocalStandby,
    local_server,
    local_standby,
    name_of,
)

pytestmark = pytest.mark.drill

#: Source: linux/asm-generic/socket.h, linux/bpf_common.h (BPF_RET | BPF_K).
SO_ATTACH_FILTER, BPF_RETURN = 26, 0x06
#: Until when a machine is missed that says nothing more, in seconds.
GONE_SECONDS = 30.0


@pytest.fixture
def pair() -> Iterator[tuple[LocalServer, LocalStandby]]:
    """A server and its standby."""
    primary = local_server()
    standby = local_standby(primary)
    yield primary, standby
    standby.remove()
    primary.remove()


async def test_a_promoted_standby_has_all_that_was_acknowledged_and_is_written_to(
    pair: tuple[LocalServer, LocalStandby],
) -> None:
    primary, standby = pair
    where = Server(primary.url(_name(primary), standby))
    lose = partial(primary.stop, at_once=True)
    await serve_through(where, 2, lose, standby, standby.promote)


class Vanishing(Proxy):
    """A server whose machine loses its power: what is sent there is not even acknowledged."""

    def __init__(self, server: LocalServer) -> None:
        super().__init__(server)
        self._sockets: list[socket.socket] = []

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        self._sockets.append(answer.get_extra_info("socket"))
        await super()._serve(client, answer)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.sockets[0].getsockname()[1])

    def vanish(self) -> None:
        """Have the kernel drop all that comes, before TCP sees it (SO_ATTACH_FILTER, socket(7))."""
        nothing = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RETURN, 0, 0, 0))
        program = struct.pack("HP", 1, ctypes.addressof(nothing))
        for each in (*self._listening.sockets, *self._sockets):
            if each.fileno() >= 0:
                each.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


@pytest.mark.parametrize("seconds", [GONE_SECONDS] if sys.platform == "linux" else [])
async def test_a_machine_that_is_gone_without_a_word_is_not_waited_for(
    seconds: float, pair: tuple[LocalServer, LocalStandby]
) -> None:
    primary, standby = pair
    where = primary.ledger()
    machine = Vanishing(primary)
    async with machine.before(where):
        hosts = f"host=127.0.0.1,{standby.folder}&port={machine.port},5432"
        ledger = PostgresLedger(Server(f"postgresql://postgres@/{name_of(where)}?{hosts}"))
        await ledger.open()
        await ledger.record(record("a"))
        await asyncio.to_thread(standby.catch_up)
        machine.vanish()
        await asyncio.to_thread(standby.promote)
        async with asyncio.timeout(within(seconds)):
            assert (await ledger.record(record("b"))).kind == "new"
        await asyncio.to_thread(primary.stop, at_once=True)
        await ledger.close()
    found = await asyncio.to_thread(verify, Server(standby.url(name_of(where))))
    assert found.clean, [check for check in found.checks if check.broken]


async def _with_a_message(primary: LocalServer) -> str:
    """The name of a new ledger that holds one."""
    name = _name(primary)
    ledger = PostgresLedger(Server(primary.url(name)))
    await ledger.open()
    await ledger.record(record("a"))
    await ledger.close()
    return name


async def test_a_standby_is_looked_into_and_not_served_from(
    pair: tuple[LocalServer, LocalStandby],
) -> None:
    primary, standby = pair
    name = await _with_a_message(primary)
    await asyncio.to_thread(standby.catch_up)
    behind = standby.url(name)
    found = await asyncio.to_thread(verify, Server(behind))
    assert found.clean, [check for check in found.checks if check.broken]
    assert found.channels["luova"]["accepted"] == 1
    code, said = await complaint("serve", "--port", str(free_port()), "--ledger", behind)
    assert (code, said.count("\n")) == (2, 1), said
    assert "it may only be read: a standby" in said


async def test_a_standby_that_ends_a_long_view_does_not_make_the_ledger_broken(
    pair: tuple[LocalServer, LocalStandby], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    primary, standby = pair
    name = await _with_a_message(primary)
    standby.ask("ALTER SYSTEM SET max_standby_streaming_delay=0")
    standby.ask("SELECT pg_reload_conf()")
    await asyncio.to_thread(standby.catch_up)
    look = proof._deliveries

    def looks_for_long(connection: Connection) -> list[Check]:
        connection.execute("SELECT COUNT(*) FROM owner")
        # (The last one's commit takes the vacuum's records along.)
        for statement in ("UPDATE owner SET name=name", "VACUUM owner", "UPDATE owner SET name=''"):
            primary.ask(statement, name)
        standby.catch_up()
        return look(connection)

    where, kept = Server(standby.url(name)), tmp_path / "proved"
    with monkeypatch.context() as long:
        long.setattr(proof, "_deliveries", looks_for_long)
        for resume in (None, kept):
            with pytest.raises(LedgerUnavailable, match=r"the connection failed|was ended"):
                await asyncio.to_thread(verify, where, None, resume)
    found = await asyncio.to_thread(verify, where, None, kept)
    assert found.clean, [check for check in found.checks if check.broken]
    assert any(note.startswith("counters: as found on") for note in found.notes)


async def test_a_commit_that_waits_for_a_standby_has_no_receipt_until_it_is_there(
    pair: tuple[LocalServer, LocalStandby], monkeypatch: pytest.MonkeyPatch
) -> None:
    # (The server ends other statements sooner.)
    monkeypatch.setattr(owner, "ANSWER_SECONDS", 2.0)
    primary, standby = pair
    ledger = PostgresLedger(Server(primary.url(_name(primary))))
    await ledger.open()
    monkeypatch.setattr(owner, "COMMIT_SECONDS", 3.0)
    monkeypatch.setattr(owner, "LINGER_SECONDS", 2.0)
    standby.stop(at_once=True)
    made = record("a")
    with pytest.raises(LedgerUnavailable, match="waits for its disk, or for a standby"):
        await ledger.record(made)
    async with asyncio.timeout(within(1.5)):
        assert await ledger.check(), "it is not ready, and says so at once"
    await asyncio.to_thread(standby.start)
    async with asyncio.timeout(within(10)):
        while await ledger.check():
            await asyncio.sleep(0.05)
    again = await ledger.record(record("a"))
    assert again.kind == "duplicate", "the commit came to its end with the standby"
    assert again.original is not None
    assert again.original.id == made.message.id
    await ledger.close()
    assert (await ledger.verify()).clean


async def test_a_commit_that_the_promoted_standby_never_got_is_not_taken_for_anothers(
    pair: tuple[LocalServer, LocalStandby],
) -> None:
    primary, standby = pair
    name = _name(primary)
    first = PostgresLedger(Server(primary.url(name, standby)), node=0)
    await first.open()
    await first.record(record("a"))
    own = first._writer._owner
    assert own is not None
    # (As a network that fails would: the standby gets nothing more, and nobody waits for it.)
    primary.ask("ALTER SYSTEM SET synchronous_standby_names=''")
    primary.ask("SELECT pg_reload_conf()")
    standby.ask("ALTER SYSTEM SET primary_conninfo=''")
    standby.ask("SELECT pg_reload_conf()")
    await asyncio.to_thread(_until_unfollowed, primary)
    lost = await own.begin_transaction()
    assert lost is not None
    number = await own._connection.fetchval("SELECT pg_current_xact_id()::text")
    await asyncio.to_thread(primary.stop, at_once=True)
    await asyncio.to_thread(standby.promote)
    second = PostgresLedger(Server(standby.url(name)), node=1)
    await second.open()
    while int(standby.ask("SELECT pg_current_xact_id()", name)) <= int(number):
        pass
    assert standby.ask(f"SELECT pg_xact_status('{number}')", name) == "committed", "another's"
    with pytest.raises(LedgerUnavailable):
        await own.commit(lost)
    assert (await first.record(record("b"))).kind == "new"
    await first.close()
    await second.close()


async def test_a_containers_server_has_the_exchanges_database_and_lets_a_standby_in() -> None:
    server = await asyncio.to_thread(local_server)
    try:
        given = {
            "PGDATA": str(server.data),
            "POSTGRES_USER": "postgres",
            "LEDGER_PASSWORD": "it's",
        }
        environment = server.environment | given
        await asyncio.to_thread(
            subprocess.run, ["sh", DOCKER / "first-start.sh"], env=environment, check=True
        )
        assert (
            (server.data / "pg_hba.conf")
            .read_text()
            .endswith("\nhost replication postgres all scram-sha-256\n")
        )
        ledger = PostgresLedger(Server(f"postgresql://exchange@/exchange?host={server.folder}"))
        await ledger.open()
        assert (await ledger.record(record("a"))).kind == "new"
        assert (await ServerNodes(ledger).look(0)).standbys == [], "it may see them"
        await ledger.close()
    finally:
        await asyncio.to_thread(server.remove)


def _name(server: LocalServer) -> str:
    """The name of a new ledger's database."""
    return server.ledger().url.partition("@/")[2].partition("?")[0]


def _until_unfollowed(primary: LocalServer) -> None:
    while primary.ask("SELECT COUNT(*) FROM pg_stat_replication") != "0":
        pass

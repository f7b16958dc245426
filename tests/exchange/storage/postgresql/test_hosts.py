"""Several hosts in the address of a ledger: which one is taken, and one that says nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from exchange.errors import LedgerUnavailable
from exchange.storage.postgresql import ledger as server_ledger
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql_server import session
from exchange.storage.postgresql_server.address import Server
from tests.contracts.rows import record
from tests.exchange.storage.postgresql.test_ledger import Proxy
from tests.postgresql import LocalServer, name_of


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a host that says nothing, as a machine that is gone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


@pytest.fixture
def closed(silent: int) -> Iterator[int]:
    """A port at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


def after(port: int, server: LocalServer, database: str) -> Server:
    """The address of a database on a server, after another host."""
    hosts = f"host=127.0.0.1,{server.folder}&port={port},5432"
    return Server(f"postgresql://postgres@/{database}?{hosts}")


async def test_a_silent_host_is_not_waited_for(
    postgresql: LocalServer, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "NEXT_SECONDS", 0.05)
    for each in (session, server_ledger):
        monkeypatch.setattr(each, "CONNECT_SECONDS", 3600.0)
    where = postgresql.ledger()
    ledger = PostgresLedger(after(silent, postgresql, name_of(where)))
    async with asyncio.timeout(60):
        await ledger.open()
        assert (await ledger.record(record("a"))).kind == "new"
        postgresql.end_sessions(where)
        assert (await ledger.record(record("b"))).kind == "new"
        assert await ledger.position() == 2
    await ledger.close()


@pytest.mark.parametrize(
    ("database", "said"),
    [("nowhere", "there is no such database"), ("", "Connect call failed")],
    ids=["no database", "a standby"],
)
async def test_of_errors_what_tells_most_is_told(
    postgresql: LocalServer, closed: int, database: str, said: str
) -> None:
    if not database:
        database = name_of(postgresql.ledger())
        postgresql.ask(f"ALTER DATABASE {database} SET default_transaction_read_only=on")
    with pytest.raises(LedgerUnavailable, match=said):
        await PostgresLedger(after(closed, postgresql, database)).open()


async def test_a_session_misses_its_server(postgresql: LocalServer) -> None:
    async with Proxy(postgresql).before(postgresql.ledger()) as through:
        ledger = PostgresLedger(through)
        await ledger.open()
        own = ledger._writer._owner
        assert own is not None
        for used in (_socket(own.session), await ledger.read(_socket)):
            assert used.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert used.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
        await ledger.close()


def _socket(session: Any) -> Any:
    """What a query comes by."""
    return session._connection._transport.get_extra_info("socket")


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://u@db/x", ["postgresql://u@db/x"]),
        ("postgresql:///x", ["postgresql:///x"]),
        (
            "postgresql://u:p@a:1,[::1]:2/x?sslmode=require",
            [
                "postgresql://u:p@a:1/x?sslmode=require",
                "postgresql://u:p@[::1]:2/x?sslmode=require",
            ],
        ),
        (
            "postgresql://u@/x?host=a,/b&port=1,2",
            ["postgresql://u@/x?host=a&port=1", "postgresql://u@/x?host=%2Fb&port=2"],
        ),
        (
            "postgresql://u@/x?host=a,b&port=1",
            ["postgresql://u@/x?host=a&port=1", "postgresql://u@/x?host=b&port=1"],
        ),
    ],
)
def test_an_address_by_each_of_its_hosts(url: str, hosts: list[str]) -> None:
    assert Server(url).hosts == hosts

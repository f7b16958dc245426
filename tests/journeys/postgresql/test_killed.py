"""An exchange on PostgreSQL as real processes: a kill of the exchange or of the server loses
nothing that was acknowledged.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Callable, Iterator
from functools import partial

import aiohttp
import pytest

from exchange.errors import Owned
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql_server.address import Server
from exchange.storage.proof.verify import verify
from tests.drills.server import within
from tests.journeys.shell import free_port
from tests.journeys.test_one_owner import Served, served
from tests.postgresql import LocalServer, local_server

SENDERS = 8
#: Until how long after a server takes sessions again a message is accepted, in seconds.
AGAIN_SECONDS = 5.0


class Traffic:
    """Senders that send one message after another; what was acknowledged."""

    def __init__(self, running: Served, session: aiohttp.ClientSession, name: str) -> None:
        self.acknowledged: list[str] = []
        self.refused = 0
        self._running, self._session = running, session
        names = (f"{name}-{number}" for number in itertools.count())
        self._tasks = [asyncio.ensure_future(self._send(names)) for _ in range(SENDERS)]

    async def _send(self, names: Iterator[str]) -> None:
        for name in names:
            status = await self._running.send(self._session, name)
            if status == 202:
                self.acknowledged.append(name)
            else:
                self.refused += 1
                await asyncio.sleep(0.02)

    async def until(self, messages: int) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + messages
        async with asyncio.timeout(60):
            while len(self.acknowledged) < wanted:
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def stored(server: LocalServer, where: Server) -> set[str]:
    """The senders' ids of all messages that are accepted."""
    name = where.url.partition("@/")[2].partition("?")[0]
    told = server.ask("SELECT sender_message_id FROM message WHERE state='accepted'", name)
    return set(told.split("\n"))


async def serve_through(
    where: Server,
    workers: int,
    lose: Callable[[], None],
    then: LocalServer,
    come_back: Callable[[], None],
) -> None:
    """Send while the server is lost and comes back, perhaps as another one: `then` has all that was
    acknowledged.
    """
    port = free_port()
    async with aiohttp.ClientSession() as session, served(where.url, port, workers) as running:
        await running.ready(session)
        traffic = Traffic(running, session, "mail")
        await traffic.until(50)
        await asyncio.to_thread(lose)
        await running.ready(session, 503)
        before = len(traffic.acknowledged)
        await asyncio.to_thread(come_back)
        async with asyncio.timeout(within(AGAIN_SECONDS)):
            while len(traffic.acknowledged) < before + 10:
                await asyncio.sleep(0.01)
        await traffic.until(50)
        await traffic.end()
        assert traffic.refused, "calls were refused while there was no server"
        running.process.send_signal(signal.SIGTERM)
        assert await running.process.wait() == 0
    assert set(traffic.acknowledged) <= stored(then, where)
    found = await asyncio.to_thread(verify, where)
    assert found.clean, [check for check in found.checks if check.broken]


@pytest.mark.drill
async def test_a_killed_exchange_loses_nothing_and_the_next_one_is_the_same_node(
    postgresql: LocalServer,
) -> None:
    where, port = postgresql.ledger(), free_port()
    acknowledged: list[str] = []
    async with aiohttp.ClientSession() as session:
        for life in range(2):
            async with served(where.url, port) as running:
                await running.ready(session)
                traffic = Traffic(running, session, f"life-{life}")
                await traffic.until(30)
                running.process.send_signal(signal.SIGKILL)
                await running.process.wait()
                await traffic.end()
                acknowledged += traffic.acknowledged
    assert len(acknowledged) >= 60
    assert set(acknowledged) <= stored(postgresql, where)
    name = where.url.partition("@/")[2].partition("?")[0]
    assert postgresql.ask("SELECT node, epoch FROM owner", name) == "0|2"
    found = await asyncio.to_thread(verify, where)
    assert found.clean, [check for check in found.checks if check.broken]


@pytest.mark.parametrize("workers", [2])
@pytest.mark.drill
async def test_a_killed_server_loses_nothing_and_is_written_to_when_it_is_back(
    workers: int,
) -> None:
    server = await asyncio.to_thread(local_server)
    try:
        where = server.ledger()
        await serve_through(
            where, workers, partial(server.stop, at_once=True), server, server.start
        )
    finally:
        await asyncio.to_thread(server.remove)


@pytest.mark.drill
async def test_a_worker_whose_node_is_anothers_now_is_started_again_as_another_node(
    postgresql: LocalServer,
) -> None:
    where, port = postgresql.ledger(), free_port()
    async with aiohttp.ClientSession() as session, served(where.url, port, 2) as running:
        await running.ready(session)
        traffic = Traffic(running, session, "mail")
        await traffic.until(30)
        nodes = await asyncio.to_thread(_nodes, postgresql)
        assert len(nodes) == 2
        thief = PostgresLedger(where, node=nodes[0], name="another")
        while True:
            await asyncio.to_thread(
                postgresql.ask,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE application_name='exchange writes as node {nodes[0]}'",
            )
            try:
                await thief.open()
                break
            except Owned:
                """The worker has a new session already."""
        async with asyncio.timeout(within(30)):
            while len(now := await asyncio.to_thread(_nodes, postgresql)) < 3:
                await asyncio.sleep(0.1)
        assert set(nodes) < set(now), "the thief, the other worker, and a new node"
        await traffic.until(30)
        await traffic.end()
        await thief.close()
        running.process.send_signal(signal.SIGTERM)
        assert await running.process.wait() == 0
    assert set(traffic.acknowledged) <= stored(postgresql, where)
    found = await asyncio.to_thread(verify, where)
    assert found.clean, [check for check in found.checks if check.broken]


def _nodes(server: LocalServer) -> list[int]:
    """The nodes that write."""
    told = server.ask(
        "SELECT DISTINCT substring(application_name FROM '[0-9]+$')::int FROM pg_stat_activity "
        "WHERE application_name LIKE 'exchange writes as node %' ORDER BY 1"
    )
    return [int(number) for number in told.split()]

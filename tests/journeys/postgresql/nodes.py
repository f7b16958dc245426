"""Nodes with roles on one PostgreSQL ledger, in one process, for tests."""

from __future__ import annotations

import asyncio

from exchange.assembly import Exchange
from exchange.settings import Settings
from tests.exchange.journey.way import Script, Way, channel
from tests.postgresql import LocalServer


class Nodes:
    """Nodes on one ledger whose partners one script plays."""

    def __init__(self, server: LocalServer) -> None:
        self.where = server.ledger()
        self.script = Script()
        self.open: list[Way] = []
        self.poll_seconds = 0.1
        self._server = server

    async def another(self, role: str) -> Way:
        """Open a node."""
        settings = Settings(
            storage={"url": self.where.url},
            server={"role": role},
            deliveries={"first_backoff_seconds": 0.01, "poll_seconds": self.poll_seconds},
        )
        made = channel()
        exchange = Exchange(settings, channels={made.name: made}, transport=self.script)
        await exchange.open()
        node = Way(exchange, made, self.script)
        self.open.append(node)
        return node

    async def close(self, node: Way) -> None:
        """Stop a node in order."""
        self.open.remove(node)
        await node.exchange.close()

    async def own(self, *wanted: int) -> None:
        """Wait until the deliverers, in their order, own as many lanes."""
        async with asyncio.timeout(30):
            while [len(lanes(each)) for each in self.open if lanes(each)] != list(wanted):
                await asyncio.sleep(0.02)

    async def settled(self, node: Way) -> None:
        """Wait until nothing waits in the ledger."""
        async with asyncio.timeout(60):
            while sum((await node.exchange.ledger.waiting_by_channel()).values()):
                await asyncio.sleep(0.02)

    async def listens(self, node: Way, after: str = "") -> str:
        """Wait until a node listens on a session, another than `after`; which one."""
        statement = (
            "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND application_name="
            f"'exchange listens as node {node.exchange.worker}' AND datname=current_database()"
        )
        async with asyncio.timeout(30):
            while (found := await self.ask(statement)) in ("", after):
                await asyncio.sleep(0.05)
        return found

    async def ask(self, statement: str) -> str:
        """What the server returns."""
        name = self.where.url.partition("@/")[2].partition("?")[0]
        return await asyncio.to_thread(self._server.ask, statement, name)


def lanes(node: Way) -> frozenset[int]:
    """What a node owns."""
    assert node.exchange.leased is not None
    return node.exchange.leased.own()

"""Wakes between nodes on a real server: what is told is heard, until the node stops."""

from __future__ import annotations

import asyncio

from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql.wakes import NotifyWakes
from tests.postgresql import LocalServer


async def test_a_node_hears_until_it_stops(postgresql: LocalServer) -> None:
    where = postgresql.ledger()
    ledger = PostgresLedger(where)
    await ledger.open()
    wakes, heard = NotifyWakes(where, ledger), asyncio.Event()
    wakes.listen(0, lambda receiver: heard.set() if receiver == "kela" else None)
    async with asyncio.timeout(30):
        while not heard.is_set():
            wakes.wake(0, "kela")
            await asyncio.sleep(0.02)
    (listening,) = (each for each in asyncio.all_tasks() if each.get_name() == "wakes")
    wakes.stop(0)
    await asyncio.wait([listening], timeout=5)
    assert listening.cancelled()
    await ledger.close()

"""Turns that two nodes take at the same moment."""

from __future__ import annotations

import asyncio

import asyncpg

from exchange.storage.postgresql.ledger import PostgresLedger
from tests.postgresql import LocalServer

WHO = ("income-register", "kela")
_WAITS = (
    "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type='Lock' "
    "AND datname=current_database()"
)


async def test_who_meant_to_take_a_number_that_another_node_takes_gets_the_next(
    postgresql: LocalServer,
) -> None:
    where = postgresql.ledger()
    ledger, other = PostgresLedger(where), await asyncpg.connect(where.url)
    await ledger.open()
    try:
        number = await ledger.take_turn(*WHO)
        await ledger.end_turn(number)
        taking = other.transaction()
        await taking.start()
        await other.execute("INSERT INTO turn VALUES ($1,$2,$3,7)", number, *WHO)
        mine = asyncio.create_task(ledger.take_turn(*WHO))
        async with asyncio.timeout(20):
            while not await other.fetchval(_WAITS):
                await asyncio.sleep(0.01)
            await taking.commit()
            assert await mine == number + 1
            assert await ledger.has_earlier_turn(*WHO, number + 1)
    finally:
        await other.close()
        await ledger.close()

"""The turns of what nodes take in: each has its own, and sees those that others took before."""

from __future__ import annotations

import asyncio

from exchange.storage.ledger import SqlLedger
from tests.contracts.conftest import another

WHO = ("income-register", "kela")


async def test_every_turn_is_one_nodes_own_and_ends(ledger: SqlLedger) -> None:
    other = another(ledger, 7)
    await other.open()
    try:
        mine = await asyncio.gather(*(ledger.take_turn(*WHO) for _ in range(40)))
        theirs = await asyncio.gather(*(other.take_turn(*WHO) for _ in range(40)))
        both = await asyncio.gather(
            *(each.take_turn(*WHO) for _ in range(40) for each in (ledger, other))
        )
        assert len({*mine, *theirs, *both}) == 160
        assert max(mine) < min(theirs), "as they came"
        assert [mine, theirs] == [sorted(mine), sorted(theirs)]
        assert max(theirs) < min(both)
        assert await other.has_earlier_turn(*WHO, min(theirs))
        assert not await ledger.has_earlier_turn(*WHO, max(mine)), "its own are no others'"
        assert not await other.has_earlier_turn("luova", "kela", min(theirs))
        await asyncio.gather(*(ledger.end_turn(each) for each in [*mine, *both]))
        assert await ledger.has_earlier_turn(*WHO, max(both))
        await ledger.drop_earlier_turns(*WHO, max(both) + 1)
        assert not await ledger.has_earlier_turn(*WHO, max(both) + 1)
    finally:
        await other.close()
    assert (await ledger.verify()).clean

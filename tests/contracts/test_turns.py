"""The turns of what nodes take in: each has its own, and sees those that others took before; and
what two of them remember about the same thing at once.
"""

from __future__ import annotations

import asyncio
from functools import partial

from exchange.journey import turns
from exchange.ports.ledger import Record, Recorded, Remember
from exchange.storage.ledger import SqlLedger
from tests.contracts.conftest import another
from tests.contracts.rows import record

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


async def test_a_later_life_of_a_node_takes_other_turns(ledger: SqlLedger) -> None:
    turn = await ledger.take_turn(*WHO)
    await ledger.end_turn(turn)
    await ledger.close()
    later = another(ledger, ledger.ownership.node)
    await later.open()
    try:
        assert await later.take_turn(*WHO) > turn, "whoever ends that one ends nothing of it"
    finally:
        await later.close()


async def test_many_of_two_nodes_that_remember_the_same_thing_are_all_taken(
    ledger: SqlLedger,
) -> None:
    each, nodes = turns.STALE_MAX + 6, [ledger, another(ledger, 7)]
    await nodes[1].open()

    tries = 0

    async def judge(node: SqlLedger, name: str) -> tuple[str, tuple[Record, Recorded]]:
        nonlocal tries
        tries += 1
        known = (await node.recall("luova", ["note"])).get("note")
        value, version = (known.value, known.version) if known else ([], 0)
        made = record(name, remember=[Remember("note", [*value, name], version)])
        return name, (made, await node.record(made))

    try:
        names = {node: [f"{number}-{n}" for n in range(each)] for number, node in enumerate(nodes)}
        tried = {node: turns.Anew() for node in nodes}
        found = await asyncio.gather(
            *(
                tried[node].judged("luova", partial(judge, node, name))
                for node in nodes
                for name in names[node]
            )
        )
        assert {made[1].kind for _, made in found if made is not None} == {"new"}
        noted = (await ledger.recall("luova", ["note"]))["note"]
        assert sorted(noted.value) == sorted(name for own in names.values() for name in own)
        assert noted.version == 2 * each
        assert tries < 4 * noted.version, "not all against all"
    finally:
        await nodes[1].close()
    assert (await ledger.verify()).clean

"""What many ask for at a time is done at once, and each has its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from exchange.ports.ledger import Remember
from exchange.storage.postgresql import ledger as ledgers
from exchange.storage.postgresql.gathered import Gathered
from exchange.storage.postgresql.ledger import PostgresLedger
from tests.postgresql import LocalServer


async def test_what_is_asked_while_one_is_out_goes_together_with_the_next() -> None:
    done, answered = list[list[int]](), asyncio.Event()

    async def double(asked: Sequence[int]) -> list[int]:
        done.append(list(asked))
        await answered.wait()
        return [2 * each for each in asked]

    gathered = Gathered(double)
    first = [asyncio.create_task(gathered.ask(number)) for number in range(3)]
    while not done:
        await asyncio.sleep(0)
    later = [asyncio.create_task(gathered.ask(number)) for number in range(3, 6)]
    await asyncio.sleep(0)
    later[1].cancel()
    await asyncio.wait([later[1]])
    answered.set()
    answers = await asyncio.gather(*first, *later, return_exceptions=True)
    assert answers[:4] == [0, 2, 4, 6]
    assert isinstance(answers[4], asyncio.CancelledError)
    assert answers[5] == 10
    assert done == [[0, 1, 2], [3, 5]], "whoever is gone wants nothing"
    assert await gathered.ask(7) == 14, "after a rest it begins again"


async def test_what_fails_fails_for_those_who_asked_for_it_alone() -> None:
    async def halve(asked: Sequence[int]) -> list[int]:
        if any(each % 2 for each in asked):
            raise ValueError("odd")
        return [each // 2 for each in asked]

    gathered = Gathered(halve)
    odd = [asyncio.create_task(gathered.ask(number)) for number in (1, 2)]
    found = await asyncio.gather(*odd, return_exceptions=True)
    assert [str(each) for each in found] == ["odd", "odd"]
    async with asyncio.timeout(10):
        assert await gathered.ask(4) == 2


async def test_reads_before_verdicts_are_gathered_but_for_large_ones(
    postgresql: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, read = PostgresLedger(postgresql.ledger()), list[int]()
    await ledger.open()
    try:
        keys = [f"key-{number}" for number in range(ledgers.RECALLED_TOGETHER_MAX + 1)]
        await ledger.note("luova", [Remember(key, key) for key in keys])
        await ledger.note("kelmu", [Remember("key-1", "another channel's")])
        real = ledger.read

        async def counted(query: object, places: Sequence[object]) -> object:
            read.append(len(places))
            return await real(query, places)  # type: ignore[arg-type]

        monkeypatch.setattr(ledger, "read", counted)
        found = await asyncio.gather(
            ledger.recall("luova", keys),
            ledger.recall("luova", keys[:2]),
            ledger.recall("kelmu", keys[:2]),
            ledger.recall("luova", ["key-2", "unknown", "key-1"]),
        )
    finally:
        await ledger.close()
    told = [{key: each.value for key, each in one.items()} for one in found]
    assert told == [
        dict(zip(keys, keys, strict=True)),
        {"key-0": "key-0", "key-1": "key-1"},
        {"key-1": "another channel's"},
        {"key-2": "key-2", "key-1": "key-1"},
    ]
    assert sorted(read) == [6, len(keys)]

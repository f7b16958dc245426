"""Items that several messages tell count as received once, whichever delivery ends first."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from exchange.ports.ledger import Old
from exchange.storage.ledger import SqlLedger
from tests.contracts.rows import record, settlement

ALL = Old(1 << 62, 1 << 62)


async def received(ledger: SqlLedger) -> Counter[str]:
    """What was counted as delivered, by kind of item."""
    found: Counter[str] = Counter()
    for (kind,), _, items, _ in await ledger.totals(("kind",)):
        if kind.startswith("delivered:"):
            found[kind.partition(":")[2]] += items
    return found


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_what_two_messages_tell_counts_once_in_any_order(
    ledger: SqlLedger, order: tuple[int, int]
) -> None:
    told = [
        record("one", items_told={"birth": ["a", "b"], "death": ["a"]}),
        record("other", items_told={"birth": ["b", "c", "c"]}),
    ]
    for each in told:
        await ledger.record(each)
    for index in order:
        await ledger.settle(settlement(told[index], "delivered", ["delivered"]))
    assert await received(ledger) == {"birth": 3, "death": 1}
    assert (await ledger.verify()).clean


async def test_what_was_refused_was_not_received_and_counts_with_who_takes_it(
    ledger: SqlLedger,
) -> None:
    refused, taken = (record(name, items_told={"birth": ["a"]}) for name in ("no", "yes"))
    for each in (refused, taken):
        await ledger.record(each)
    await ledger.settle(settlement(refused, "dead", ["dead-lettered"]))
    assert await received(ledger) == {}
    await ledger.settle(settlement(taken, "delivered", ["delivered"]))
    assert await received(ledger) == {"birth": 1}
    await ledger.settle(settlement(refused, "waiting", ["resent"], from_state="dead"))
    await ledger.settle(settlement(refused, "delivered", ["delivered"]))
    assert await received(ledger) == {"birth": 1}
    assert (await ledger.verify()).clean


async def test_an_answer_that_is_delivered_with_its_record_is_one_of_them(
    ledger: SqlLedger,
) -> None:
    answers = []
    for name in ("asked", "asked again"):
        made = record(name, items_told={"birth": ["a"]})
        end = settlement(made, "delivered", ["delivered"])
        made.deliveries = [
            each._replace(state="delivered", attempts=1, next_at=0, ended_at=end.ended_at)
            for each in made.deliveries
        ]
        made.events, made.counts = [*made.events, *end.events], [*made.counts, *end.counts]
        made.items_told = end.items_told
        answers.append(made)
    await asyncio.gather(*(ledger.record(each) for each in answers))
    assert await received(ledger) == {"birth": 1}
    assert (await ledger.verify()).clean


async def test_what_was_told_is_forgotten_with_its_message_and_its_count_stays(
    ledger: SqlLedger,
) -> None:
    # The last one is of before there was this: all that it holds counts.
    made = [
        record("first", items_told={"birth": ["a"]}),
        record("second", items_told={"birth": ["a"]}),
        record("older", items_by_kind={"birth": 5}),
    ]
    for each in made:
        await ledger.record(each)
        await ledger.settle(settlement(each, "delivered", ["delivered"]))
    before = await received(ledger)
    assert before == {"birth": 6}
    assert (await ledger.drop(ALL, ALL, 10)).messages == 3
    assert await received(ledger) == before
    assert (await ledger.verify()).clean
    anew = record("anew", items_told={"birth": ["a"]})
    await ledger.record(anew)
    await ledger.settle(settlement(anew, "delivered", ["delivered"]))
    assert await received(ledger) == {"birth": 7}
    assert (await ledger.verify()).clean

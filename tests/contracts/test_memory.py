"""What the ledger remembers for channels, and forgets with their messages."""

from __future__ import annotations

import asyncio

from exchange.ports.ledger import Old, Remember
from exchange.storage.ledger import SqlLedger
from tests.contracts.rows import record, settlement

ALL = Old(1 << 62, 1 << 62)


async def test_what_was_remembered_with_a_message_is_forgotten_with_it(
    ledger: SqlLedger,
) -> None:
    stays, goes = Remember("stays", 1), Remember("goes", 1, with_message=True)
    first = record("first", remember=[stays, goes, Remember("again", 1, with_message=True)])
    second = record("second", remember=[Remember("again", 2, 1, with_message=True)])
    late = record("late", remember=[Remember("late", 1, with_message=True)])
    for each in (first, second, late):
        assert (await ledger.record(each)).kind == "new"
    for each in (first, second):
        await ledger.settle(settlement(each, "delivered", ["delivered"]))
    assert (await ledger.drop(ALL, ALL, 1)).messages == 1
    keys = ["stays", "goes", "again", "late"]
    assert sorted(await ledger.recall("luova", keys)) == ["again", "late", "stays"]
    assert (await ledger.drop(ALL, ALL, 10)).messages == 1
    assert sorted(await ledger.recall("luova", keys)) == ["late", "stays"], "what waits stays"
    assert (await ledger.verify()).clean
    again = record("anew", remember=[goes])
    assert (await ledger.record(again)).kind == "new", "as if it had never been"
    assert (await ledger.verify()).clean


async def test_what_begins_alike_is_told_by_key_from_either_end(ledger: SqlLedger) -> None:
    keys = ["a/1", "a/10", "a/2", "a/ä", "b/1", "a0", "a"]
    assert await ledger.note("luova", [Remember(key, key) for key in keys])
    assert await ledger.note("kelmu", [Remember("a/3", "another channel's")])

    async def told(*where: object) -> list[str]:
        return [key for key, _ in await ledger.remembered("luova", "a/", *where)]

    assert await told("", 10) == ["a/1", "a/10", "a/2", "a/ä"]
    assert await told("1", 2) == ["a/10", "a/2"]
    assert await told("", 2, True) == ["a/ä", "a/2"]
    assert await told("2", 10, True) == ["a/10", "a/1"]
    ((_, first),) = await ledger.remembered("luova", "a/", "", 1)
    assert (first.value, first.version) == ("a/1", 1)


async def test_what_is_noted_later_is_forgotten_with_its_message(ledger: SqlLedger) -> None:
    message = record("first")
    assert (await ledger.record(message)).kind == "new"
    await ledger.settle(settlement(message, "delivered", ["delivered"]))
    noted = [Remember("goes", 1, with_message=True), Remember("stays", 1)]
    assert await ledger.note("luova", noted, message.message.id)
    assert (await ledger.drop(ALL, ALL, 10)).messages == 1
    assert sorted(await ledger.recall("luova", ["goes", "stays"])) == ["stays"]
    assert (await ledger.verify()).clean


async def test_of_a_group_whoever_read_before_another_changed_a_key_is_stale(
    ledger: SqlLedger,
) -> None:
    again = [Remember("twice", "first"), Remember("twice", "second", 1)]
    group = [
        record("first", remember=[Remember("key", 1), *again]),
        record("late", remember=[Remember("key", 2), Remember("lost", 2)]),
        record("next", remember=[Remember("key", 3, 1), Remember("other", 3)]),
    ]
    found = await asyncio.gather(*(ledger.record(each) for each in group))
    assert [(each.kind, list(each.stale)) for each in found] == [
        ("new", []), ("stale", ["key"]), ("new", []),
    ]  # fmt: skip
    known = await ledger.recall("luova", ["key", "twice", "lost", "other", "key"])
    assert {key: (each.value, each.version) for key, each in known.items()} == {
        "key": (3, 2), "twice": ("second", 2), "other": (3, 1),
    }  # fmt: skip
    assert not await ledger.note("luova", [Remember("fresh", 1), Remember("key", 4, 1)])
    assert await ledger.note("luova", [Remember("key", 4, 2)])
    assert sorted(await ledger.recall("luova", ["fresh", "key"])) == ["key"]
    assert (await ledger.verify()).clean

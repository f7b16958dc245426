"""What every ledger must do: the suite of the port `Ledger`."""

from __future__ import annotations

import asyncio

import pytest

from exchange.errors import LedgerClosed
from exchange.journey.count import request_count
from exchange.ports.ledger import MessageFilter, Old, Remember, Remembered
from exchange.storage.ledger import SqlLedger
from tests.contracts.conftest import another
from tests.contracts.rows import MINUTE, record, settlement

ALL, NONE = Old(1 << 62, 1 << 62), Old(0, 0)


async def sums(ledger: SqlLedger) -> dict[str, int]:
    """Counts by kind."""
    return {values[0]: count for values, count, _, _ in await ledger.totals(("kind",))}


async def test_a_recorded_message_reads_back_with_body_delivery_and_event(
    ledger: SqlLedger,
) -> None:
    made = record("a", body="ä<b/>".encode() * 500)
    assert (await ledger.record(made)).kind == "new"
    assert await ledger.message(made.message.id) == made.message
    assert await ledger.find("luova", "dvv", "a") == made.message
    assert await ledger.body(made.message.id) == made.body
    assert await ledger.deliveries(made.message.id) == list(made.deliveries)
    assert await ledger.events(made.message.id) == list(made.events)


async def test_the_same_id_and_bytes_is_a_duplicate_stored_once_and_counted(
    ledger: SqlLedger,
) -> None:
    first, again = record("a"), record("a")
    await ledger.record(first)
    recorded = await ledger.record(again)
    assert (recorded.kind, recorded.original) == ("duplicate", first.message)
    assert await ledger.message(again.message.id) is None
    assert await sums(ledger) == {"received": 2, "accepted": 1, "duplicate": 1, "queued": 1}


async def test_the_same_id_twice_in_one_group_is_stored_once(ledger: SqlLedger) -> None:
    kinds = [
        each.kind for each in await asyncio.gather(*(ledger.record(record("a")) for _ in range(50)))
    ]
    assert sorted(kinds) == ["duplicate"] * 49 + ["new"]
    assert (await sums(ledger))["accepted"] == 1


async def test_the_same_id_with_other_bytes_is_told_and_nothing_is_kept(
    ledger: SqlLedger,
) -> None:
    first = record("a")
    await ledger.record(first)
    recorded = await ledger.record(record("a", digest=b"another digest.."))
    assert (recorded.kind, recorded.original) == ("reused", first.message)
    assert (await sums(ledger))["received"] == 1


async def test_a_rejected_message_does_not_take_its_id(ledger: SqlLedger) -> None:
    await ledger.record(record("a", state="rejected"))
    assert (await ledger.record(record("a", digest=b"corrected"))).kind == "new"


async def test_a_settlement_is_applied_and_counted_once(ledger: SqlLedger) -> None:
    made = record("a", items=3)
    await ledger.record(made)
    done = await asyncio.gather(
        *(ledger.settle(settlement(made, "delivered", ["delivered"])) for _ in range(20))
    )
    assert sorted(done) == [False] * 19 + [True]
    assert await ledger.settle(settlement(made, "dead", ["dead-lettered"])) is False
    assert (await sums(ledger))["delivered"] == 1
    items = {values[0]: items for values, _, items, _ in await ledger.totals(("kind",))}
    assert items["delivered"] == 3


async def test_what_waits_is_found_by_lane_and_due_time_until_it_is_settled(
    ledger: SqlLedger,
) -> None:
    early, late = record("a", lane=0), record("b", lane=1, received_at=10 * MINUTE)
    for made in (early, late):
        await ledger.record(made)
    assert [due.id for due in await ledger.waiting([0], 20 * MINUTE, 10)] == [
        early.deliveries[0].id
    ]
    assert [due.id for due in await ledger.waiting([], 20 * MINUTE, 10)] == [
        early.deliveries[0].id,
        late.deliveries[0].id,
    ]
    assert [due.id for due in await ledger.waiting([], 5 * MINUTE, 10)] == [early.deliveries[0].id]
    await ledger.settle(settlement(early, "waiting", ["attempt-failed"], at=15 * MINUTE))
    assert [due.id for due in await ledger.waiting([], 14 * MINUTE, 10)] == [late.deliveries[0].id]
    await ledger.settle(settlement(late, "delivered", ["delivered"]))
    assert [due.id for due in await ledger.waiting([], 20 * MINUTE, 10)] == [early.deliveries[0].id]
    [pending] = await ledger.pending([early.deliveries[0].id, late.deliveries[0].id])
    assert (pending.message, pending.body, pending.delivery.attempts) == (
        early.message,
        early.body,
        1,
    )


async def test_memory_changes_only_from_the_version_that_was_read(ledger: SqlLedger) -> None:
    await ledger.record(record("a", remember=[Remember("case:1", {"status": "open"})]))
    assert await ledger.recall("luova", ["case:1", "case:2"]) == {
        "case:1": Remembered({"status": "open"}, 1)
    }
    stale = record("b", remember=[Remember("case:1", "lost"), Remember("case:9", "lost")])
    recorded = await ledger.record(stale)
    assert (recorded.kind, list(recorded.stale)) == ("stale", ["case:1"])
    assert await ledger.message(stale.message.id) is None
    await ledger.record(record("c", remember=[Remember("case:1", {"status": "closed"}, 1)]))
    late = await ledger.record(record("d", remember=[Remember("case:1", "lost", 1)]))
    assert late.kind == "stale", "it was read before the last change"
    assert await ledger.recall("luova", ["case:1", "case:9"]) == {
        "case:1": Remembered({"status": "closed"}, 2)
    }


async def test_one_bad_record_harms_no_other_of_its_group(ledger: SqlLedger) -> None:
    good = [record(f"good {number}") for number in range(20)]
    bad = record("bad")
    bad.deliveries = [bad.deliveries[0], bad.deliveries[0]]
    results = await asyncio.gather(
        *(ledger.record(each) for each in [*good, bad]), return_exceptions=True
    )
    assert [getattr(result, "kind", "failed") for result in results] == ["new"] * 20 + ["failed"]
    assert (await sums(ledger))["accepted"] == 20


async def test_everything_that_happened_verifies(ledger: SqlLedger) -> None:
    made = [
        record(
            str(number),
            items=number + 1,
            items_rejected=number % 2,
            process="P" * (number % 2),
            begins=number % 4 == 1,
        )
        for number in range(30)
    ]
    for each in made:
        await ledger.record(each)
    await ledger.record(record("0"))
    await ledger.record(record("wrong", state="rejected"))
    for number, each in enumerate(made):
        if number % 3 == 0:
            await ledger.settle(settlement(each, "delivered", ["delivered", "answered"]))
        if number % 3 == 1:
            await ledger.settle(settlement(each, "dead", ["attempt-failed", "dead-lettered"]))
    await ledger.settle(settlement(made[1], "waiting", ["resent"], from_state="dead"))
    verification = await ledger.verify()
    assert verification.clean, verification.checks
    assert verification.channels["luova"]["waiting"] == 11
    counted = {
        values: how_many for values, how_many, _, _ in await ledger.totals(("kind", "process"))
    }
    assert (counted["received", ""], counted["received", "P"], counted["begun", "P"]) == (17, 15, 8)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE counter SET count=count+1 WHERE kind='delivered'",
        "DELETE FROM counter WHERE kind='queued'",
        "UPDATE day_counter SET items=items-1 WHERE kind='accepted'",
        "UPDATE message SET process='another'",
        "DELETE FROM event WHERE kind='delivered'",
        "UPDATE delivery SET state='waiting'",
        "DELETE FROM delivery",
        "DELETE FROM message",
    ],
)
async def test_verify_finds_every_harm(ledger: SqlLedger, harm: str) -> None:
    made = record("a")
    await ledger.record(made)
    await ledger.settle(settlement(made, "delivered", ["delivered"]))
    assert (await ledger.verify()).clean
    await ledger.change(lambda connection: connection.execute(harm))
    assert not (await ledger.verify()).clean


async def test_forgetting_keeps_every_count_and_what_still_waits(ledger: SqlLedger) -> None:
    made = [record(str(number), items_rejected=1) for number in range(10)]
    for each in made:
        await ledger.record(each)
    await ledger.record(record("0"))
    for each in made[:6]:
        await ledger.settle(settlement(each, "delivered", ["delivered"]))
    before = await ledger.totals(("kind", "period"))
    assert await ledger.drop(ALL, NONE, 4) == (4, 0)
    assert await ledger.body(made[0].message.id) is None
    assert await ledger.drop(ALL, ALL, 100) == (2, 6)
    assert await ledger.message(made[0].message.id) is None
    assert await ledger.body(made[9].message.id) == made[9].body
    assert await ledger.totals(("kind", "period")) == before
    assert (await ledger.verify()).clean


async def test_nothing_is_forgotten_before_what_was_committed_earlier_is_old(
    ledger: SqlLedger,
) -> None:
    young, set_back = record("young"), record("set-back")
    old = [record(name) for name in "ab"]
    # A clock that was set back gave the last one the least id.
    made = [*old, young, set_back]
    ids = sorted(each.message.id for each in made)
    for each, number in zip(made, (ids[1], ids[2], ids[3], ids[0]), strict=True):
        each.message = each.message._replace(id=number)
        each.deliveries = [row._replace(message_id=number) for row in each.deliveries]
        each.events = [row._replace(message_id=number) for row in each.events]
        await ledger.record(each)
        await ledger.settle(settlement(each, "delivered", ["delivered"]))
    for most_are_older in (True, False):
        assert await ledger.position_before(ids[3], most_are_older) == 2
    age = Old(ids[3], await ledger.position_before(ids[3], most_are_older=False))
    assert await ledger.drop(age, NONE, 10) == (2, 0)
    assert await ledger.body(set_back.message.id) == set_back.body
    assert await ledger.drop(age, age, 10) == (0, 2)
    assert [await ledger.message(each.message.id) is None for each in made] == [
        True,
        True,
        False,
        False,
    ]
    assert (await ledger.verify()).clean


async def test_folding_and_forgetting_in_any_order_keep_every_count(ledger: SqlLedger) -> None:
    made = [record(str(number), items_rejected=1) for number in range(12)]
    for each in made:
        await ledger.record(each)
        if each is not made[-1]:
            await ledger.settle(settlement(each, "delivered", ["delivered"]))
    before = await ledger.totals(("kind",), daily=True)
    last = max(period for (period,), *_ in await ledger.totals(("period",)))
    assert (await ledger.drop(ALL, ALL, 4)).messages == 4, (
        "what is dropped before its minutes are folded"
    )
    assert not await ledger.compact(last + 1, 1_000)
    assert await ledger.totals(("kind",)) == [], "no minute is left"
    assert (await ledger.verify()).clean
    assert (await ledger.drop(ALL, ALL, 4)).messages == 4, "and after"
    await ledger.record(record("late"))
    assert await ledger.compact(last + 1, 1_000) is False
    assert (await ledger.verify()).clean
    await ledger.compact(last + 1, 1_000)
    daily = {kind: count for (kind,), count, *_ in await ledger.totals(("kind",), daily=True)}
    assert daily["received"] == {kind: count for (kind,), count, *_ in before}["received"] + 1
    for harm in (
        "UPDATE day_counter SET count=count+1 WHERE kind='delivered'",
        "DELETE FROM pruned_day_counter",
    ):
        await ledger.change(lambda connection, harm=harm: connection.execute(harm))
        assert not (await ledger.verify()).clean, harm


async def test_a_closed_ledger_says_so(ledger: SqlLedger) -> None:
    await ledger.close()
    with pytest.raises(LedgerClosed):
        await ledger.record(record("a"))


async def test_accepted_messages_are_read_by_type_and_position_in_either_order(
    ledger: SqlLedger,
) -> None:
    made = [record(name, body=name.encode() * 300) for name in "abc"]
    other = record("d", channel="kelmu")
    for each in [*made, other, record("e", state="rejected")]:
        await ledger.record(each)
    positions = [each.message.position for each in made]
    types = ("population.births",)
    page = await ledger.stored("luova", types, 0, 1 << 62, 10)
    assert [(row.id, body) for row, body in page] == [(each.message.id, each.body) for each in made]
    newest = await ledger.stored("luova", types, positions[0], positions[1], 1, newest_first=True)
    assert [row.position for row, _ in newest] == [positions[1]], "after is out, until is in"
    assert await ledger.stored("luova", ("population.deaths",), 0, 1 << 62, 10) == []


async def test_positions_rise_in_the_order_of_commits_over_all_workers(
    ledger: SqlLedger,
) -> None:
    other = another(ledger, 1)
    await other.open()
    made = [record(str(number)) for number in range(20)]
    for number, each in enumerate(reversed(made)):
        await (other if number % 3 else ledger).record(each)
    assert [each.message.position for each in reversed(made)] == list(range(1, 21))
    assert await ledger.position() == await other.position() == 20
    for each in made:
        assert await other.message(each.message.id) == each.message
        [delivery] = await other.deliveries(each.message.id)
        assert delivery == each.deliveries[0]
        assert delivery.position == each.message.position
    newest = made[0].message.id
    assert await ledger.position_before(newest) == 0, "the message with the least id is last"
    assert await ledger.position_before(made[-1].message.id) == 0
    assert await ledger.position_before(made[-1].message.id + 1) == 20
    await other.close()


async def test_what_is_not_kept_leaves_no_gap_between_positions(ledger: SqlLedger) -> None:
    await ledger.record(record("once", remember=[Remember("key", 1)]))
    group = [
        record("a"),
        record("once", remember=[Remember("key", 1)]),
        record("b"),
        record("once", digest=b"another digest.."),
        record("stale", remember=[Remember("key", 1)]),
        record("c", state="rejected"),
    ]
    recorded = await asyncio.gather(*(ledger.record(each) for each in group))
    assert [each.kind for each in recorded] == ["new", "duplicate", "new", "reused", "stale", "new"]
    kept = [group[0], group[2], group[5]]
    assert [each.message.position for each in kept] == [2, 3, 4]
    for each in kept:
        assert await ledger.message(each.message.id) == each.message
        assert await ledger.deliveries(each.message.id) == list(each.deliveries)
    await ledger.record(made := record("d"))
    assert made.message.position == await ledger.position() == 5


async def test_a_position_is_never_given_again(ledger: SqlLedger) -> None:
    made = [record(name) for name in "abc"]
    for each in made:
        await ledger.record(each)
        await ledger.settle(settlement(each, "delivered", ["delivered"]))
    assert (await ledger.drop(ALL, ALL, 100)).messages == 3
    await ledger.record(again := record("a"))
    assert again.message.position == 4


async def test_a_caller_that_is_cancelled_takes_nothing_back(ledger: SqlLedger) -> None:
    made, kept = record("a"), record("b")
    await ledger.record(made)
    for waiting in (
        ledger.settle(settlement(made, "delivered", ["delivered"])),
        ledger.record(kept),
    ):
        task = asyncio.ensure_future(waiting)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await ledger.record(record("c"))
    assert [row.state for row in await ledger.deliveries(made.message.id)] == ["delivered"]
    assert await ledger.message(kept.message.id) == kept.message


async def test_what_waits_beyond_every_backoff_is_hastened(ledger: SqlLedger) -> None:
    near, far = record("a"), record("b", received_at=500 * MINUTE)
    for each in (near, far):
        await ledger.record(each)
    assert [due.id for due in await ledger.waiting([], 2 * MINUTE, 10)] == [near.deliveries[0].id]
    assert await ledger.hasten(2 * MINUTE, 60 * MINUTE, 60 * MINUTE) == 1
    assert {due.id for due in await ledger.waiting([], 2 * MINUTE, 10)} == {
        near.deliveries[0].id,
        far.deliveries[0].id,
    }
    assert await ledger.hasten(2 * MINUTE, 60 * MINUTE, 60 * MINUTE) == 0


async def test_messages_are_searched_by_what_they_are(ledger: SqlLedger) -> None:
    made = [record(f"m-{number}") for number in range(6)] + [record("bad", state="rejected")]
    for each in made:
        await ledger.record(each)
    ids = sorted((each.message.id for each in made), reverse=True)
    everything = await ledger.search(MessageFilter(), 1 << 62, 100, 1000)
    assert ([each.id for each in everything.messages], everything.before) == (ids, 0)
    page = await ledger.search(MessageFilter(), 1 << 62, 2, 1000)
    assert ([each.id for each in page.messages], page.before) == (ids[:2], ids[1])
    rest = await ledger.search(MessageFilter(), page.before, 100, 1000)
    assert [each.id for each in rest.messages] == ids[2:]
    (bad,) = (await ledger.search(MessageFilter(state="rejected"), 1 << 62, 100, 1000)).messages
    assert bad.id == made[-1].message.id
    seldom = await ledger.search(MessageFilter(detail="nobody"), 1 << 62, 100, 3)
    assert (seldom.messages, seldom.before) == ([], ids[2]), "it says where to go on"


async def test_counts_of_what_leaves_nothing_else_are_added_up(ledger: SqlLedger) -> None:
    for _ in range(2):
        await ledger.count([request_count(1, "luova", "dvv", "GET /x", False, 3, 30)])
    assert await sums(ledger) == {"requested": 6}
    assert (await ledger.verify()).clean

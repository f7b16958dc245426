"""Leases of a mailbox: the suite of what the port `Ledger` says of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from exchange.ports.ledger import Hold, Wanted
from exchange.storage import mailbox
from exchange.storage.ledger import SqlLedger
from tests.contracts.rows import MINUTE, record, settlement


async def test_a_lease_hides_a_mailbox_delivery_until_it_ends(ledger: SqlLedger) -> None:
    made = record("a", modes=("mailbox",), receiver="fund")
    await ledger.record(made)
    wanted = Wanted("luova", "fund", 10)
    for other in (replace(wanted, receiver="another"), replace(wanted, channel="kelmu")):
        assert await ledger.lease(other, 2 * MINUTE, 3 * MINUTE, 1) == []
    [leased] = await ledger.lease(wanted, 2 * MINUTE, 3 * MINUTE, 2)
    assert (leased.delivery.attempts, leased.delivery.lease, leased.body) == (1, 2, made.body)
    assert await ledger.lease(wanted, 2 * MINUTE, 3 * MINUTE, 3) == []
    [again] = await ledger.lease(wanted, 3 * MINUTE, 4 * MINUTE, 4)
    assert (again.delivery.attempts, again.delivery.lease) == (2, 4)


async def test_only_the_newest_lease_ends_or_extends_a_delivery(ledger: SqlLedger) -> None:
    made = record("a", modes=("mailbox",), receiver="fund")
    await ledger.record(made)
    wanted, delivery = Wanted("luova", "fund", 10), made.deliveries[0].id
    await ledger.lease(wanted, MINUTE, 2 * MINUTE, 2)
    await ledger.lease(wanted, 2 * MINUTE, 3 * MINUTE, 4)
    old = settlement(made, "delivered", ["delivered"])
    old.lease = 2
    assert await ledger.settle(old) is False
    assert await ledger.extend([Hold(delivery, 2)], 9 * MINUTE) == []
    assert await ledger.extend([Hold(delivery, 4), Hold(delivery + 9, 4)], 9 * MINUTE) == [delivery]
    assert await ledger.lease(wanted, 8 * MINUTE, 10 * MINUTE, 5) == []
    old.lease = 4
    assert await ledger.settle(old) is True
    assert await ledger.extend([Hold(delivery, 4)], 9 * MINUTE) == []


async def test_a_lease_from_before_a_dead_letter_was_sent_again_holds_nothing(
    ledger: SqlLedger,
) -> None:
    made = record("a", modes=("mailbox",), receiver="fund")
    await ledger.record(made)
    await ledger.lease(Wanted("luova", "fund", 10), MINUTE, 2 * MINUTE, 2)
    await ledger.settle(settlement(made, "dead", ["dead-lettered"]))
    await ledger.settle(settlement(made, "waiting", ["resent"], from_state="dead"))
    late = settlement(made, "delivered", ["delivered"])
    late.lease = 2
    assert await ledger.settle(late) is False


async def test_readers_at_once_share_what_lies_there(ledger: SqlLedger) -> None:
    for number in range(12):
        await ledger.record(record(str(number), modes=("mailbox",), receiver="fund"))
    wanted = Wanted("luova", "fund", 3)
    taken = await asyncio.gather(
        *(ledger.lease(wanted, 2 * MINUTE, 3 * MINUTE, lease) for lease in range(1, 7))
    )
    ids = [each.delivery.id for some in taken for each in some]
    assert len(ids) == len(set(ids)) == 12


async def test_a_lease_holds_no_more_bytes_than_are_wanted_and_one_message_always(
    ledger: SqlLedger,
) -> None:
    made = [record(str(number), modes=("mailbox",), receiver="fund") for number in range(4)]
    for each in made:
        await ledger.record(each)
    size = made[0].message.bytes
    assert size > 1
    for most, expected in ((2 * size, 2), (1, 1), (1 << 62, 1)):
        wanted = Wanted("luova", "fund", 10, bytes_max=most)
        assert len(await ledger.lease(wanted, 2 * MINUTE, 3 * MINUTE, most)) == expected


async def test_overdue_is_of_each_conversation_only_the_first_that_is_left(
    ledger: SqlLedger,
) -> None:
    first, second, other, *loose = (
        record(name, modes=("mailbox",), receiver="fund", conversation=conversation)
        for name, conversation in (("1", "a"), ("2", "a"), ("3", "b"), ("4", ""), ("5", ""))
    )
    for each in (first, second, other, *loose):
        await ledger.record(each)
    ids = {each.message.sender_message_id: each.deliveries[0].id for each in (first, other, *loose)}
    all_of_them = 1 << 62
    assert await ledger.overdue(all_of_them, 0, MINUTE, 100) == list(ids.values())
    assert await ledger.overdue(all_of_them, 0, MINUTE, 2) == list(ids.values())[:2]
    assert await ledger.overdue(loose[0].message.id, 0, MINUTE, 100) == list(ids.values())[:2]
    await ledger.settle(settlement(first, "dead", ["dead-lettered"]))
    await ledger.settle(settlement(loose[0], "dead", ["dead-lettered"]))
    await ledger.settle(settlement(loose[0], "waiting", ["resent"], 5 * MINUTE, from_state="dead"))
    assert await ledger.overdue(all_of_them, 6 * MINUTE, 7 * MINUTE, 100) == [
        ids["3"], ids["4"], ids["5"],
    ], "what waits behind a dead letter could not be fetched"  # fmt: skip
    assert await ledger.overdue(all_of_them, 5 * MINUTE, 7 * MINUTE, 100) == [ids["3"], ids["5"]]


@pytest.mark.parametrize("told", [True, False], ids=["told", "of an older node"])
async def test_the_first_of_each_conversation_are_found_whatever_lies_behind_them(
    told: bool, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of `a` does not say in what it is ordered, where a node of the version before took
    it in.
    """
    monkeypatch.setattr(mailbox, "PASSED_OVER_MAX", 0)
    monkeypatch.setattr(mailbox, "PAGE_ROWS", 1)
    letters = {}
    for name in ("a1", "b1", "-1", "a2", "c1", "b2", "-2", "c2"):
        made = record(name, modes=("mailbox",), receiver="fund", conversation=name[0].strip("-"))
        if name == "a1" and not told:
            made.deliveries = [made.deliveries[0]._replace(ordered_in="")]
        await ledger.record(made)
        letters[made.deliveries[0].id] = name
    other = record("of another channel", modes=("mailbox",), receiver="fund", channel="kelmu")
    await ledger.record(other)
    wanted = Wanted("luova", "fund", 10)

    async def free(wanted: Wanted) -> list[str]:
        return [letters[each] for each in await ledger.scan(mailbox.free, wanted, 2 * MINUTE)]

    assert await free(wanted) == ["a1", "b1", "-1", "c1", "-2"]
    assert await free(replace(wanted, most=2)) == ["a1", "b1"]
    assert await free(replace(wanted, conversation="b")) == ["b1"]
    assert await free(replace(wanted, conversation="nobody's")) == []
    assert await free(replace(wanted, message_types=("population.deaths",))) == []
    leased = await ledger.lease(replace(wanted, most=1), 2 * MINUTE, 9 * MINUTE, 1)
    assert [letters[each.delivery.id] for each in leased] == ["a1"]
    assert await free(wanted) == ["b1", "-1", "c1", "-2"]

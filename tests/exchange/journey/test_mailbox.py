"""Mailboxes on a real ledger: order within a conversation, leases that are extended, refusals,
waiting, and the deadline.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from exchange.clocks import WallClock
from exchange.ports import Actor, Leased
from exchange.ports.ledger import Wanted
from exchange.ports.operators import Operator
from tests.exchange.journey.way import FIRST, SECOND, Script, Way, way
from tests.waiting import WAIT_SECONDS

HOUR = 3600.0
ANN = Actor(Operator("ann", "admin"), "127.0.0.1")


class Ahead(WallClock):
    """The wall's clock, put forward at will."""

    def __init__(self) -> None:
        self.hours = 0.0

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return super().now() + int(self.hours * HOUR * 1000)


async def put(running: Way, *names: str, conversation: str = "", receiver: str = FIRST) -> None:
    """Messages into the first receiver's mailbox; ordered when they are of a conversation."""
    hints = {"conversation": conversation} if conversation else {}
    for name in names:
        await running.send(name, receiver, mode="mailbox", **hints)


async def take(
    running: Way, seconds: float = 60, wait_seconds: float = 0, conversation: str = ""
) -> list[Leased]:
    """What the first receiver's mailbox gives."""
    wanted = Wanted(running.channel.name, FIRST, 100, conversation)
    return await running.exchange.mailboxes.lease(wanted, seconds, wait_seconds)


def names(leased: list[Leased]) -> list[str]:
    """By their senders' ids."""
    return [each.envelope.sender_message_id for each in leased]


async def test_of_an_ordered_conversation_one_is_out_at_a_time(tmp_path: Path) -> None:
    async with way(tmp_path, Script()) as running:
        boxes, channel = running.exchange.mailboxes, running.channel.name
        await put(running, "a-0", "a-1", "a-2", conversation="a")
        await put(running, "b-0", "b-1", conversation="b")
        await put(running, "free")
        first = await take(running)
        assert names(first) == ["a-0", "b-0", "free"]
        kept = await running.exchange.ledger.pending([each.delivery_id for each in first])
        told = [each.delivery.ordered_in for each in kept]
        assert told == [f"{channel}/a", f"{channel}/b", ""]
        assert await take(running) == [], "another reader gets no follower"
        assert await take(running, conversation="a") == []
        assert await boxes.acknowledge(channel, FIRST, [first[0].hold]) == [""]
        assert names(await take(running)) == ["a-1"]


async def test_followers_wait_for_a_dead_one_until_it_is_sent_again(tmp_path: Path) -> None:
    async with way(tmp_path, Script()) as running:
        boxes, channel = running.exchange.mailboxes, running.channel.name
        await put(running, "a-0", "a-1", conversation="a")
        (first,) = await take(running)
        assert await boxes.refuse(channel, FIRST, [first.hold], "no such person") == [""]
        state, _, reason = await running.state(first.envelope.id)
        assert (state, reason) == ("dead", "refused: no such person")
        assert await take(running) == [], "the follower is held"
        assert (await boxes.resend([first.delivery_id], ANN)).resent == [first.delivery_id]
        assert await boxes.acknowledge(channel, FIRST, [first.hold]) == ["unknown"]
        (again,) = await take(running)
        assert names([again]) == ["a-0"]
        await boxes.acknowledge(channel, FIRST, [again.hold])
        assert names(await take(running)) == ["a-1"]


async def test_a_lease_that_runs_out_gives_the_same_one_again_before_its_followers(
    tmp_path: Path,
) -> None:
    clock = Ahead()
    async with way(tmp_path, Script(), clock=clock) as running:
        boxes, channel = running.exchange.mailboxes, running.channel.name
        await put(running, "a-0", "a-1", conversation="a")
        (first,) = await take(running)
        clock.hours = 0.1
        (again,) = await take(running)
        assert names([again]) == ["a-0"]
        assert await boxes.acknowledge(channel, FIRST, [first.hold]) == ["held-by-another"]
        assert await boxes.acknowledge(channel, FIRST, [again.hold]) == [""]
        assert names(await take(running)) == ["a-1"]


async def test_a_lease_that_ran_out_counts_while_nobody_else_has_it(tmp_path: Path) -> None:
    clock = Ahead()
    async with way(tmp_path, Script(), clock=clock) as running:
        await put(running, "a")
        (first,) = await take(running)
        clock.hours = 0.1
        boxes, channel = running.exchange.mailboxes, running.channel.name
        assert await boxes.acknowledge(channel, FIRST, [first.hold]) == [""]


async def test_a_lease_is_extended_within_its_limit(tmp_path: Path) -> None:
    clock = Ahead()
    limits = {"lease_seconds_max": 600}
    async with way(tmp_path, Script(), clock=clock, deliveries=limits) as running:
        boxes, channel = running.exchange.mailboxes, running.channel.name
        await put(running, "a", "b")
        (first, second) = await take(running)
        told, until = await boxes.extend(channel, FIRST, [first.hold], 300)
        assert (told, until // 10_000) == ([""], (clock.now() + 300_000) // 10_000)
        clock.hours = 0.05
        assert names(await take(running)) == ["b"], "only the other one is free again"
        told, _ = await boxes.extend(channel, FIRST, [first.hold, second.hold], 300)
        assert told == ["", "held-by-another"]
        told, _ = await boxes.extend(channel, FIRST, [first.hold], 500)
        assert told == ["limit"], "180 s have passed: 420 s are left of it"
        assert (await boxes.extend(channel, SECOND, [first.hold], 10))[0] == ["unknown"]


async def test_who_waits_is_woken_by_what_comes(tmp_path: Path) -> None:
    """Polling would take an hour here."""
    async with way(tmp_path, Script(), deliveries={"poll_seconds": HOUR}) as running:
        waiting = asyncio.create_task(take(running, wait_seconds=30))
        other = asyncio.create_task(take(running, wait_seconds=30, conversation="c"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await put(running, "a")
        assert names(await asyncio.wait_for(waiting, WAIT_SECONDS)) == ["a"]
        await put(running, "c-0", "c-1", conversation="c")
        (first,) = await asyncio.wait_for(other, WAIT_SECONDS)
        follower = asyncio.create_task(take(running, wait_seconds=30))
        await asyncio.sleep(0.05)
        assert not follower.done()
        boxes = running.exchange.mailboxes
        await boxes.acknowledge(running.channel.name, FIRST, [first.hold])
        assert names(await asyncio.wait_for(follower, WAIT_SECONDS)) == ["c-1"]


async def test_who_waits_looks_again_and_in_the_end_has_nothing(tmp_path: Path) -> None:
    async with way(tmp_path, Script()) as running:
        await put(running, "a")
        assert names(await take(running, seconds=1)) == ["a"]
        began = time.monotonic()
        assert await take(running, wait_seconds=0.1) == []
        # (By whole milliseconds.)
        assert time.monotonic() - began >= 0.098
        assert names(await take(running, wait_seconds=10)) == ["a"], "its lease ran out"
        running.exchange.mailboxes.arrivals.close()
        assert await take(running, wait_seconds=30) == [], "nobody waits at the end"


@pytest.mark.parametrize("fetched", [False, True])
async def test_what_nobody_acknowledges_is_dead_after_its_deadline(
    tmp_path: Path, fetched: bool
) -> None:
    clock = Ahead()
    async with way(tmp_path, Script(), clock=clock) as running:
        boxes = running.exchange.mailboxes
        await put(running, "old")
        clock.hours = 71
        await put(running, "young")
        if fetched:
            await take(running)
        assert await boxes.expire() == 0
        clock.hours = 96
        assert await boxes.expire() == 1
        (letter,) = await running.exchange.ledger.dead(10)
        assert letter.message.sender_message_id == "old"
        assert letter.delivery.reason == "deadline: not acknowledged in time"
        await boxes.resend([letter.delivery.id], ANN)
        assert await boxes.expire() == 0, "it has its whole time again"
        assert names(await take(running)) == ["old", "young"]
        clock.hours = 96.01
        assert await boxes.expire() == 0
        clock.hours = 96 + 73
        assert await boxes.expire() == 2


async def test_what_is_held_is_not_dead_at_its_deadline(tmp_path: Path) -> None:
    clock = Ahead()
    async with way(tmp_path, Script(), clock=clock) as running:
        boxes = running.exchange.mailboxes
        await put(running, "a")
        clock.hours = 71.99
        (held,) = await take(running, seconds=120)
        clock.hours = 72.01
        assert await boxes.expire() == 0
        assert await boxes.acknowledge(running.channel.name, FIRST, [held.hold]) == [""]


async def test_followers_have_no_deadline_while_another_one_holds_them_up(tmp_path: Path) -> None:
    clock = Ahead()
    async with way(tmp_path, Script(), clock=clock) as running:
        exchange, boxes = running.exchange, running.exchange.mailboxes
        await put(running, "a-0", "a-1", "a-2", conversation="a")
        await put(running, "loose")
        clock.hours = 80
        assert await boxes.expire() == 2, "the head and the one of no conversation"
        clock.hours = 800
        assert await boxes.expire() == 0
        told = await exchange.dead_letters.held_up()
        assert {receiver: each.deliveries for receiver, each in told.items()} == {FIRST: 2}
        head = next(
            each.delivery.id
            for each in await exchange.ledger.dead(10)
            if each.message.sender_message_id == "a-0"
        )
        assert await boxes.skip([head], ANN) == [head]
        assert await exchange.dead_letters.held_up() == {}
        assert names(await take(running)) == ["a-1"]
        assert await boxes.expire() == 0, "it is leased"

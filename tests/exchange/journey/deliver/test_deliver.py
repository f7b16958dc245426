"""The second half of the way on a real ledger: what fails is tried again, what is slow holds up
nobody, what is ordered stays so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import LedgerError, LedgerUnavailable, Unreachable
from exchange.ports import Actor, Delivery, Operator, Settlement
from exchange.ports.delivery import Attempted
from exchange.ports.ledger import EventRow
from exchange.schemas import directory as directories
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Directory
from exchange.schemas.envelope import public_id
from tests.exchange.journey import way as made
from tests.exchange.journey.way import FIRST, SECOND, Script, way
from tests.waiting import WAIT_SECONDS


def failing(wanted: Callable[[Delivery], bool], real: Callable[..., Any]) -> Callable[..., Any]:
    """A function of an adapter that raises for some deliveries."""

    def call(delivery: Delivery, *arguments: Any) -> Call | Attempted:
        if wanted(delivery):
            raise ZeroDivisionError("a bug")
        result: Call | Attempted = real(delivery, *arguments)
        return result

    return call


@pytest.mark.parametrize("part", ["request", "judge"])
async def test_an_adapter_that_raises_loses_nothing_and_ends_nothing(
    tmp_path: Path, part: str
) -> None:
    bug = failing(lambda each: each.envelope.sender_message_id == "bad", getattr(made, part))
    async with way(tmp_path, Script(), deliveries={"attempts_max": 3}, **{part: bug}) as running:
        bad = await running.send("bad")
        good = [await running.send(f"good-{number}") for number in range(20)]
        await running.settled()
        assert await running.state(bad) == ("dead", 3, "internal: ZeroDivisionError")
        assert [(await running.state(each))[0] for each in good] == ["delivered"] * 20


async def test_an_adapter_that_recovers_delivers_after_all(tmp_path: Path) -> None:
    bug = failing(lambda each: each.attempts < 2, made.request)
    async with way(tmp_path, Script(), request=bug) as running:
        message = await running.send("a")
        await running.settled()
        assert await running.state(message) == ("delivered", 3, "")
        kinds = [event.kind for event in await running.exchange.ledger.events(message)]
        assert kinds == ["accepted", "attempt-failed", "attempt-failed", "delivered", "answered"]


async def test_a_partner_that_refuses_or_stays_away_ends_in_the_dead_letters_and_may_be_resent(
    tmp_path: Path,
) -> None:
    well = False

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        if well:
            return Reply(200)
        if message_id == "away":
            raise Unreachable("nobody there")
        return Reply(499)

    async with way(tmp_path, Script(answer), deliveries={"attempts_max": 2}) as running:
        refused, away = await running.send("refused"), await running.send("away")
        await running.settled()
        assert await running.state(refused) == ("dead", 1, "refused")
        assert await running.state(away) == ("dead", 2, "unreachable: nobody there")
        well = True
        dead = [each.delivery.id for each in await running.exchange.ledger.dead(10)]
        ann = Actor(Operator("ann", "operator"), "192.0.2.1")
        resent, _ = await running.exchange.mailboxes.resend([*dead, 12345], ann)
        assert sorted(resent) == sorted(dead)
        rows = [row for _, row in await running.exchange.ledger.audited(10)]
        assert {(row.operator, row.what, row.address) for row in rows} == {
            ("ann", "resend", "192.0.2.1")
        }
        assert {row.target: row.outcome for row in rows} == {
            **{public_id(number): "done" for number in dead},
            public_id(12345): "no dead letter has that id",
        }
        await running.settled()
        assert (await running.state(away))[0] == (await running.state(refused))[0] == "delivered"


async def test_an_old_delivery_is_given_up_at_its_deadline(tmp_path: Path) -> None:
    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        return Reply(503)

    limits = {"deadline_seconds": 0.15, "attempts_max": 1000, "backoff_seconds_max": 0.02}
    async with way(tmp_path, Script(answer), deliveries=limits) as running:
        message = await running.send("a")
        await running.settled()
        state, attempts, reason = await running.state(message)
        assert (state, reason.partition(":")[0] in ("http-503", "deadline")) == ("dead", True)
        assert attempts == 3, "what came after it was known to fail were probes"


async def test_of_more_receivers_than_slots_each_has_its_turn(tmp_path: Path) -> None:
    go, receivers = asyncio.Event(), (FIRST, SECOND, "kela.benefits")

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        await go.wait()
        return Reply(200)

    async with way(tmp_path, Script(answer), deliveries={"concurrent_max": 1}) as running:
        for receiver in receivers:
            for number in range(3):
                await running.send(f"{receiver}-{number}", receiver)
        go.set()
        await running.settled()
        assert [receiver for receiver, _ in running.script.calls] == [*receivers] * 3


async def test_an_old_delivery_is_not_given_up_while_nobody_can_say_whether_it_was_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_of: list[Delivery] = []

    def request(delivery: Delivery) -> Call:
        made_of.append(delivery)
        return made.request(delivery)

    async def silent(message_id: int) -> list[EventRow]:
        raise LedgerUnavailable("no answer")

    async with way(tmp_path, Script(), request=request) as running:
        await running.send("a")
        await running.settled()
        envelope = replace(made_of[0].envelope, received_at=0)
        attempts = running.exchange.attempts
        assert await attempts.is_over(replace(made_of[0], envelope=envelope, since=0))
        monkeypatch.setattr(running.exchange.ledger, "events", silent)
        assert not await attempts.is_over(replace(made_of[0], envelope=envelope, since=0))


@pytest.mark.parametrize("slow_ones", [1, 3])
async def test_slow_receivers_hold_up_nobody_else(tmp_path: Path, slow_ones: int) -> None:
    slow = [FIRST, "kela.benefits", "kela.benefit-register"][:slow_ones]
    all_sent, well = asyncio.Event(), asyncio.Event()

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        await (well if receiver in slow else all_sent).wait()
        return Reply(200)

    limits = {"ready_max": 16, "concurrent_max": 12, "concurrent_receiver_max": 3}
    # (Room that is made is used at once, not at the next poll.)
    limits["poll_seconds"] = 3600
    async with way(tmp_path, Script(answer), deliveries=limits) as running:
        for number in range(60):
            for receiver in slow:
                await running.send(f"{receiver}-{number}", receiver)
        for number in range(40):
            await running.send(f"quick-{number}", SECOND)
        all_sent.set()
        await running.until(
            lambda: sum(receiver == SECOND for receiver, _ in running.script.taken) == 40
        )
        assert 0 < running.exchange.dispatcher.held <= 16, "memory is used and stays bounded"
        well.set()
        await running.settled()
        assert len(running.script.taken) == len(set(running.script.taken)) == 40 + 60 * slow_ones


async def test_what_is_in_memory_is_not_looked_for_in_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with way(tmp_path, Script(), deliveries={"poll_seconds": 3600}) as running:
        waiting, looks = running.exchange.ledger.waiting, 0

        async def counted(*arguments: Any, **named: Any) -> Any:
            nonlocal looks
            looks += 1
            return await waiting(*arguments, **named)

        monkeypatch.setattr(running.exchange.ledger, "waiting", counted)
        for number in range(20):
            await running.send(f"m-{number}")
            await running.until(lambda: not running.exchange.dispatcher.held)
        assert looks <= 3, "but for those at the start"


@pytest.mark.parametrize("slow_ones", [1, 3])
async def test_slow_receivers_hold_up_nobody_else_after_a_restart(
    tmp_path: Path, slow_ones: int
) -> None:
    slow = [FIRST, "kela.benefits", "kela.benefit-register"][:slow_ones]
    well = asyncio.Event()

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        if receiver in slow:
            await well.wait()
        return Reply(200)

    limits = {"ready_max": 16, "concurrent_max": 12, "concurrent_receiver_max": 3}
    async with way(tmp_path, Script(answer), deliveries=limits) as running:
        await running.exchange.dispatcher.stop()
        for number in range(60):
            for receiver in slow:
                await running.send(f"{receiver}-{number}", receiver)
        for number in range(40):
            await running.send(f"quick-{number}", SECOND)
        assert not running.script.calls, "all of them are left to the next start"
    async with way(tmp_path, Script(answer), deliveries=limits) as running:
        await running.until(
            lambda: sum(receiver == SECOND for receiver, _ in running.script.taken) == 40
        )
        assert running.exchange.dispatcher.held <= 16, "memory stays bounded"
        well.set()
        await running.settled()
        assert len(running.script.taken) == len(set(running.script.taken)) == 40 + 60 * slow_ones


@pytest.mark.parametrize("ready_max", [4096, 4])
async def test_an_ordered_conversation_keeps_its_order_over_failures(
    tmp_path: Path, ready_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        await asyncio.sleep(0.002)
        number = int(message_id.rpartition("-")[2])
        return Reply(200 if attempt > number % 3 else 503)

    async with way(tmp_path, Script(answer), deliveries={"ready_max": ready_max}) as running:
        failures = iter((True, False, True, True))
        settle = running.exchange.ledger.settle

        async def sometimes(settlement: Settlement) -> bool:
            if settlement.state == "delivered" and next(failures, False):
                raise LedgerError("busy just now")
            return await settle(settlement)

        monkeypatch.setattr(running.exchange.ledger, "settle", sometimes)
        for number in range(12):
            for conversation in ("a", "b"):
                await running.send(f"{conversation}-{number}", conversation=conversation)
        await running.settled()
        for conversation in ("a", "b"):
            taken = [
                message_id
                for _, message_id in running.script.taken
                if message_id.startswith(conversation)
            ]
            # What the ledger failed to note at first was not made again for it.
            assert taken == [f"{conversation}-{number}" for number in range(12)]


async def test_an_ordered_conversation_keeps_its_order_over_a_restart(tmp_path: Path) -> None:
    async def down(receiver: str, message_id: str, attempt: int) -> Reply:
        raise Unreachable("down")

    async with way(tmp_path, Script(down)) as running:
        for number in range(8):
            await running.send(f"c-{number}", conversation="c")
        await running.until(lambda: len(running.script.calls) > 3)
        assert set(running.script.calls) == {(FIRST, "c-0")}, "nothing overtakes the first"
    async with way(tmp_path, Script()) as running:
        await running.settled()
        assert [message_id for _, message_id in running.script.taken] == [
            f"c-{number}" for number in range(8)
        ]


async def test_a_stop_lets_what_is_being_made_end_and_waits_for_nothing_else(
    tmp_path: Path,
) -> None:
    entered = asyncio.Event()

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        if message_id == "paused-0":
            return Reply(503)
        entered.set()
        await asyncio.sleep(0.2)
        return Reply(200)

    limits = {"first_backoff_seconds": 60, "concurrent_receiver_max": 1}
    async with way(tmp_path, Script(answer), deliveries=limits) as running:
        paused = await running.send("paused-0", conversation="p")
        making, later = await running.send("making", SECOND), await running.send("later", SECOND)
        await asyncio.wait_for(entered.wait(), WAIT_SECONDS)
        await running.until(lambda: (FIRST, "paused-0") in running.script.calls)
        began = time.monotonic()
        await running.exchange.dispatcher.stop()
        assert time.monotonic() - began < 30, "a pause of a minute is nothing to wait for"
        assert [(await running.state(each))[0] for each in (paused, making, later)] == [
            "waiting",
            "delivered",
            "waiting",
        ]


async def test_a_stop_cuts_off_what_takes_too_long_and_it_is_made_again_after_a_restart(
    tmp_path: Path,
) -> None:
    async def never(receiver: str, message_id: str, attempt: int) -> Reply:
        await asyncio.sleep(3600)
        return Reply(200)

    async with way(tmp_path, Script(never)) as running:
        message = await running.send("a")
        await running.until(lambda: bool(running.script.calls))
        await running.exchange.dispatcher.stop(grace_seconds=0.05)
        assert (await running.state(message))[0] == "waiting"
    async with way(tmp_path, Script()) as running:
        await running.settled()
        assert (await running.state(message))[0] == "delivered"


async def test_the_feed_outlives_a_ledger_that_fails_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with way(tmp_path, Script(), deliveries={"ready_max": 2, "concurrent_max": 1}) as running:
        waiting, failures = running.exchange.ledger.waiting, iter((True, True, True))

        async def sometimes(*arguments: Any, **named: Any) -> list[int]:
            if next(failures, False):
                raise OSError("disk")
            return await waiting(*arguments, **named)

        monkeypatch.setattr(running.exchange.ledger, "waiting", sometimes)
        for number in range(20):
            await running.send(f"m-{number}")
        await running.settled()
        assert len(running.script.taken) == 20


async def test_a_receiver_that_left_the_directory_harms_no_other(tmp_path: Path) -> None:
    everybody = directories.load()
    fewer = Directory([each for each in everybody if each.id != FIRST])
    async with way(
        tmp_path, Script(), fewer, deliveries={"attempts_max": 2, "ready_max": 4}
    ) as running:
        gone = [await running.send(f"gone-{number}") for number in range(10)]
        there = await running.send("there", SECOND)
        await running.settled()
        assert {await running.state(each) for each in gone} == {
            ("dead", 2, "receiver-unknown: not in the partner directory")
        }
        assert (await running.state(there))[0] == "delivered"
        assert {receiver for receiver, _ in running.script.calls} == {SECOND}

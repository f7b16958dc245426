"""Receivers that fail, in virtual time: nothing is given up before its deadline, order is kept,
others are not delayed; a message that alone fails is poison.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from pathlib import Path

import pytest

from exchange.ports import Actor, Delivery, Operator
from exchange.schemas.call import Reply
from exchange.simulation.clock import VirtualClock
from exchange.simulation.loop import VirtualLoop, run
from tests.exchange.journey.way import FIRST, SECOND, Script, Way, way

THIRD = "fund.pro"
BEGUN_AT = 1_704_060_000_000
#: As they are by default, in place of the shorter ones of the other tests.
DEFAULTS = {"first_backoff_seconds": 1.0, "poll_seconds": 1.0}
#: The same, looked at less often: hours of virtual time then pass in seconds.
SELDOM = {**DEFAULTS, "poll_seconds": 30.0}
ACTOR = Actor(Operator("someone", "operator"), "127.0.0.1")


def clock() -> VirtualClock:
    """The running loop's."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return VirtualClock(loop, BEGUN_AT, 1)


async def kinds(running: Way, message: int) -> Counter[str]:
    """How often what happened to a message."""
    return Counter(each.kind for each in await running.exchange.ledger.events(message))


def test_an_outage_of_three_hours_and_a_lost_key_cost_no_message_and_no_order(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        time = clock()
        down, locked = BEGUN_AT + 3 * 3_600_000, BEGUN_AT + 600_000
        sent_at: dict[str, int] = {}
        delays: list[int] = []

        async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
            if receiver == FIRST and time.now() < down:
                return Reply(503)
            if receiver == SECOND and time.now() < locked:
                return Reply(401)
            if receiver == THIRD:
                delays.append(time.now() - sent_at[message_id])
            return Reply(200)

        async with way(tmp_path, Script(answer), deliveries=SELDOM, clock=time) as running:
            messages = [
                await running.send(f"{receiver}-{talk}-{number}", receiver, conversation=f"c{talk}")
                for number in range(4)
                for talk in range(20)
                for receiver in (FIRST, SECOND)
            ]
            loose = [await running.send(f"loose-{number}", FIRST) for number in range(20)]
            for number in range(70):
                sent_at[f"other-{number}"] = time.now()
                await running.send(f"other-{number}", THIRD)
                await time.sleep(180)
            assert {(await running.state(each))[0] for each in messages + loose} == {"delivered"}
            assert len(delays) == 70
            assert max(delays) < 100
            for receiver in (FIRST, SECOND):
                taken = [name for to, name in running.script.taken if to == receiver]
                for talk in range(20):
                    mine = [name for name in taken if name.startswith(f"{receiver}-{talk}-")]
                    assert mine == [f"{receiver}-{talk}-{number}" for number in range(4)]
            probed = sum([(await kinds(running, each))["probe-failed"] for each in messages])
            states = {each.receiver: each for each in await running.exchange.receiver_states.all()}
            assert probed > 30
            assert states[FIRST].state == "up"
            assert states[FIRST].outages == 1
            # (Those of the unordered are counted with them.)
            assert states[FIRST].probes + states[SECOND].probes >= probed + 2
            calls = Counter(running.script.calls)
            for each in messages:
                told = await kinds(running, each)
                row = await running.exchange.ledger.message(each)
                assert row is not None
                (delivery,) = await running.exchange.ledger.deliveries(each)
                made = calls[delivery.receiver, row.sender_message_id]
                assert made == told["delivered"] + told["attempt-failed"] + told["probe-failed"]

    run(main())


def test_probes_go_to_another_conversation_each_time_so_that_poison_holds_nobody_up(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        time = clock()

        async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
            return Reply(500 if message_id.startswith("poison") else 200)

        async with way(tmp_path, Script(answer), deliveries=SELDOM, clock=time) as running:
            poison = [
                await running.send(f"poison-{talk}", conversation=f"p{talk}") for talk in range(4)
            ]
            followers = [
                await running.send(f"after-{talk}", conversation=f"p{talk}") for talk in range(4)
            ]
            await time.sleep(60)
            well = [await running.send(f"well-{n}", conversation=f"w{n}") for n in range(3)]
            await time.sleep(300)
            assert {(await running.state(each))[0] for each in well} == {"delivered"}
            for number in range(300):
                await running.send(f"more-{number}")
                await time.sleep(60)
            assert {(await running.state(each))[:2] for each in poison} == {("dead", 12)}
            assert {(await running.state(each))[0] for each in followers} == {"waiting"}
            await running.exchange.mailboxes.resend(
                [(await running.exchange.ledger.deliveries(poison[0]))[0].id], ACTOR
            )
            await time.sleep(35)
            assert (await running.state(followers[0]))[0] == "waiting", "its head goes first"

    run(main())


def test_what_waits_for_a_receiver_ends_at_its_deadline(tmp_path: Path) -> None:
    async def main() -> None:
        time = clock()

        async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
            return Reply(404)

        limits = {**DEFAULTS, "deadline_seconds": 3600}
        async with way(tmp_path, Script(answer), deliveries=limits, clock=time) as running:
            loose = [await running.send(f"m{number}") for number in range(5)]
            head, follower = [await running.send(f"o{n}", conversation="c") for n in range(2)]
            await time.sleep(3500)
            states = {(await running.state(each))[0] for each in [*loose, head]}
            assert states == {"waiting"}
            await time.sleep(300)
            states = {(await running.state(each))[0] for each in [*loose, head]}
            assert states == {"dead"}
            assert (await running.state(follower))[0] == "waiting"

    run(main())


@pytest.mark.parametrize("ordered", [False, True])
def test_a_message_that_is_alone_at_its_receiver_is_probed_until_its_deadline(
    tmp_path: Path, ordered: bool
) -> None:
    """Nobody can tell whether it or its receiver is at fault: no attempt is spent by a probe."""

    async def main() -> None:
        time = clock()

        async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
            return Reply(500)

        limits = {**SELDOM, "deadline_seconds": 3600, "attempts_max": 5}
        async with way(tmp_path, Script(answer), deliveries=limits, clock=time) as running:
            hints = {"conversation": "c"} if ordered else {}
            message = await running.send("alone", **hints)
            await time.sleep(3500)
            state, attempts, _ = await running.state(message)
            told = await kinds(running, message)
            assert (state, attempts) == ("waiting", told["attempt-failed"])
            assert attempts == 3, "as many as it takes to count as failing"
            assert told["probe-failed"] > 30
            assert len(running.script.calls) == attempts + told["probe-failed"]
            (found,) = await running.exchange.receiver_states.all()
            assert (found.state, found.failures) == ("failing", told["probe-failed"])
            await time.sleep(300)
            state, attempts, why = await running.state(message)
            assert (state, attempts) == ("dead", 3)
            # By a probe that was due then, or between two of them.
            assert why in {"http-500", "deadline: the receiver was failing or paused"}

    run(main())


@pytest.mark.parametrize("status", [400, 410, 422])
def test_a_status_about_the_message_spends_its_attempts_and_stops_nobody(
    tmp_path: Path, status: int
) -> None:
    async def main() -> None:
        time = clock()

        async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
            return Reply(status if message_id == "bad" else 200)

        limits = {**DEFAULTS, "attempts_max": 4}
        async with way(tmp_path, Script(answer), deliveries=limits, clock=time) as running:
            bad = await running.send("bad")
            await time.sleep(60)
            assert await running.state(bad) == ("dead", 4, f"http-{status}")
            assert not await running.exchange.receiver_states.all()

    run(main())


def test_a_wait_that_is_asked_for_is_kept_within_the_limit(tmp_path: Path) -> None:
    async def main() -> None:
        time = clock()
        called: list[int] = []

        async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
            called.append((time.now() - BEGUN_AT) // 1000)
            headers = {"Retry-After": "600" if attempt == 1 else "99999999"}
            return Reply(429, headers=headers)

        limits = {**DEFAULTS, "backoff_seconds_max": 1200}
        async with way(tmp_path, Script(answer), deliveries=limits, clock=time) as running:
            await running.send("a")
            await time.sleep(600 + 1200 + 100)
            assert called[:3] == pytest.approx([0, 600, 1800], abs=5)

    run(main())


def test_a_paused_receiver_is_called_when_it_is_resumed_and_not_before(tmp_path: Path) -> None:
    async def main() -> None:
        time = clock()
        async with way(tmp_path, Script(), deliveries=DEFAULTS, clock=time) as running:
            states = running.exchange.receiver_states
            row = ACTOR.did(time.now(), "pause", FIRST, "done")
            assert await states.pause(FIRST, time.now(), "at work", row)
            assert not await states.pause(FIRST, time.now(), "again", row)
            await time.sleep(2)
            message = await running.send("a")
            ordered = await running.send("b", conversation="c")
            await time.sleep(7200)
            assert not running.script.calls
            resumed = ACTOR.did(time.now(), "resume", FIRST, "done")
            assert await states.resume(FIRST, time.now(), resumed)
            await time.sleep(3)
            assert {(await running.state(each))[0] for each in (message, ordered)} == {"delivered"}
            audited = await running.exchange.ledger.audited(10)
            assert [each.outcome for _, each in audited] == ["done", "nothing to change", "done"]

    run(main())


def test_what_waits_for_a_paused_receiver_ends_at_its_deadline_without_a_call(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        time = clock()
        limits = {**SELDOM, "deadline_seconds": 3600}
        async with way(tmp_path, Script(), deliveries=limits, clock=time) as running:
            row = ACTOR.did(time.now(), "pause", FIRST, "done")
            assert await running.exchange.receiver_states.pause(FIRST, time.now(), "at work", row)
            await time.sleep(40)
            loose = await running.send("a")
            head, follower = [await running.send(f"o{n}", conversation="c") for n in range(2)]
            await time.sleep(3700)
            states = [(await running.state(each))[0] for each in (loose, head, follower)]
            assert states == ["dead", "dead", "waiting"]
            assert not running.script.calls

    run(main())


@pytest.mark.parametrize("meanwhile", ["taken", "being made"])
async def test_what_was_taken_up_is_not_expired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    async with way(tmp_path, Script()) as running:
        exchange, dispatcher = running.exchange, running.exchange.dispatcher
        now = exchange.clock.now()
        row = ACTOR.did(now, "pause", FIRST, "done")
        assert await exchange.receiver_states.pause(FIRST, now, "at work", row)
        await running.until(lambda: exchange.receivers.stopped(FIRST))
        message = await running.send("m-1")
        (queue,) = dispatcher._queues.values()
        (delivery,) = queue.waiting

        async def is_over(delivery: Delivery) -> bool:
            # While the ledger answers, other tasks go on.
            if meanwhile == "taken":
                queue.waiting.remove(delivery)
            else:
                queue.active = 1
            return True

        with monkeypatch.context() as patched:
            patched.setattr(dispatcher._attempts, "is_over", is_over)
            await dispatcher._expire(queue)
        queue.active, queue.waiting = 0, deque([delivery])
        assert (await running.state(message))[0] == "waiting"

"""The clock steps, while the exchange runs and between two runs: what was put off to a time before
it waits for no longer than it ever may, and no id is given twice.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from exchange.clocks import Deadline
from exchange.ports import Inbound
from exchange.ports.ledger import Wanted
from exchange.schemas.call import Reply
from tests.exchange.journey.way import BODY, FIRST, SENDER, Script, Way, way
from tests.waiting import WAIT_SECONDS

DAY_MILLISECONDS = 86_400_000


class Stepping:
    """The wall clock, and a step."""

    def __init__(self) -> None:
        self.step_milliseconds = 0

    def now(self) -> int:
        """The wall clock's time after the step."""
        return time.time_ns() // 1_000_000 + self.step_milliseconds

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def until_failing(running: Way) -> None:
    """Wait until the exchange found out that its receiver fails, and put a probe off."""
    await running.until(lambda: running.exchange.receivers.stopped(FIRST))


@pytest.mark.parametrize("days", [-400, -3, 2])
async def test_a_receiver_that_failed_before_the_step_is_probed_after_it(
    days: int, tmp_path: Path
) -> None:
    clock, well = Stepping(), asyncio.Event()

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        return Reply(200 if well.is_set() else 503)

    # The next probe is a while away when the clock steps.
    async with way(
        tmp_path, Script(answer), clock=clock, deliveries={"first_backoff_seconds": 0.5}
    ) as running:
        for number in range(6):
            await running.send(f"m{number}", conversation="one")
            await running.send(f"n{number}")
        await until_failing(running)
        well.set()
        clock.step_milliseconds = days * DAY_MILLISECONDS
        await running.settled()


@pytest.mark.parametrize("days", [-3, 2])
async def test_a_receiver_that_failed_before_a_restart_is_probed_after_it(
    days: int, tmp_path: Path
) -> None:
    clock = Stepping()

    async def fails(receiver: str, message_id: str, attempt: int) -> Reply:
        return Reply(503)

    async with way(tmp_path, Script(fails), clock=clock) as running:
        await running.send("m", conversation="one")
        await running.send("n")
        await until_failing(running)
    clock.step_milliseconds = days * DAY_MILLISECONDS
    async with way(tmp_path, Script(), clock=clock) as running:
        await running.settled()


async def test_a_lease_from_before_the_step_ends_after_the_longest(tmp_path: Path) -> None:
    clock = Stepping()
    async with way(
        tmp_path, Script(), clock=clock, deliveries={"lease_seconds_max": 1.0}
    ) as running:
        await running.send("m", mode="mailbox")
        mailboxes, wanted = running.exchange.mailboxes, Wanted("luova", FIRST, 10)
        assert len(await mailboxes.lease(wanted, 1.0)) == 1
        clock.step_milliseconds = -DAY_MILLISECONDS
        assert len(await mailboxes.lease(wanted, 1.0, wait_seconds=10.0)) == 1


async def test_nobody_waits_for_days_in_a_mailbox(tmp_path: Path) -> None:
    clock = Stepping()
    async with way(tmp_path, Script(), clock=clock) as running:
        waiting = asyncio.ensure_future(
            running.exchange.mailboxes.lease(Wanted("luova", FIRST, 10), 60.0, wait_seconds=0.3)
        )
        await asyncio.sleep(0.1)
        clock.step_milliseconds = -DAY_MILLISECONDS
        async with asyncio.timeout(WAIT_SECONDS):
            assert await waiting == []


def asking(running: Way, message_id: str) -> Inbound:
    """A message whose sender waits for the answer."""
    sender = running.exchange.directory.get(SENDER)
    assert sender is not None
    hints = {"type": "population.births", "id": message_id, "receiver": FIRST, "mode": "ask"}
    return Inbound(sender, BODY, "application/json", "api", hints)


async def test_nobody_waits_for_days_for_an_answer(tmp_path: Path) -> None:
    clock, called = Stepping(), asyncio.Event()

    async def breaks(receiver: str, message_id: str, attempt: int) -> Reply:
        called.set()
        raise ValueError

    async with way(tmp_path, Script(breaks), clock=clock) as running:
        waiting = asyncio.ensure_future(
            running.exchange.asking.ask(running.channel, asking(running, "m"), 0.5)
        )
        await called.wait()
        clock.step_milliseconds = -DAY_MILLISECONDS
        async with asyncio.timeout(WAIT_SECONDS):
            outcome, answer = await waiting
        assert answer is None
        assert (await running.state(outcome.envelope.id))[0] == "dead"


async def test_what_was_asked_before_a_restart_is_given_up_after_it(tmp_path: Path) -> None:
    clock, called = Stepping(), asyncio.Event()

    async def hangs(receiver: str, message_id: str, attempt: int) -> Reply:
        called.set()
        await asyncio.sleep(60)
        return Reply(200)

    async with way(tmp_path, Script(hangs), clock=clock) as running:
        waiting = asyncio.ensure_future(
            running.exchange.asking.ask(running.channel, asking(running, "m"), 60.0)
        )
        await called.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    clock.step_milliseconds = -DAY_MILLISECONDS
    async with way(tmp_path, Script(), clock=clock) as running:
        assert not sum((await running.exchange.ledger.waiting_by_channel()).values())


async def test_no_id_is_given_twice_over_a_restart(tmp_path: Path) -> None:
    class Still(Stepping):
        """A clock that stands still, so that every id could be met again."""

        def now(self) -> int:
            return 1_767_225_600_000 + self.step_milliseconds

    clock = Still()
    async with way(tmp_path, Script(), clock=clock) as running:
        before = [await running.send(f"m{number}") for number in range(20)]
        await running.settled()
    clock.step_milliseconds = -2
    async with way(tmp_path, Script(), clock=clock) as running:
        after = [await running.send(f"n{number}") for number in range(20)]
        await running.settled()
    assert sorted({*before, *after}) == before + after


@pytest.mark.parametrize(
    ("steps", "left_seconds"), [((0,), 5), ((-60_000,), 5), ((1000, -60_000), 4), ((6000,), -1)]
)
def test_a_deadline_is_not_put_off(steps: tuple[int, ...], left_seconds: int) -> None:
    class Set:
        def __init__(self) -> None:
            self.time = 1_767_225_600_000

        def now(self) -> int:
            return self.time

        async def sleep(self, seconds: float) -> None:
            raise AssertionError

    clock = Set()
    deadline = Deadline(clock, 5.0)
    for step in steps:
        clock.time += step
        left = deadline.left_seconds()
    assert left == left_seconds

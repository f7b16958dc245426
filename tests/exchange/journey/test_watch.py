"""What a channel does on its own accord: watches run on the clock, fail without harm to others, and
end with the exchange.
"""

from __future__ import annotations

import asyncio
from typing import Any

from exchange import discovery
from exchange.errors import LedgerClosed
from exchange.journey.watch import Watching
from exchange.ports import Watch

CHANNEL = discovery.channels()["luova"]


class Ticks:
    """A clock whose time passes at once, a number of times."""

    def __init__(self, ticks: int) -> None:
        self.slept: list[float] = []
        self._ticks = ticks

    def now(self) -> int:
        return 0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > self._ticks:
            await asyncio.Event().wait()
        await asyncio.sleep(0)


class Counted:
    """A watch that notes its runs and does as told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self._error = error

    async def __call__(self, desk: Any) -> None:
        self.runs += 1
        if self._error is not None:
            raise self._error


async def rounds(*watches: Counted, ticks: int = 10) -> Ticks:
    """Run them until the clock stands still."""
    clock = Ticks(ticks)
    desk: Any = None
    watching = Watching(
        [(CHANNEL, Watch(f"w{index}", 3.0, run), desk) for index, run in enumerate(watches)], clock
    )
    watching.start()
    for _ in range(ticks * 6):
        await asyncio.sleep(0)
    await watching.stop()
    return clock


async def test_a_watch_runs_again_and_again_with_its_period_between() -> None:
    watch = Counted()
    clock = await rounds(watch)
    assert watch.runs == 11
    assert set(clock.slept) == {3.0}


async def test_a_watch_that_fails_is_tried_again_and_stops_no_other() -> None:
    failing, other = Counted(ValueError("no such folder")), Counted()
    await rounds(failing, other)
    assert failing.runs > 2
    assert other.runs > 2


async def test_a_watch_ends_when_the_ledger_is_closed() -> None:
    watch = Counted(LedgerClosed("closed"))
    await rounds(watch)
    assert watch.runs == 1


async def test_once_runs_each_in_order() -> None:
    order: list[str] = []

    async def first(desk: Any) -> None:
        order.append("first")

    async def second(desk: Any) -> None:
        order.append("second")

    desk: Any = None
    watches = [(CHANNEL, Watch(run.__name__, 1.0, run), desk) for run in (first, second)]
    await Watching(watches, Ticks(0)).once()
    assert order == ["first", "second"]

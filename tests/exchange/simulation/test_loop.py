"""Virtual time: sleepers wake in order and at once, times are exact, and a loop that can't go on
says so.
"""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction

import pytest

from exchange.simulation.clock import FastClock, VirtualClock, tick_milliseconds
from exchange.simulation.loop import Stalled, VirtualLoop, run

BEGUN_AT = 1_704_060_000_000


def clock_of_this_loop(tick: int = 60_000) -> VirtualClock:
    """A clock on the running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return VirtualClock(loop, BEGUN_AT, tick)


def test_a_year_passes_in_no_time_and_in_order() -> None:
    async def main() -> list[tuple[str, int]]:
        clock, woken = clock_of_this_loop(), []

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append((name, clock.now() - BEGUN_AT))

        await asyncio.gather(
            sleeper("year", 366 * 86_400),
            sleeper("second", 1),
            sleeper("tick", 0.001),
            sleeper("day", 86_400.5),
        )
        return woken

    begun = time.monotonic()
    assert run(main()) == [
        ("tick", 1),
        ("second", 1000),
        ("day", 86_400_500),
        ("year", 366 * 86_400_000),
    ]
    assert time.monotonic() - begun < 10


def test_timeouts_are_simulated_as_well() -> None:
    async def main() -> int:
        clock = clock_of_this_loop()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return clock.now() - BEGUN_AT

    assert run(main()) == 3_600_000


def test_what_goes_to_a_thread_runs_here() -> None:
    async def main() -> str:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return await asyncio.to_thread(lambda: "done")

    assert run(main()) == "done"


def test_a_loop_on_which_nothing_will_happen_says_so() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    loop = VirtualLoop()
    waiting = loop.create_task(main())
    with pytest.raises(Stalled):
        loop.run_until_complete(waiting)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(waiting)
    loop.close()


def test_a_moment_holds_during_its_tick_only() -> None:
    async def main() -> list[int]:
        clock, seen = clock_of_this_loop(900_000), []
        clock.stand(BEGUN_AT + 1234)
        seen.append(clock.now() - BEGUN_AT)
        await asyncio.create_task(clock.sleep(0))
        seen.append(clock.now() - BEGUN_AT)
        await clock.sleep(1000)
        seen.append(clock.now() - BEGUN_AT)
        return seen

    assert run(main()) == [1234, 1234, 1_000_000]


def test_ticks_are_shorter_where_there_is_more() -> None:
    lengths = [tick_milliseconds(Fraction(1, part)) for part in (1, 10, 100, 1000, 100_000)]
    assert lengths == [1_800_000, 14_400_000, 86_400_000, 86_400_000, 86_400_000]


async def test_a_fast_clock_runs_at_its_factor() -> None:
    wall = [1_000_000]
    clock = FastClock(60, 5_000_000, lambda: wall[0])
    assert clock.now() == 5_000_000
    wall[0] += 1000
    assert clock.now() == 5_060_000
    begun = time.monotonic()
    await clock.sleep(3)
    assert time.monotonic() - begun < 2
    with pytest.raises(ValueError, match="above 0"):
        FastClock(0, 0, lambda: 0)

"""When partners send what they send once, at their beginning: each call at a moment of its own; no exchange."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from exchange.simulation.clock import VirtualClock
from exchange.simulation.loop import VirtualLoop
from exchange.simulation.society import Society
from partners.faults import Faults
from partners.stub import Sending
from schemas.call import Call, Reply
from schemas.directory import Directory

MINUTE, BEGUN_AT = 60_000, 20_000 * 86_400_000


@pytest.mark.parametrize(("tick_minutes", "left_minutes"), [(5, 5), (1440, 120)])
def test_partners_of_all_parts_begin_one_by_one_in_what_is_left_of_the_tick(tick_minutes: int, left_minutes: int) -> None:
    # A simulated year begins at midnight of Finland, two hours before a day of UTC does.
    moments = sorted(
        moment for part in range(4) for moment in begun(part, 4, BEGUN_AT - left_minutes * MINUTE, tick_minutes * MINUTE)
    )
    apart = left_minutes * MINUTE // 8
    assert moments == [number * apart for number in range(8)]


def begun(part: int, parts: int, since: int, tick: int) -> list[int]:
    """The moments, after `since`, of the two calls that partners make when they begin."""
    loop = VirtualLoop()
    clock = VirtualClock(loop, since, tick)
    moments: list[int] = []

    async def call(made: Call) -> Reply:
        moments.append(clock.now() - since)
        return Reply(200, b"")

    async def live() -> None:
        await society.begin(part, parts)
        assert clock.now() == since, "whoever let them begin has the tick's time still"

    stub = SimpleNamespace(begin=lambda directory, situation: [Sending(Call("POST", f"/{number}")) for number in (1, 2)])
    society = Society([cast(Any, stub)], Directory([]), cast(Any, SimpleNamespace(seed=1)), Faults((), 1), clock)
    society.go_through(cast(Any, SimpleNamespace(call=call)))
    try:
        loop.run_until_complete(live())
    finally:
        loop.close()
    return moments

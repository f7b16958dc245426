"""When partners send what they send once, at their beginning, and what follows from a call: each
call at a moment of its own; no exchange.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from exchange.partners.faults import Faults
from exchange.partners.stub import Sending, Served, Situation
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Directory, Partner
from exchange.simulation.clock import VirtualClock
from exchange.simulation.local_partners import AT_ONCE_MAX, FOLLOWS_SECONDS, LocalPartners
from exchange.simulation.loop import VirtualLoop

MINUTE, BEGUN_AT = 60_000, 20_000 * 86_400_000


@pytest.mark.parametrize(("tick_minutes", "left_minutes"), [(5, 5), (1440, 120)])
def test_partners_of_all_parts_begin_one_by_one_in_what_is_left_of_the_tick(
    tick_minutes: int, left_minutes: int
) -> None:
    # A simulated year begins at midnight of Finland, two hours before a day of UTC does.
    moments = sorted(
        moment
        for part in range(4)
        for moment in begun(part, 4, BEGUN_AT - left_minutes * MINUTE, tick_minutes * MINUTE)
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
        await local_partners.begin(part, parts)
        assert clock.now() == since, "whoever let them begin has the tick's time still"

    stub = SimpleNamespace(
        begin=lambda directory, situation: [
            Sending(Call("POST", f"/{number}")) for number in (1, 2)
        ]
    )
    local_partners = local_partners_of(stub, clock, call)
    try:
        loop.run_until_complete(live())
    finally:
        loop.close()
    return moments


def local_partners_of(
    stub: object, clock: VirtualClock, call: Callable[[Call], Awaitable[Reply]]
) -> LocalPartners:
    """All partners played by one stub; their calls go to `call`."""
    local_partners = LocalPartners(
        [cast(Any, stub)], Directory([]), cast(Any, SimpleNamespace(seed=1)), Faults((), 1), clock
    )
    local_partners.go_through(cast(Any, SimpleNamespace(call=call)))
    return local_partners


def followed(calls: int, tick: int, *, fails: bool = False) -> tuple[list[int], int]:
    """The moments, after the beginning, of what follows from so many calls of the exchange, and how
    many were made at once at most.
    """
    loop = VirtualLoop()
    clock = VirtualClock(loop, BEGUN_AT, tick)
    moments: list[int] = []
    at_once: list[int] = [0, 0]

    async def call(made: Call) -> Reply:
        moments.append(clock.now() - BEGUN_AT)
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0)
        at_once[0] -= 1
        if fails:
            raise ValueError("a stub's mistake")
        return Reply(200, b"")

    def serve(partner: Partner, call: Call, situation: Situation) -> Served:
        return Served(Reply(200, b""), (Sending(Call("POST", "/answer")),))

    async def live() -> None:
        for number in range(calls):
            await local_partners.send(
                Partner("a", "A", "bank"), Call("POST", "/", body=b"%d" % number), 1
            )
        await clock.sleep(2 * FOLLOWS_SECONDS[1])
        local_partners.end_day()

    local_partners = local_partners_of(SimpleNamespace(serve=serve), clock, call)
    try:
        loop.run_until_complete(live())
    finally:
        loop.close()
    return moments, at_once[1]


@pytest.mark.parametrize("tick_minutes", [5, 30, 1440])
def test_what_follows_is_sent_at_its_moments_a_part_at_once(tick_minutes: int) -> None:
    moments, at_once = followed(500, tick_minutes * MINUTE)
    least, most = (seconds * 1000 for seconds in FOLLOWS_SECONDS)
    assert len(moments) == 500
    assert least <= min(moments) < least + 60_000, "as soon as partners answer at the earliest"
    assert most - 60_000 < max(moments) < most, "as late as they do"
    assert 1 < at_once <= AT_ONCE_MAX


def test_what_fails_in_what_follows_is_not_lost_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(ValueError, match="a stub's mistake"):
        followed(30, 5 * MINUTE, fails=True)
    gc.collect()
    assert not caplog.records, "the loop tells of each that nobody asked for"

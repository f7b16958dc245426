"""Time in a test's hand: whoever sleeps wakes when it has come."""

from __future__ import annotations

import asyncio

import pytest

from exchange.testing.clock import HandClock


async def test_who_sleeps_wakes_when_the_time_has_come() -> None:
    clock = HandClock()
    begun = clock.now()
    long, longer = (asyncio.ensure_future(clock.sleep(days * 86_400)) for days in (3, 5))
    await asyncio.sleep(0)
    await asyncio.to_thread(clock.advance, days=4)
    await asyncio.wait_for(long, 5)
    assert not longer.done()
    assert clock.now() - begun >= 4 * 86_400_000
    clock.advance(hours=24)
    await asyncio.wait_for(longer, 5)


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="forwards"):
        HandClock().advance(minutes=-1)

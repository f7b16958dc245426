"""Clocks that are not the wall's: simulated time on a virtual loop, and the wall's time sped up for live use; no schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from exchange.simulation.loop import VirtualLoop


class VirtualClock:
    """The time of a virtual loop, from a moment (milliseconds since 1970 UTC) at which the loop began."""

    def __init__(self, loop: VirtualLoop, begun_at: int) -> None:
        self._loop = loop
        self._begun_at = begun_at

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return self._begun_at + self._loop.milliseconds

    async def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        await asyncio.sleep(seconds)

    async def until(self, at: int) -> None:
        """Let simulated time pass up to a moment; not at all when it has been."""
        if (left := at - self.now()) > 0:
            await asyncio.sleep(left / 1000)


class FastClock:
    """Time that passes `factor` times as fast as the wall's, from a moment at which both agreed (milliseconds since 1970 UTC)."""

    def __init__(self, factor: float, since: int, wall: Callable[[], int]) -> None:
        if factor <= 0:
            raise ValueError("time passes forwards: the factor is above 0")
        self._factor = factor
        self._since = since
        self._wall = wall
        self._wall_since = wall()

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return self._since + int((self._wall() - self._wall_since) * self._factor)

    async def sleep(self, seconds: float) -> None:
        """Wait for that many seconds of this clock."""
        await asyncio.sleep(seconds / self._factor)

"""Clocks that are not the wall's: simulated time on a virtual loop, and the wall's time sped up for
live use; no schedule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from fractions import Fraction

from exchange.schemas.instants import MINUTE_MILLISECONDS
from exchange.simulation.loop import VirtualLoop

#: Lengths that a tick may have, in minutes.
TICK_MINUTES = (1440, 240, 60, 30, 15, 5, 1)
#: How many minutes hold enough of a whole year's traffic to be done together.
WHOLE_MINUTES = 30

_moment: ContextVar[int] = ContextVar("moment", default=-1)


def tick_milliseconds(scale: Fraction) -> int:
    """How long a tick is at a scale: what falls due within one is done together, so that it shares
    commits.
    """
    wanted = WHOLE_MINUTES / scale
    return MINUTE_MILLISECONDS * next((minutes for minutes in TICK_MINUTES if minutes <= wanted), 1)


class VirtualClock:
    """The time of a virtual loop, from a moment (milliseconds since 1970 UTC) at which the loop
    began.

    The loop stands still during a tick. Each call that a tick holds has a moment of its own within
    it (`stand`), which is then the time for all that is done for that call, as long as the tick
    lasts.
    """

    def __init__(self, loop: VirtualLoop, begun_at: int, tick: int = MINUTE_MILLISECONDS) -> None:
        self._loop = loop
        self._begun_at = begun_at
        self.tick = tick

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        now, moment = self._begun_at + self._loop.milliseconds, _moment.get()
        return moment if 0 <= moment - now < self.tick else now

    def stand(self, at: int) -> None:
        """Let this task, and those that it makes, have a moment of the present tick for
        their time.
        """
        _moment.set(at)

    async def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        await asyncio.sleep(seconds)

    async def until(self, at: int) -> None:
        """Let simulated time pass up to a moment; not at all when it has been."""
        if (left := at - self._begun_at - self._loop.milliseconds) > 0:
            await asyncio.sleep(left / 1000)


class FastClock:
    """Time that passes `factor` times as fast as the wall's, from a moment at which both agreed
    (milliseconds since 1970 UTC).
    """

    def __init__(
        self, factor: float, since: int, wall: Callable[[], int], wall_since: int | None = None
    ) -> None:
        if factor <= 0:
            raise ValueError("time passes forwards: the factor is above 0")
        self._factor = factor
        self._since = since
        self._wall = wall
        self._wall_since = wall() if wall_since is None else wall_since

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return self._since + int((self._wall() - self._wall_since) * self._factor)

    async def sleep(self, seconds: float) -> None:
        """Wait for that many seconds of this clock."""
        await asyncio.sleep(seconds / self._factor)

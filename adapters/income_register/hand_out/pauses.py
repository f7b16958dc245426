"""Pauses between the steps of long work, so that it does not hold up the event loop for those who
wait for a receipt.
"""

from __future__ import annotations

import asyncio

#: Pause after each step, as a multiple of the step's own duration.
PAUSE_TIMES = 2.0
#: Most seconds of pauses in one piece of long work, so that whoever has a schedule to keep does not
#: fall behind.
PAUSE_SECONDS_MAX = 4.0


class Pauses:
    """The pauses of one piece of long work. By the loop's own time: in a simulation, where work
    takes none, there are no pauses.
    """

    def __init__(self, seconds_max: float = PAUSE_SECONDS_MAX) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = seconds_max
        self._since = self._loop.time()

    async def pause(self) -> None:
        """Pause for as long as the step since the last pause asks for."""
        # A turn first: a loop may tell the time at which its turn began.
        await asyncio.sleep(0)
        seconds = min((self._loop.time() - self._since) * PAUSE_TIMES, self._left)
        if seconds > 0:
            await asyncio.sleep(seconds)
            self._left -= seconds
        self._since = self._loop.time()

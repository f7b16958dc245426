"""Standing back between pieces of long work, so that it doesn't hold up those who wait for a
receipt; knows nothing of the work.
"""

from __future__ import annotations

import asyncio

#: How many times as long as the work took others have the loop to themselves.
REST_TIMES = 2.0
#: Rests of one piece of long work together, in seconds: whoever has a schedule to keep must not
#: fall behind for resting.
REST_SECONDS_MAX = 4.0


class Rests:
    """The rests of one piece of long work. By the loop's own time: in a simulation, where work
    takes none, nobody rests.
    """

    def __init__(self, seconds_max: float = REST_SECONDS_MAX) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = seconds_max
        self._since = self._loop.time()

    async def rest(self) -> None:
        """Rest after what was done since the last rest, or since the beginning."""
        # A turn first: a loop may tell the time at which its turn began.
        await asyncio.sleep(0)
        seconds = min((self._loop.time() - self._since) * REST_TIMES, self._left)
        if seconds > 0:
            await asyncio.sleep(seconds)
            self._left -= seconds
        self._since = self._loop.time()

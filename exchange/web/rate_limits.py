"""How many calls with messages a partner may make a second, where its entry in the directory says:
a token bucket for each.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from exchange.schemas.directory import Partner


class Rates:
    """The buckets of one worker. Each holds what one second may bring, but at least one call, and
    fills at the partner's rate divided by the workers, among which the port spreads calls.
    """

    def __init__(self, workers: int = 1, now: Callable[[], float] = time.monotonic) -> None:
        self._workers = workers
        self._now = now
        #: Partner -> calls that it may make just now, and since when (seconds).
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, partner: Partner) -> int:
        """Take a call out of the partner's bucket: 0, or the whole seconds after which there is one
        when there is none.
        """
        rate = partner.per_second / self._workers
        if not rate:
            return 0
        most, now = max(rate, 1.0), self._now()
        left, since = self._buckets.get(partner.id, (most, now))
        left = min(most, left + (now - since) * rate)
        if left >= 1:
            self._buckets[partner.id] = (left - 1, now)
            return 0
        self._buckets[partner.id] = (left, now)
        return max(1, math.ceil((1 - left) / rate))

"""Retention over time: when bodies and messages are forgotten; what forgetting does to the tables
is the ledger's.
"""

from __future__ import annotations

from typing import Protocol

from exchange.clocks import first_id
from exchange.ports import Clock, Ledger
from exchange.ports.ledger import Old


class Ages(Protocol):
    """How old what may get, in seconds (`settings.Retention`)."""

    @property
    def body_seconds(self) -> int: ...
    @property
    def message_seconds(self) -> int: ...
    @property
    def minute_seconds(self) -> int: ...
    @property
    def rows_max(self) -> int: ...


class RetentionJob:
    """Drops what has grown too old, a little at a time."""

    def __init__(self, ledger: Ledger, clock: Clock, ages: Ages) -> None:
        self._ledger = ledger
        self._clock = clock
        self._ages = ages

    async def drop_old(self) -> tuple[int, int]:
        """Fold the counters of minutes, and drop everything, that is too old now: (bodies,
        messages).
        """
        now = self._clock.now()
        # Whole hours only: what a day keeps is written anew each time.
        minutes_before = (now // 1000 - self._ages.minute_seconds) // 3600 * 60
        while await self._ledger.compact(minutes_before, self._ages.rows_max):
            pass
        old_bodies = await self._before(now - self._ages.body_seconds * 1000)
        old_messages = await self._before(now - self._ages.message_seconds * 1000)
        bodies = messages = 0
        while True:
            dropped = await self._ledger.drop(old_bodies, old_messages, self._ages.rows_max)
            bodies += dropped[0]
            messages += dropped[1]
            if max(dropped) < self._ages.rows_max:
                return bodies, messages

    async def _before(self, time: int) -> Old:
        first = first_id(time)
        return Old(first, await self._ledger.position_before(first, most_are_older=False))

"""Today's counts beside those of earlier days up to the same time of day, from the counters; what
shows them lies elsewhere.
"""

from __future__ import annotations

import asyncio
import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from exchange.ports import Ledger
from exchange.statistics.days import FINLAND, date_of, first_minute, number_of

#: What is compared, in this order, and with which days: so many before today.
KINDS = ("received", "accepted", "rejected", "duplicate", "delivered", "dead-lettered")
TODAY, EARLIER = "today", {"yesterday": 1, "last-week": 7}

#: Counts by channel and kind; None of a day that the ledger does not hold so far.
Sums = Mapping[tuple[str, str], int]


@dataclass(slots=True)
class _SoFar:
    """The sums of a day up to a minute: only minutes that were not read yet are read."""

    day: int = -1
    until: int = 0
    sums: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def read(self, ledger: Ledger, day: int, until: int) -> Sums:
        """The sums of the day up to that minute (since 1970 UTC)."""
        if day != self.day or until < self.until:
            self.day, self.until, self.sums = day, first_minute(day), Counter()
        if until > self.until:
            for (channel, kind), count, *_ in await ledger.totals(
                ("channel", "kind"), self.until, until
            ):
                self.sums[channel, kind] += count
            self.until = until
        return self.sums


class Today:
    """Compares, for however many look."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._earlier = {name: _SoFar() for name in EARLIER}
        self._lock = asyncio.Lock()

    async def at(self, now: int) -> Mapping[str, Sums | None]:
        """By `today` and the names of earlier days, what was counted up to the time of day that
        `now` (milliseconds since 1970 UTC) is in Finland.
        """
        moment = datetime.datetime.fromtimestamp(now / 1000, FINLAND)
        today = number_of(moment.date())
        async with self._lock:
            held = await self._ledger.held()
            counted = await self._ledger.totals(("channel", "kind"), today, today + 1, daily=True)
            told: dict[str, Sums | None] = {TODAY: {key: count for key, count, *_ in counted}}
            for name, before in EARLIER.items():
                day = today - before
                until = _same_time(day, moment)
                is_held = any(since <= day <= last for since, last in held)
                told[name] = (
                    await self._earlier[name].read(self._ledger, day, until) if is_held else None
                )
        return told


def _same_time(day: int, moment: datetime.datetime) -> int:
    """The minute (since 1970 UTC) of a day at which it is as late in Finland as at a moment."""
    then = datetime.datetime.combine(date_of(day), moment.time(), FINLAND)
    return int(then.timestamp()) // 60

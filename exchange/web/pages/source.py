"""Snapshots from a ledger: its counters by day, what waits, the statistics so far; asks through the port only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from exchange.ports import Clock, Ledger
from exchange.statistics.count import DIMENSIONS, Period, count
from exchange.statistics.rows import Rows
from exchange.web.pages.snapshot import Snapshot
from schemas.directory import Directory

CHANNEL, KIND = DIMENSIONS.index("channel"), DIMENSIONS.index("kind")
MINUTES_A_DAY = 1440


class LedgerSource:
    """Counts since the ledger began. One query a snapshot, over day counters: it does not grow with the messages."""

    def __init__(
        self, ledger: Ledger, clock: Clock, directory: Directory, rows: Rows, known_types: Collection[str], year: int
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._directory = directory
        self._rows = rows
        self._known_types = known_types
        self._year = year
        self._first_minute: int | None = None

    async def __call__(self) -> Snapshot:
        """The figures now."""
        totals = await self._ledger.totals(DIMENSIONS, daily=True)
        waiting = await self._ledger.waiting_by_channel()
        channels: dict[str, dict[str, int]] = defaultdict(dict)
        for values, number, _items, _bytes in totals:
            kinds = channels[values[CHANNEL]]
            kinds[values[KIND]] = kinds.get(values[KIND], 0) + number
        for channel, number in waiting.items():
            channels[channel]["waiting"] = number
        now = self._clock.now()
        period = Period(self._year, await self._days(now, totals))
        lines = count(self._rows, totals, self._directory, self._known_types, period)
        return Snapshot(now, dict(channels), lines, period)

    async def _days(self, now: int, totals: Sequence[object]) -> float:
        """How long has been counted, in days; the first minute is looked up once, when there is one."""
        if self._first_minute is None and totals:
            minutes = await self._ledger.totals(("period",))
            self._first_minute = min((values[0] for values, *_ in minutes), default=None)
        if self._first_minute is None:
            return 0.0
        return max(now / 60_000 - self._first_minute, 1 / 60) / MINUTES_A_DAY

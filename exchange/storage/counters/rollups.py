"""Reading the counters row by row in one consistent view, in constant memory: what the statistics
are made of; no sum kept here.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from exchange.errors import LedgerClosed
from exchange.statistics.days import first_minute, local_hour
from exchange.statistics.history import Kept
from exchange.storage.connection import Connection, each
from exchange.storage.counters.compaction import (
    DELIVERED,
    RECEIVED,
    EndpointKey,
    MinuteRow,
    compacted_before,
    curves,
    hours_of,
)
from exchange.storage.counters.history import held, kept
from exchange.storage.counters.sums import COUNT_COLUMNS
from exchange.storage.health.errors import as_ledger_errors
from exchange.storage.snapshot import Where, snapshot

#: A counter: period, the dimensions of `CountKey` after the minute, how many, items, bytes.
CounterRow = tuple[int, str, str, str, str, str, str, str, int, int, int]
#: The same with the hour of the day before the figures (None: not kept).
HourRow = tuple[int, str, str, str, str, str, str, str, int | None, int, int, int]
_KIND = COUNT_COLUMNS.split(",").index("kind")


class Rollups:
    """The counters of a ledger, open for reading: `with Rollups(where) as rollups`. Works beside a
    running exchange.
    """

    def __init__(self, where: Where) -> None:
        self._where = where
        self._stack = ExitStack()
        self._connection: Connection | None = None

    def __enter__(self) -> Rollups:
        self._connection = self._stack.enter_context(snapshot(self._where))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection = None
        self._stack.close()

    def bounds(self) -> tuple[int, int] | None:
        """The first and the last day that has a counter (days since 1970, in Finland); None when
        there is none.
        """
        first, last = next(self._rows("SELECT MIN(period), MAX(period) FROM day_counter", ()))
        return None if first is None else (first, last)

    def held(self) -> list[tuple[int, int]]:
        """The stretches of days [first, last] that the ledger holds: those on which it was kept, or
        all from the first counter to the last where nobody said.
        """
        bounds = self.bounds()
        return held(self._open) or ([bounds] if bounds else [])

    def partners(self) -> list[Kept]:
        """Partners as they were, by the day since when."""
        return kept(self._open)

    def last_minute(self) -> int:
        """The last minute (since 1970 UTC) that counted or is folded; 0 when there is none."""
        found: int | None = next(self._rows("SELECT MAX(period) FROM counter", ()))[0]
        return max(found or 0, compacted_before(self._open) - 1, 0)

    def days(self, since: int, until: int) -> Iterator[CounterRow]:
        """Day counters of days [since, until), by day: the primary key's own order, so that nothing
        is sorted.
        """
        return self._rows(
            f"SELECT {COUNT_COLUMNS} FROM day_counter WHERE period>=? AND period<? ORDER BY period",
            (since, until),
        )

    def hours(self, since: int, until: int) -> Iterator[HourRow]:
        """Counters of days [since, until) with the local hour, folded or not; the hour is None for
        all but deliveries.
        """
        counted = self._rows(
            f"SELECT {COUNT_COLUMNS},hours FROM day_counter WHERE period>=? AND period<? ORDER BY "
            "period",
            (since, until),
        )
        for *key, count, items, size, hours in counted:
            if key[_KIND] != DELIVERED:
                yield (*key, None, count, items, size)
            for hour, sums in hours_of(hours).items():
                yield (*key, hour, *sums)
        minutes = (
            f"SELECT {COUNT_COLUMNS} FROM counter WHERE period>=? AND period<? AND kind=? "
            "ORDER BY period"
        )
        for minute, *rest, count, items, size in self._rows(
            minutes, (first_minute(since), first_minute(until), DELIVERED)
        ):
            day, hour = local_hour(minute // 60)
            yield (day, *rest, hour, count, items, size)

    def sums(
        self, since: int, until: int, without: Collection[EndpointKey] = ()
    ) -> Iterator[MinuteRow]:
        """Each minute of the days [since, until) and each channel that counted in it, folded or
        not, added up by minute.

        What came through the endpoints `without` adds nothing to its minutes, which are told all
        the same.
        """
        # The order of the primary key, so that nothing is sorted: endpoints are left out by their
        # cases and not grouped by.
        left_out = " OR ".join(
            f"(channel=?{number} AND endpoint=?{number + 1})"
            for number in range(3, 3 + 2 * len(without), 2)
        )
        figures = ",".join(
            f"SUM(CASE WHEN kind='{kind}' AND NOT ({left_out or '1=0'}) THEN {column} ELSE 0 END)"
            for kind in (RECEIVED, DELIVERED)
            for column in ("count", "items")
        )
        unfolded = self._rows(
            f"SELECT period,channel,{figures} FROM counter WHERE period>=?1 AND period<?2 "
            "GROUP BY period,channel ORDER BY period,channel",
            (
                first_minute(since),
                first_minute(until),
                *(name for endpoint in without for name in endpoint),
            ),
        )
        return heapq.merge(curves(self._open, since, until, without), unfolded)

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise LedgerClosed("the rollups are not open")
        return self._connection

    def _rows(self, query: str, values: tuple[int | str, ...]) -> Iterator[Any]:
        connection = self._open
        if isinstance(self._where, Path):
            with as_ledger_errors(self._where):
                yield from each(connection, query, values)
        else:
            yield from each(connection, query, values)

"""Reading the counters row by row in one consistent view, in constant memory: what the statistics are made of; no sum kept here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from exchange.storage.commit import COUNT_COLUMNS
from exchange.storage.connection import connect

#: A counter: period, the dimensions of `CountKey` after the minute, how many, items, bytes.
CounterRow = tuple[int, str, str, str, str, str, str, str, int, int, int]
#: Of a minute and a channel: minute since 1970 UTC, channel, messages received, deliveries made, items in them.
MinuteRow = tuple[int, str, int, int, int]


class Rollups:
    """The counters of a ledger file, open for reading: `with Rollups(path) as rollups`. Works beside a running exchange."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Rollups:
        self._connection = connect(self._path, read_only=True)
        self._connection.execute("BEGIN")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def bounds(self) -> tuple[int, int] | None:
        """The first and the last day that has a counter (days since 1970, in Finland); None when there is none."""
        first, last = next(self._rows("SELECT MIN(period), MAX(period) FROM day_counter", ()))
        return None if first is None else (first, last)

    def last_minute(self) -> int:
        """The last minute (since 1970 UTC) that has a counter; 0 when there is none."""
        found: int | None = next(self._rows("SELECT MAX(period) FROM counter", ()))[0]
        return found or 0

    def days(self, since: int, until: int) -> Iterator[CounterRow]:
        """Day counters of days [since, until), by day: the primary key's own order, so that nothing is sorted."""
        return self._rows(f"SELECT {COUNT_COLUMNS} FROM day_counter WHERE period>=? AND period<? ORDER BY period", (since, until))

    def minutes(self, since: int, until: int) -> Iterator[CounterRow]:
        """Minute counters of minutes [since, until), by minute."""
        return self._rows(f"SELECT {COUNT_COLUMNS} FROM counter WHERE period>=? AND period<? ORDER BY period", (since, until))

    def sums(self, since: int, until: int) -> Iterator[MinuteRow]:
        """Each minute of [since, until) and each channel that counted in it, added up by the database; by minute."""
        return self._rows(
            "SELECT period,channel,SUM(CASE kind WHEN 'received' THEN count ELSE 0 END),"
            "SUM(CASE kind WHEN 'delivered' THEN count ELSE 0 END),SUM(CASE kind WHEN 'delivered' THEN items ELSE 0 END) "
            "FROM counter WHERE period>=? AND period<? GROUP BY period,channel ORDER BY period,channel",
            (since, until),
        )

    def _rows(self, query: str, values: tuple[int, ...]) -> Iterator[Any]:
        if self._connection is None:
            raise sqlite3.ProgrammingError("the rollups are not open")
        return iter(self._connection.execute(query, values))

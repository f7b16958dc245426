"""Adding to the counters: sums by key that are made in memory before they touch a table; what is
counted is the journey's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from exchange.ports.ledger import Count
from exchange.storage.connection import Connection, insert
from exchange.storage.counters.days import day_of_minute

COUNT_COLUMNS = (
    "period,channel,message_type,sender,receiver,endpoint,kind,process,count,items,bytes"
)
#: Adds to the rows that there are, in an `INSERT INTO ... AS kept`.
ADD_COUNTS = (
    "ON CONFLICT(period,channel,message_type,sender,receiver,endpoint,kind,process) DO UPDATE SET "
    "count=kept.count+excluded.count,items=kept.items+excluded.items,"
    "bytes=kept.bytes+excluded.bytes"
)


class Sums:
    """[count, items, bytes] by key, which begins with a period."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Any, ...], list[int]] = {}

    def add(self, key: tuple[Any, ...], count: int, items: int, size: int) -> None:
        """Add to a key's."""
        total = self._sums.get(key)
        if total is None:
            self._sums[key] = [count, items, size]
        else:
            total[0] += count
            total[1] += items
            total[2] += size

    def __iter__(self) -> Iterator[tuple[tuple[Any, ...], list[int]]]:
        return iter(self._sums.items())

    def write(self, connection: Connection, table: str) -> None:
        """Add them to the rows of a table of counters."""
        rows = [(*key, *total) for key, total in self._sums.items()]
        insert(connection, table, COUNT_COLUMNS, rows, ADD_COUNTS)


class Totals:
    """Counts of one transaction."""

    def __init__(self) -> None:
        self._minutes = Sums()

    def add(self, counts: Iterable[Count]) -> None:
        """Add some counts."""
        for key, count, items, size in counts:
            self._minutes.add(key, count, items, size)

    def write(self, connection: Connection) -> None:
        """Add them to the minute's and the day's counters."""
        days = Sums()
        for key, (count, items, size) in self._minutes:
            days.add((day_of_minute(key[0]), *key[1:]), count, items, size)
        self._minutes.write(connection, "counter")
        days.write(connection, "day_counter")

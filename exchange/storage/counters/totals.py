"""Counters summed by some of their dimensions, as they are read; nothing that writes them."""

from __future__ import annotations

from typing import Any

from exchange.ports.ledger import CountKey
from exchange.storage.connection import Connection

#: Dimensions that counters may be summed by (`period` is the minute or the day).
DIMENSIONS = ("period", *CountKey._fields[1:])


def totals(
    connection: Connection, by: tuple[str, ...], since: int, until: int, daily: bool
) -> list[tuple[tuple[Any, ...], int, int, int]]:
    """Counters summed by dimensions."""
    for name in by:
        if name not in DIMENSIONS:
            raise ValueError(f"no dimension {name}: {', '.join(DIMENSIONS)}")
    table = "day_counter" if daily else "counter"
    columns = ",".join(by)
    group = f"GROUP BY {columns} ORDER BY {columns}" if by else ""
    comma = "," if by else ""
    rows = connection.execute(
        f"SELECT {columns}{comma} COALESCE(SUM(count),0), COALESCE(SUM(items),0), "
        "COALESCE(SUM(bytes),0) "
        f"FROM {table} WHERE period>=? AND period<? {group}",
        (since, until),
    )
    return [(tuple(row[:-3]), row[-3], row[-2], row[-1]) for row in rows]

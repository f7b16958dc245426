"""Tests of reading the counters row by row: minutes and days say the same, in order, in one view of a ledger that grows."""

from __future__ import annotations

import sqlite3
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from exchange.statistics.days import first_minute
from exchange.storage.days import day_of_minute
from exchange.storage.rollups import Rollups
from tests.exchange.statistics.synthetic_year import write_year


def test_minutes_and_days_and_sums_say_the_same(year_ledger: Path) -> None:
    with Rollups(year_ledger) as rollups:
        bounds = rollups.bounds()
        assert bounds is not None
        first, last = bounds
        minutes = (first_minute(first), first_minute(last + 1))
        by_day: Counter[tuple[object, ...]] = Counter()
        for minute, *dimensions, count, _items, _size in rollups.minutes(*minutes):
            by_day[day_of_minute(minute), *dimensions] += count
        assert by_day == {(day, *dimensions): count for day, *dimensions, count, _items, _size in rollups.days(first, last + 1)}
        sums = list(rollups.sums(*minutes))
        assert all(one[:2] < other[:2] for one, other in pairwise(sums))
        delivered = sum(count for key, count in by_day.items() if key[-2] == "delivered")
        assert sum(row[3] for row in sums) == delivered > 0


def test_a_reader_keeps_its_view_while_the_ledger_grows(tmp_path: Path) -> None:
    path = tmp_path / "grows.db"
    write_year(path, days=2)
    with Rollups(path) as rollups:
        before = list(rollups.days(0, 1 << 31))
        write_year(path, 2023, days=2)
        assert list(rollups.days(0, 1 << 31)) == before
    with Rollups(path) as rollups:
        assert len(list(rollups.days(0, 1 << 31))) > len(before)


def test_nothing_is_read_from_what_is_not_open(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.ProgrammingError, match="not open"):
        Rollups(tmp_path / "none.db").bounds()

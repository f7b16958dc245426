"""Tests of reading the counters row by row: minutes and days say the same, in order, in one view of
a ledger that grows.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from exchange.errors import LedgerClosed
from exchange.storage.connection import connect
from exchange.storage.counters.compaction import compact
from exchange.storage.counters.rollups import Rollups
from exchange.storage.proof.verify import verify
from tests.exchange.statistics.synthetic_year import write_year

#: Endpoints of the made-up year: one that partners did not come in by.
OWN = [("income-register", "subscription")]


#: What `verify` says of folded minutes.
PROOFS = (
    "days agree with minutes",
    "hours and minutes agree with days",
    "curves and minutes agree with days",
)


def broken(path: Path) -> dict[str, int]:
    """How many rows break each check of `verify`."""
    return {check.name: check.broken for check in verify(path).checks}


def said(path: Path) -> tuple[object, ...]:
    """What the rollups say of all days: the days, the deliveries by hour, the sums by minute."""
    with Rollups(path) as rollups:
        bounds = rollups.bounds()
        assert bounds is not None
        first, end = bounds[0], bounds[1] + 1
        hours: Counter[tuple[object, ...]] = Counter()
        for day, *dimensions, hour, count, _items, _size in rollups.hours(first, end):
            if hour is not None:
                hours[day, hour, *dimensions] += count
        sums = [
            list(rollups.sums(first, end, without))
            for without in ((), OWN, [*OWN, ("luova", "api")])
        ]
        return list(rollups.days(first, end)), hours, sums, rollups.last_minute()


def test_hours_and_days_and_sums_say_the_same(year_ledger: Path) -> None:
    days, hours, (sums, partners, _), _ = said(year_ledger)  # type: ignore[misc]
    by_day: Counter[tuple[object, ...]] = Counter()
    for (day, _hour, *dimensions), count in hours.items():  # type: ignore[attr-defined]
        by_day[day, *dimensions] += count
    assert by_day == {tuple(row[:8]): row[8] for row in days if row[6] == "delivered"}  # type: ignore[attr-defined]
    assert all(one[:2] < other[:2] for one, other in pairwise(sums))  # type: ignore[call-overload]
    assert sum(row[4] for row in sums) == by_day.total() > 0  # type: ignore[attr-defined]
    received = [row for row in days if row[6] == "received"]  # type: ignore[attr-defined]
    assert [sum(row[index] for row in sums) for index in (2, 3)] == [
        sum(row[index] for row in received) for index in (8, 9)
    ]
    sent = [row for row in received if (row[1], row[5]) not in OWN]
    assert [sum(row[index] for row in partners) for index in (2, 3)] == [
        sum(row[index] for row in sent) for index in (8, 9)
    ]
    assert len(sent) < len(received)
    assert [row[:2] for row in partners] == [row[:2] for row in sums], (
        "minutes are told, whoever sent"
    )


@pytest.mark.parametrize("most", [1, 500, 100_000])
def test_folded_minutes_say_the_same(tmp_path: Path, most: int) -> None:
    path = tmp_path / "folds.db"
    write_year(path, days=3)
    before = said(path)
    with closing(connect(path)) as connection:
        minutes = connection.execute("SELECT COUNT(*) FROM counter").fetchone()[0]
        middle, last = connection.execute(
            "SELECT (MIN(period)+MAX(period))/2,MAX(period) FROM counter"
        ).fetchone()
        for until in (middle, middle + 7, last + 1):
            while compact(connection, until, most):
                pass
            assert said(path)[:3] == before[:3]
            assert connection.execute(
                "SELECT COUNT(*) FROM counter WHERE period<?", (until,)
            ).fetchone() == (0,)
        assert minutes > 0
    assert {name: broken(path)[name] for name in PROOFS} == dict.fromkeys(PROOFS, 0)
    for harm, proof in (
        ("UPDATE day_counter SET hours=NULL", "hours and minutes agree with days"),
        (
            "UPDATE day_curve SET endpoint='file' WHERE endpoint='subscription'",
            "curves and minutes agree with days",
        ),
        ("DELETE FROM day_curve WHERE channel='luova'", "curves and minutes agree with days"),
    ):
        before_harm = broken(path)[proof]
        with closing(connect(path)) as connection:
            connection.execute(harm)
        assert broken(path)[proof] > before_harm, harm


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
    with pytest.raises(LedgerClosed, match="not open"):
        Rollups(tmp_path / "none.db").bounds()

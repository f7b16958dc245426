"""Tests of snapshots from a ledger's counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from exchange.ports import Clock, Ledger
from exchange.statistics.count import DIMENSIONS
from exchange.web.pages.source import LedgerSource
from tests.exchange.web.pages.figures import DIRECTORY, KNOWN, ROWS

MINUTE = 29_000_000


class Counters:
    """The two questions that a source asks of a ledger, answered from a list."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.rows = [
            (("luova", "population.births", "register", "", "api", "received"), 2, 9, 100),
            (("luova", "population.births", "register", "", "batch", "received"), 1, 1, 100),
            (("luova", "population.births", "register", "kela.benefits", "api", "delivered"), 2, 9, 100),
        ]

    async def totals(self, by: Sequence[str], since: int = 0, until: int = 0, daily: bool = False) -> list[Any]:
        self.asked.append(tuple(by))
        if tuple(by) == ("period",):
            return [((MINUTE + 5,), 1, 1, 1), ((MINUTE,), 1, 1, 1)]
        assert daily
        assert tuple(by) == DIMENSIONS
        return self.rows

    async def waiting_by_channel(self) -> Mapping[str, int]:
        return {"luova": 4}


class Fixed:
    """A clock that stands half a day after the first minute counted."""

    def now(self) -> int:
        return (MINUTE + 720) * 60_000


def source(counters: Counters) -> LedgerSource:
    return LedgerSource(cast(Ledger, counters), cast(Clock, Fixed()), DIRECTORY, ROWS, KNOWN, 2024)


async def test_counters_are_summed_by_channel_and_kind() -> None:
    snapshot = await source(Counters())()
    assert snapshot.channels == {"luova": {"received": 3, "delivered": 2, "waiting": 4}}
    births = next(line for line in snapshot.lines if line.row.id == "population.births")
    assert births.counted == 9


async def test_the_period_begins_with_the_first_minute_counted_and_that_is_asked_once() -> None:
    counters = Counters()
    ask = source(counters)
    assert (await ask()).period.days == 0.5
    await ask()
    assert counters.asked.count(("period",)) == 1


async def test_an_empty_ledger_has_no_days() -> None:
    counters = Counters()
    counters.rows = []
    snapshot = await source(counters)()
    assert snapshot.period.days == 0
    assert next(line for line in snapshot.lines if line.row.per_day).counted == 0

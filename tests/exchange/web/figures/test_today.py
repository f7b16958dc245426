"""Today beside earlier days: what was counted up to the same time of day, and nothing of a day that
the ledger does not hold.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from exchange.ports.ledger import CountKey
from exchange.statistics.days import FINLAND
from exchange.storage.sqlite import SqliteLedger
from exchange.web.figures.today import Today

KEY = ("luova", "received")


def at(day: int, hour: int, minute: int = 0) -> int:
    """Milliseconds since 1970 UTC of a time in Finland in March 2026."""
    return int(datetime.datetime(2026, 3, day, hour, minute, tzinfo=FINLAND).timestamp()) * 1000


class Watched(SqliteLedger):
    """A ledger that tells which minutes were asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked: list[int] = []

    async def totals(
        self, by: Any, since: int = 0, until: int = 1 << 62, daily: bool = False
    ) -> Any:
        """The totals."""
        if not daily:
            self.asked.append(until - since)
        return await super().totals(by, since, until, daily)


async def came(ledger: SqliteLedger, milliseconds: int, count: int) -> None:
    minute = milliseconds // 60_000
    key = CountKey(minute, "luova", "population.births", "dvv", "", "api", "received")
    await ledger.count([(key, count, count, 0)])


async def test_an_earlier_day_counts_up_to_the_same_time_of_day(tmp_path: Path) -> None:
    ledger = Watched(tmp_path / "ledger.db")
    await ledger.open()
    await ledger.begin(at(9, 8), [])
    await ledger.hold(at(10, 12))
    for day, hour, count in ((9, 9, 5), (9, 13, 7), (10, 10, 3)):
        await came(ledger, at(day, hour), count)
    today = Today(ledger)
    told = await today.at(at(10, 12))
    assert told["today"] == {KEY: 3}
    assert told["yesterday"] == {KEY: 5}, "not what came later on that day"
    assert told["last-week"] is None, "the ledger does not hold that day"
    ledger.asked.clear()
    told = await today.at(at(10, 13, 1))
    assert told["yesterday"] == {KEY: 12}
    assert ledger.asked == [61], "minutes that were read are not read again"
    told = await today.at(at(11, 0, 30))
    assert told["yesterday"] == {}, "the day before is another one after midnight"
    await ledger.close()


async def test_on_the_day_of_a_change_of_the_clock_it_is_as_late(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.db")
    await ledger.open()
    await ledger.begin(at(28, 0), [])
    await ledger.hold(at(29, 23))
    await came(ledger, at(28, 11, 59), 1)
    await came(ledger, at(28, 12), 1)
    # (Clocks went forward on the 29th at 3: noon is an hour sooner after midnight.)
    told = await Today(ledger).at(at(29, 12))
    assert told["yesterday"] == {KEY: 1}
    await ledger.close()

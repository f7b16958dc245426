"""Tests of the figures that come of a ledger: a real one, in SQLite, with messages of a
known time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from exchange import discovery
from exchange.ports.ledger import CountKey, DeliveryRow, MessageRow, Record, Settlement
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory
from exchange.storage.sqlite import SqliteLedger
from exchange.web.figures.overview import Snapshots
from exchange.web.pages.live import shown
from exchange.web.pages.source import LedgerSource
from tests.exchange.web.pages.made_up import DIRECTORY, KNOWN, ROWS

MINUTE = 29_000_000
START = MINUTE * 60_000


class Clock:
    """A clock that stands where it is put."""

    at = START + 12 * 3_600_000

    def now(self) -> int:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += int(seconds * 1000)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    ledger = SqliteLedger(tmp_path / "exchange.db")
    await ledger.open()
    yield ledger
    await ledger.close()


def source(ledger: SqliteLedger) -> LedgerSource:
    return LedgerSource(
        Snapshots(ledger, Clock(), ("luova", "quiet")), ledger, DIRECTORY, ROWS, KNOWN, 2024
    )


class Watched(SqliteLedger):
    """A ledger that notes how many minutes it was asked to add up."""

    minutes_asked = 0

    async def totals(
        self, by: Sequence[str], since: int = 0, until: int = 1 << 62, daily: bool = False
    ) -> list[tuple[tuple[Any, ...], int, int, int]]:
        if not daily:
            self.minutes_asked += until - since
        return await super().totals(by, since, until, daily)


async def record(ledger: SqliteLedger, number: int, delivered: bool, minute: int = MINUTE) -> None:
    """A message of births with nine items, and its delivery."""

    def key(kind: str, receiver: str = "") -> CountKey:
        return CountKey(minute, "luova", "population.births", "register", receiver, "api", kind)

    row = MessageRow(
        number,
        "luova",
        "population.births",
        "register",
        f"m{number}",
        bytes(16),
        START,
        "accepted",
        "api",
        "",
        9,
        2,
        "x",
        "{}",
    )
    delivery = DeliveryRow(
        number + 1, number, "kela.benefits", "push", "waiting", 0, 9, START, 0, 0, 0, ""
    )
    counts = [(key(kind), 1, 9, 2) for kind in ("received", "accepted")] + [
        (key("queued", "kela.benefits"), 1, 9, 2)
    ]
    await ledger.record(Record(row, b"{}", [delivery], [], counts))
    if delivered:
        done = [
            (key("delivered", "kela.benefits"), 1, 9, 2),
            (key("delivered:birth", "kela.benefits"), 1, 9, 0),
        ]
        assert await ledger.settle(
            Settlement(number + 1, number, "delivered", 1, 0, START, "", [], done)
        )


async def test_counters_become_figures_of_channels_and_lines_of_the_statistics(
    ledger: SqliteLedger,
) -> None:
    await record(ledger, 10, delivered=True)
    await record(ledger, 20, delivered=False)
    figures = await source(ledger)()
    luova = figures.channels["luova"]
    assert (luova["received"], luova["accepted"], luova["waiting"], luova["delivered"]) == (
        2,
        2,
        1,
        1,
    )
    assert set(figures.channels["quiet"].values()) == {0}
    assert next(line for line in figures.lines if line.row.id == "population.births").counted == 9
    assert figures.period.days == 0.5


async def test_the_first_minute_is_looked_for_in_one_day_however_old_the_ledger(
    tmp_path: Path,
) -> None:
    ledger = Watched(tmp_path / "exchange.db")
    await ledger.open()
    await record(ledger, 10, delivered=True)
    await record(ledger, 20, delivered=True, minute=MINUTE - 90 * 1440)
    look = source(ledger)
    assert [(await look()).period.days for _ in range(2)] == [90.5, 90.5]
    assert ledger.minutes_asked == 1440
    await ledger.close()


async def test_an_empty_ledger_counts_nought_and_tells_no_rate(ledger: SqliteLedger) -> None:
    figures = await source(ledger)()
    assert figures.period.days == 1 / 1440
    assert {line.counted for line in figures.lines if line.row.per_day} == {None}
    births = next(line for line in figures.lines if line.row.id == "population.births")
    assert births.counted == 0


async def test_partners_that_leave_or_change_their_sector_change_no_figure(
    ledger: SqliteLedger,
) -> None:
    await ledger.begin(START, list(DIRECTORY))
    await record(ledger, 10, delivered=True)
    without = LedgerSource(
        Snapshots(ledger, Clock(), ("luova",)), ledger, Directory(()), ROWS, KNOWN, 2024
    )
    figures = await without()
    assert next(line for line in figures.lines if line.row.id == "population.births").counted == 9


def test_a_channel_is_listed_with_the_types_of_its_families() -> None:
    catalogue = Catalogue.load()
    for channel in discovery.channels().values():
        listed = shown(channel, catalogue)
        assert listed.name == channel.name
        assert listed.types

"""Tests of the rates to provide for: what partners send sets them, and not what the exchange hands
on at a moment of its own.
"""

from __future__ import annotations

import csv
import datetime
import io
from contextlib import closing
from pathlib import Path

import pytest

from exchange.assembly import own_endpoints, statistics_report
from exchange.ports.ledger import CountKey
from exchange.publication.comparison import (
    Pair,
    compare,
    comparison_csv,
    comparison_text,
    counted,
)
from exchange.publication.csv_json import document
from exchange.statistics.days import first_minute, number_of
from exchange.statistics.report import Report
from exchange.statistics.rows import LANGUAGES
from exchange.statistics.suppression import as_open_data
from exchange.storage.connection import connect
from exchange.storage.counters.compaction import compact
from exchange.storage.counters.sums import Totals
from exchange.storage.migrate import migrate_sqlite

#: A Monday; the minute in which partners send most of all, and the last one, in which the exchange
#: hands on what came.
DAY = datetime.date(2024, 3, 4)
MORNING, LAST = first_minute(number_of(DAY)) + 9 * 60 + 17, first_minute(number_of(DAY) + 1) - 1
SCALE = 0.001
OWN = own_endpoints()[0]


def test_a_difference_is_what_the_change_adds_and_its_share_of_what_was() -> None:
    def pair(without: float, changed: float) -> Pair:
        return Pair(id="a", title={}, unit="", without=without, changed=changed)

    assert (pair(80, 100).difference, pair(80, 100).difference_percent) == (20, 25)
    assert (pair(80, 60).difference, pair(80, 60).difference_percent) == (-20, -25)
    assert (pair(0, 5).difference, pair(0, 5).difference_percent) == (5, None)


def lived(path: Path, messages: int, folded: bool) -> Report:
    """The report of a day on which partners send 10 messages a minute for an hour, `messages` in
    one, and the exchange a lump.
    """
    migrate_sqlite(path)
    sums = Totals()

    def count(minute: int, endpoint: tuple[str, str], count: int, items: int) -> None:
        for kind, receiver in (
            ("received", ""),
            ("accepted", ""),
            ("delivered", "kela.income-data"),
        ):
            sums.add(
                [
                    (
                        CountKey(
                            minute, endpoint[0], "some.type", "someone", receiver, endpoint[1], kind
                        ),
                        count,
                        items,
                        1000 * count,
                    )
                ]
            )

    for minute in range(MORNING - 30, MORNING + 30):
        # The other endpoint of the same channel, so that only the endpoint tells them apart.
        count(minute, (OWN[0], "file"), 10, 20)
    count(MORNING, ("luova", OWN[1]), messages - 10, 3 * messages - 20)
    count(LAST, OWN, 5_000, 1_250_000)
    with closing(connect(path)) as connection:
        sums.write(connection)
        if folded:
            assert not compact(connection, LAST + 1, 1_000)
            assert connection.execute("SELECT COUNT(*) FROM counter").fetchone() == (0,)
    return statistics_report(path, 2024, DAY, DAY + datetime.timedelta(days=1), SCALE)


@pytest.mark.parametrize("folded", [False, True], ids=["unfolded", "folded"])
def test_the_busiest_times_are_of_what_partners_send(tmp_path: Path, folded: bool) -> None:
    report = lived(tmp_path / "one.db", 40, folded)
    found = {(peak.grain, peak.measure): (peak.start, peak.count) for peak in report.peaks}
    minute, hour, day = "2024-03-04T09:17", "2024-03-04T09:00", "2024-03-04"
    assert found == {
        **{("minute", measure): (minute, 40) for measure in ("received", "delivered")},
        **{("minute", measure): (minute, 120) for measure in ("received-items", "items")},
        **{("hour", measure): (hour, 47 * 10 + 30) for measure in ("received", "delivered")},
        **{("hour", measure): (hour, 47 * 20 + 100) for measure in ("received-items", "items")},
        **{("day", measure): (day, 630) for measure in ("received", "delivered")},
        **{("day", measure): (day, 1300) for measure in ("received-items", "items")},
    }
    assert set(report.hours) >= {(1, 8), (1, 9)}
    assert not report.hours.get((1, 23)), "the week by hours shows no lump"
    assert report.channels[OWN[0]]["delivered"] == 5_600, "everything is counted elsewhere"
    assert as_open_data(report).peaks == ()


@pytest.mark.parametrize("folded", [False, True], ids=["unfolded", "folded"])
def test_the_rates_to_provide_for_follow_what_partners_send(tmp_path: Path, folded: bool) -> None:
    without, changed = (
        lived(tmp_path / "without.db", 40, folded),
        lived(tmp_path / "with.db", 60, folded),
    )
    pairs = compare(counted(document(without)), counted(document(changed)))
    rates = {
        pair.id: (pair.unit, pair.without, pair.changed)
        for pair in pairs
        if pair.id.startswith("peak")
    }
    assert list(rates) == [
        f"{begins}.{grain}"
        for begins in ("peak", "peak-items")
        for grain in ("minute", "hour", "day")
    ]
    assert rates["peak.minute"] == (
        "messages/s",
        pytest.approx(40 / 60 / SCALE),
        pytest.approx(1 / SCALE),
    )
    assert rates["peak-items.minute"] == (
        "items/s",
        pytest.approx(2 / SCALE),
        pytest.approx(3 / SCALE),
    )
    assert rates["peak.hour"][1:] == (
        pytest.approx(500 / 3600 / SCALE),
        pytest.approx(520 / 3600 / SCALE),
    )
    table = {row["row"]: row for row in csv.DictReader(io.StringIO(comparison_csv(pairs)))}
    assert (table["peak.minute"]["title_en"], table["peak.minute"]["with"]) == (
        "Busiest minute, messages/s",
        "1000",
    )
    for language in LANGUAGES:
        text = comparison_text(pairs, ["x"], language)
        assert all(pair.title[language] in text for pair in pairs if pair.id in rates)
        assert {"fi": "organisaatiot", "sv": "organisationer", "en": "partners send"}[
            language
        ] in text

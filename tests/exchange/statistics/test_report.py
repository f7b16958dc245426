"""Tests of the report of a year: rows, shares, bands, tables and periods, against the counters
added up another way.
"""

from __future__ import annotations

import datetime
import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from exchange.assembly import statistics_report
from exchange.statistics.days import first_minute, is_working_day, number_of
from exchange.statistics.report import Report, Table
from exchange.storage.counters.sums import COUNT_COLUMNS
from exchange.storage.migrate import migrate_sqlite
from tests.exchange.conftest import SCALE, YEAR
from tests.exchange.statistics.synthetic_year import FLOWS, write_year


def summed(path: Path, where: str, measure: str = "count") -> int:
    connection = sqlite3.connect(path)
    try:
        total: int = connection.execute(
            f"SELECT COALESCE(SUM({measure}),0) FROM day_counter WHERE kind='delivered' AND {where}"
        ).fetchone()[0]
    finally:
        connection.close()
    return total


def table(report: Report, name: str) -> Table:
    return next(each for each in report.tables if each.cut.id == name)


def cells(report: Report, name: str) -> dict[tuple[str, ...], int]:
    return {
        key: figures.messages for key, figures, _ in table(report, name).rows if figures is not None
    }


def test_every_row_that_was_counted_differs_by_less_than_a_message_for_each_of_its_flows(
    year_report: Report,
) -> None:
    counted = [
        line for line in year_report.lines if line.counted is not None and not line.row.per_day
    ]
    assert len(counted) == 33
    for line in counted:
        assert line.difference is not None
        assert abs(line.difference) < len(FLOWS) / 2, line.row.id
        if not line.row.id.startswith(("eessi", "kelmu")):
            assert abs(line.difference) < 1, line.row.id


def test_shares_stand_beside_the_published_ones(year_report: Report) -> None:
    by_id = {share.cut.id: share for share in year_report.shares}
    api, ui = by_id["kelmu.endpoints"].parts
    assert api.published_percent == pytest.approx(17.98, abs=0.01)
    assert ui.counted_percent == pytest.approx(ui.published_percent, abs=0.05)
    parts = by_id["kelmu.organisations"].parts
    assert [part.published for part in parts] == [4_505_175, 840_666, 383_526, 295_755]
    assert sum(part.counted_percent or 0 for part in parts) == pytest.approx(100)


def test_every_working_day_is_held_against_the_band(year_report: Report) -> None:
    (band,) = year_report.bands
    assert (band.low, band.high, len(band.days)) == (500, 1500, 366)
    working = [day for day in band.days if day.working]
    assert len(working) == 252
    assert all(day.place == (day.count > 1500) - (day.count < 500) for day in working)
    assert all(day.place is None for day in band.days if not day.working)
    luova = next(line for line in year_report.lines if line.row.id == band.cut.row)
    assert sum(day.count for day in band.days) == pytest.approx((luova.counted or 0) * 366)


def test_working_days_leave_holidays_and_their_eves_out() -> None:
    days = {
        datetime.date(2024, *month_and_day)
        for month_and_day in ((3, 29), (6, 21), (12, 6), (12, 24), (5, 9))
    }
    assert not any(is_working_day(day) for day in days)
    assert is_working_day(datetime.date(2024, 12, 27))


def test_the_eessi_tables_are_cuts_of_the_same_messages(
    year_report: Report, year_ledger: Path
) -> None:
    total = next(line.counted for line in year_report.lines if line.row.id == "eessi.total")
    for name in (
        "eessi.by-month",
        "eessi.by-country",
        "eessi.by-sector",
        "eessi.by-sed",
        "eessi.by-process",
        "eessi.cases",
    ):
        assert sum(cells(year_report, name).values()) == total, name
    assert cells(year_report, "eessi.by-country")["SE", "received"] == summed(
        year_ledger, "sender='eessi.se.pm' AND channel='eessi'"
    )
    assert cells(year_report, "eessi.by-sector")["eessi.p", "sent"] == summed(
        year_ledger, "message_type='eessi.p8000'"
    )
    assert len({key[0] for key in cells(year_report, "eessi.by-month")}) == 12


def test_cases_are_counted_where_they_begin_and_messages_where_they_get(
    year_report: Report, year_ledger: Path
) -> None:
    rows = {
        key[0]: figures
        for key, figures, _ in table(year_report, "eessi.cases").rows
        if figures is not None
    }
    assert set(rows) == {"P_BUC_01", "H_BUC_01", "LA_BUC_04"}
    # In this made-up year every A009 and H001 begins a case and nothing begins one of P_BUC_01.
    for process, began in (
        ("LA_BUC_04", "eessi.a009"),
        ("H_BUC_01", "eessi.h001"),
        ("P_BUC_01", ""),
    ):
        figures = rows[process]
        assert figures.begun == summed(year_ledger, f"message_type='{began}'")
        assert figures.messages == summed(year_ledger, f"process='{process}'")
        assert figures.messages_a_case == (figures.messages / figures.begun if began else None)
    told = year_report.name("process", "P_BUC_01", "fi")
    assert told == "P_BUC_01 Vanhuuseläkehakemus", "by its code and by its name"
    by_month = table(year_report, "eessi.cases-by-month").rows
    assert sum(figures.begun for _, figures, _ in by_month if figures) == sum(
        each.begun for each in rows.values()
    )
    assert all(
        figures.begun == 0
        for _, figures, _ in table(year_report, "eessi.by-process").rows
        if figures
    )


def test_changes_by_what_they_are_are_those_of_the_population_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    write_year(path, 2024, SCALE, days=1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO day_counter VALUES (?,'kelmu','kelmu.information-request-answer',"
            "'county.pirkanmaa','kela.benefits','ui','delivered:late','',1,1,0,NULL)",
            (number_of(datetime.date(2024, 1, 1)),),
        )
    report = statistics_report(path, 2024, by=("item",))
    asked = {key for key, figures, _ in report.tables[-1].rows if figures and figures.items}
    assert {("late",), ("birth",)} <= asked
    assert ("late",) not in cells(report, "population.by-item")
    assert cells(report, "population.by-item")["birth",]


def test_user_institutions_pay_and_kela_does_not(year_report: Report, year_ledger: Path) -> None:
    assert cells(year_report, "billing.by-institution") == {
        ("etk",): summed(year_ledger, "'etk' IN (sender, receiver) AND channel='eessi'")
    }
    assert [key for key, _, _ in table(year_report, "billing.by-sector").rows] == [
        ("pension-institution",)
    ]


def test_a_period_from_a_day_to_a_month_is_compared_with_its_share_of_the_year(
    year_ledger: Path,
) -> None:
    march = statistics_report(
        year_ledger, 2024, datetime.date(2024, 3, 1), datetime.date(2024, 4, 1), scale=SCALE
    )
    line = next(each for each in march.lines if each.row.id == "unemployment.information-requests")
    assert line.expected == pytest.approx(625_461 * SCALE * 31 / 366)
    assert (march.first, march.last) == (datetime.date(2024, 3, 1), datetime.date(2024, 3, 31))
    day = statistics_report(
        year_ledger, 2024, datetime.date(2024, 3, 4), datetime.date(2024, 3, 5), scale=SCALE
    )
    assert day.period.days == 1
    where = "period=19786 AND message_type='unemployment.information-request'"
    counted = next(
        each.counted for each in day.lines if each.row.id == "unemployment.information-requests"
    )
    assert counted == summed(year_ledger, where) > 0


def test_without_days_the_year_compared_with_is_counted_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "two.db"
    write_year(path, 2023, SCALE, days=40)
    write_year(path, 2024, SCALE, days=20)
    assert statistics_report(path, 2024).period.days == 20
    assert statistics_report(path, 2023).period.days == 40
    assert statistics_report(path, 2022).period.days == 40 + 20


def test_a_short_run_is_taken_to_the_minute(tmp_path: Path) -> None:
    path = tmp_path / "short.db"
    write_year(path, 2024, SCALE, days=1)
    assert 0 < statistics_report(path, 2024).period.days < 1


@pytest.mark.parametrize(("day", "minutes"), [("2024-03-31", 1380), ("2024-10-27", 1500)])
def test_a_day_on_which_the_clocks_are_changed_is_a_whole_one(
    tmp_path: Path, day: str, minutes: int
) -> None:
    path = tmp_path / "changed.db"
    migrate_sqlite(path)
    number = number_of(datetime.date.fromisoformat(day))
    minute = first_minute(number)
    of = "'kelmu','kelmu.benefit-query','muni.espoo','kela.benefit-register','ui','delivered',''"
    periods = [("day_counter", number), ("counter", minute), ("counter", minute + minutes - 1)]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO held(since,until) VALUES (?,?)", (number, number))
        for name, period in periods:
            values = f"INSERT INTO {name}({COUNT_COLUMNS}) VALUES (?,{of},1,1,1)"
            database.execute(values, (period,))
    held = statistics_report(path, 2024).period
    assert (held.days, held.minutes, held.no_whole_day) == (1, minutes, False)


def test_an_empty_ledger_has_a_report(tmp_path: Path) -> None:
    migrate_sqlite(tmp_path / "empty.db")
    report = statistics_report(tmp_path / "empty.db", 2024)
    assert (report.first, report.period.days, report.bands, report.peaks) == (None, 0, [], [])
    assert all(not line.counted for line in report.lines)


@pytest.mark.parametrize(
    "by, columns",
    [
        (("channel",), ("channel",)),
        (("month", "sector"), ("month", "sector", "sector-end")),
        (("flow",), ("flow",)),
        (("hour", "weekday"), ("hour", "weekday")),
        (("process", "channel"), ("process", "channel")),
    ],
)
def test_any_dimension_adds_up_to_everything_delivered(
    year_ledger: Path, by: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    asked = statistics_report(year_ledger, 2024, by=by).tables[-1]
    assert asked.columns == columns
    ends = 2 if any(column.endswith("-end") for column in columns) else 1
    everything = summed(year_ledger, "1=1")
    assert sum(figures.messages for _, figures, _ in asked.rows if figures) == ends * everything
    assert sum(share or 0 for _, _, share in asked.rows) == pytest.approx(100 * ends)


def test_each_side_tells_of_its_own_end(year_ledger: Path) -> None:
    by = ("sender", "sender-sector", "receiver-sector", "sender-country", "receiver-country")
    asked = statistics_report(year_ledger, 2024, by=by).tables[-1]
    told = {key[0]: key[1:] for key, figures, _ in asked.rows if figures and figures.messages}
    assert told["dvv"] == ("population-register", "kela", "FI", "FI")
    assert told["eessi.se.fk"][2:] == ("SE", "FI")


@pytest.mark.parametrize(
    "by, complaint", [(("colour",), "no dimension colour"), (("day", "day"), "twice")]
)
def test_an_unknown_dimension_is_refused(
    year_ledger: Path, by: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        statistics_report(year_ledger, 2024, by=by)


def test_memory_does_not_follow_the_counters(tmp_path: Path, year_ledger: Path) -> None:
    path = tmp_path / "month.db"
    write_year(path, 2024, SCALE, days=31)
    peaks = []
    # The year once before: what is kept of its hours is bounded, and is there then.
    for ledger in (year_ledger, path, year_ledger):
        tracemalloc.start()
        statistics_report(ledger, 2024, *YEAR, scale=SCALE)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    _warm, month, year = peaks
    assert year < month + 1_000_000, "twelve times the counters, the same memory"

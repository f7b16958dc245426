"""Tests of withholding small counts: none is told, and none can be worked out from the sums that
are.
"""

from __future__ import annotations

import dataclasses
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exchange.assembly.statistics import statistics_report
from exchange.publication import text
from exchange.publication.csv_json import table_csv
from exchange.statistics.breakdown import Figures
from exchange.statistics.report import Report
from exchange.statistics.suppression import (
    THRESHOLD,
    Cell,
    RowSum,
    as_open_data,
    withheld_cells,
    withheld_rows,
)
from tests.exchange.conftest import SCALE, YEAR
from tests.exchange.statistics.attacker import Attacker
from tests.exchange.statistics.small_year import SEDS, made

COUNTS = st.lists(st.integers(0, 12), min_size=1, max_size=8)


@given(COUNTS)
def test_small_counts_are_withheld_and_zeros_are_told(counts: list[int]) -> None:
    expected = {str(index) for index, count in enumerate(counts) if 0 < count < THRESHOLD}
    named = {str(index): float(count) for index, count in enumerate(counts)}
    assert withheld_rows(named, []) == expected
    cells: dict[Cell, int] = {(str(index),): count for index, count in enumerate(counts)}
    assert withheld_cells(cells, [])[0] == {(name,) for name in expected}


def test_a_small_part_and_a_small_remainder_hide_every_total_above() -> None:
    sums = [RowSum(("all",), ("ui", "api")), RowSum(("ui",), ("helsinki",))]
    counts = {"all": 100.0, "ui": 60.0, "api": 40.0, "helsinki": 3.0}
    assert withheld_rows(counts, sums) == {"helsinki", "ui", "all"}
    assert withheld_rows({**counts, "helsinki": 58.0}, sums) == {"ui", "all"}
    assert withheld_rows({**counts, "helsinki": 30.0}, sums) == set()
    assert withheld_rows({"messages": 3.0, "payments": 2000.0}, [], [["messages", "payments"]]) == {
        "messages",
        "payments",
    }


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(seds=[0, 0, 9, 0, 0, 0, 0, 3, 0, 0, 0, 30, 0, 0], rows=[3, 9, 9, 4], seed=1)
@example(seds=[6, 3, 0, 9, 1, 1, 1, 1, 30, 3, 3, 30, 40, 5], rows=[40, 9, 7, 40], seed=2)
@given(
    seds=st.lists(st.sampled_from((0, 1, 1, 2, 3, 4, 5, 9, 30)), min_size=14, max_size=14),
    rows=st.lists(st.integers(0, 12), min_size=4, max_size=4),
    seed=st.integers(0, 99),
)
def test_a_linear_programme_bounds_no_withheld_count_closely(
    year_report: Report, seds: list[int], rows: list[int], seed: int
) -> None:
    by_direction = {
        (sed, way): count
        for (way, sed), count in zip(product(("sent", "received"), SEDS), seds, strict=True)
    }
    report = made(year_report, by_direction, rows, seed)
    attacker = Attacker(as_open_data(report))
    assert attacker.mistakes(report) == []
    widths = attacker.widths()
    assert set(widths) == set(attacker.withheld)
    assert all(width >= THRESHOLD - 1e-6 for width in widths.values()), widths


@pytest.mark.parametrize("month", [None, 1, 2])
def test_a_year_and_its_months_are_bounded_no_more_closely(
    year_ledger: Path, month: int | None
) -> None:
    first, end = YEAR if month is None else (date(2024, month, 1), date(2024, month + 1, 1))
    report = statistics_report(year_ledger, 2024, first, end, scale=SCALE)
    attacker = Attacker(as_open_data(report))
    assert attacker.mistakes(report) == []
    widths = attacker.widths()
    assert widths
    assert all(width >= THRESHOLD - 1e-6 for width in widths.values()), widths


def test_tables_with_enough_in_them_are_offered_and_tell_most(year_report: Report) -> None:
    counts = [900, 40, 300, 3, 200, 60, 2, 500, 10, 100, 8, 900, 40, 30]
    seds = dict(zip(((s, w) for w in ("sent", "received") for s in SEDS), counts, strict=True))
    opened = as_open_data(made(year_report, seds, [900, 900, 300, 50], 3))
    assert opened.not_offered == ()
    table = next(table for table in opened.tables if table.cut.id == "eessi.by-sed")
    withheld = {key for key, figures, _ in table.rows if figures is None}
    # The two small ones; the smallest beside each; the only SED of sickness with its sector's.
    assert withheld >= {("eessi.h002", "sent"), ("eessi.s040", "sent")}
    assert len(withheld) <= 6
    assert Attacker(opened).widths()


def test_a_table_that_cannot_be_protected_is_not_offered_and_says_so(year_report: Report) -> None:
    opened = as_open_data(made(year_report, {("eessi.a009", "sent"): 6}, [9, 9, 9, 9], 1))
    assert "eessi.by-month" in opened.not_offered
    assert "eessi.by-month" not in {table.cut.id for table in opened.tables}
    assert "eessi.by-month" in text.table_text(opened, "en")


def test_open_tables_tell_messages_alone(year_report: Report) -> None:
    for table in as_open_data(year_report).tables:
        assert table.measures == ("messages",)
        assert table_csv(table).splitlines()[0] == ",".join((*table.columns, "messages"))


@pytest.fixture
def opened(year_report: Report) -> Report:
    """Open data of a report in which three messages were sent to a country."""
    tables = []
    for table in year_report.tables:
        rows = list(table.rows)
        if table.cut.id == "eessi.by-country":
            rows.append((("LV", "sent"), Figures(3, 3, 3), 0.1))
        tables.append(dataclasses.replace(table, rows=rows))
    return as_open_data(dataclasses.replace(year_report, tables=tables))


def test_a_small_count_of_a_table_takes_a_second_one_with_it(opened: Report) -> None:
    rows = next(table.rows for table in opened.tables if table.cut.id == "eessi.by-country")
    withheld = [key for key, figures, share in rows if figures is None and share is None]
    assert ("LV", "sent") in withheld
    assert len([key for key in withheld if key[1] == "sent"]) == 2


def test_a_small_row_is_withheld_with_all_that_tells_it(opened: Report) -> None:
    line = next(line for line in opened.lines if line.row.id == "kelmu.information-requests")
    assert (line.state, line.counted, line.difference, line.share_percent) == (
        "withheld",
        None,
        None,
        None,
    )
    assert line.published == 1_447


@pytest.mark.parametrize(
    ("total", "part"),
    [
        ("kelmu.queries", "pension.kelmu-queries"),
        ("income.benefit-reports-received", "income.benefit-reports-sent"),
    ],
)
def test_a_row_that_leaves_little_of_another_takes_it_along(
    year_report: Report, total: str, part: str
) -> None:
    for rest, told in ((3.0, False), (30.0, True)):
        counts = {part: 500.0, total: 500.0 + rest, "kelmu.queries.ui": 500.0 + rest}
        lines = [
            dataclasses.replace(line, counted=counts.get(line.row.id, line.counted))
            for line in year_report.lines
        ]
        opened = as_open_data(dataclasses.replace(year_report, lines=lines, shares=[]))
        found = {line.row.id: line for line in opened.lines}
        assert found[part].counted == 500
        assert (found[total].counted is not None) == told


def test_only_what_is_marked_open_is_there(opened: Report) -> None:
    assert opened.open_data
    assert {table.cut.id for table in opened.tables} == {
        f"eessi.by-{name}" for name in ("month", "country", "sector", "sed")
    }
    assert [opened.bands, opened.peaks, opened.hours, opened.channels] == [(), (), {}, {}]


def test_no_percentage_of_a_withheld_whole_is_told(year_report: Report) -> None:
    whole = next(share.cut for share in year_report.shares if share.cut.id == "kelmu.organisations")
    assert "kelmu.queries.ui" in whole.of
    lines = [
        dataclasses.replace(line, counted=3.0) if line.row.id == "kelmu.queries.ui" else line
        for line in year_report.lines
    ]
    for counted, told in ((year_report.lines, True), (lines, False)):
        report = as_open_data(dataclasses.replace(year_report, lines=counted))
        share = next(each for each in report.shares if each.cut.id == "kelmu.organisations")
        known = [part for part in share.parts if part.counted]
        assert known, "some of its parts are told"
        assert all((part.counted_percent is not None) == told for part in known)

"""Tests of withholding small counts: none is told, and none can be worked out from the sums that
are.
"""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.statistics.breakdown import Figures
from exchange.statistics.report import Report
from exchange.statistics.suppression import THRESHOLD, as_open_data, withheld_cells

COUNTS = st.lists(st.integers(0, 12), min_size=1, max_size=8)


def cells(counts: list[int]) -> dict[tuple[object, ...], float]:
    return {("part", index): count for index, count in enumerate(counts)}


@given(COUNTS)
def test_small_counts_are_withheld_and_zeros_are_told(counts: list[int]) -> None:
    hidden = withheld_cells(cells(counts), [])
    assert hidden == {
        ("part", index) for index, count in enumerate(counts) if 0 < count < THRESHOLD
    }


@example([1] * 5)
@example([1] * 7)
@given(COUNTS)
def test_a_withheld_part_does_not_follow_from_the_total(counts: list[int]) -> None:
    """What a reader knows: the total, every other part, and that a withheld count is at least 1."""
    everything = {**cells(counts), ("total",): sum(counts)}
    hidden = withheld_cells(everything, [list(everything)])
    inside = [("part", index) for index in range(len(counts)) if ("part", index) in hidden]
    if ("total",) in hidden or not inside:
        return
    left = sum(counts) - sum(
        counts[index] for index in range(len(counts)) if ("part", index) not in hidden
    )
    assert len(inside) > 1
    assert left >= THRESHOLD
    assert left - (len(inside) - 1) > 1, (
        "some withheld count could be more than 1, so none is known"
    )


@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=2, max_size=5))
def test_rows_and_columns_of_a_table_protect_each_other(table: list[list[int]]) -> None:
    counts: dict[tuple[object, ...], float] = {
        (r, c): table[r][c] for r in range(len(table)) for c in range(3)
    }
    sums = [[(r, c) for c in range(3)] for r in range(len(table))] + [
        [(r, c) for r in range(len(table))] for c in range(3)
    ]
    hidden = withheld_cells(counts, sums)
    for cells_of in sums:
        inside = [cell for cell in cells_of if cell in hidden]
        others = [cell for cell in cells_of if cell not in hidden and counts[cell]]
        assert len(inside) != 1 or not others


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


def test_only_what_is_marked_open_is_there(opened: Report) -> None:
    assert opened.open_data
    assert {table.cut.id for table in opened.tables} == {
        f"eessi.by-{name}" for name in ("month", "country", "sector", "sed", "process")
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

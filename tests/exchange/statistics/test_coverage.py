"""Tests of what a period covers, and of what every output says about it."""

from __future__ import annotations

import csv
import datetime
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.assembly.statistics import statistics_report
from exchange.cli import app
from exchange.publication.csv_json import to_csv, to_json
from exchange.publication.json_stat import rows_dataset
from exchange.publication.page import to_html
from exchange.publication.row_descriptions import meaning
from exchange.publication.text import period_text
from exchange.statistics.coverage import coverage
from exchange.statistics.days import number_of
from tests.exchange.conftest import SCALE
from tests.exchange.statistics.synthetic_year import write_year


def day(month: int, number: int) -> datetime.date:
    return datetime.date(2024, month, number)


ROWS = Path(__file__).parents[3] / "docs" / "statistics-rows.md"


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of 1 to 14 January."""
    path = tmp_path_factory.mktemp("fortnight") / "ledger.db"
    write_year(path, 2024, SCALE, days=14)
    return path


def test_an_open_end_is_the_ledgers_own() -> None:
    held = [(number_of(day(12, 1)), number_of(day(12, 31)))]
    two_sided = coverage(day(12, 20), datetime.date(2025, 1, 11), 2024, held)
    one_sided = coverage(day(12, 20), None, 2024, held)
    assert (len(one_sided.held), one_sided.asked, one_sided.whole) == (12, 12, True)
    assert (len(two_sided.held), two_sided.asked, two_sided.whole) == (12, 22, False)
    assert len(coverage(day(1, 1), None, 2024, held).held) == 31
    assert coverage(day(1, 1), None, 2024, held).asked == 366
    assert coverage(None, None, 2023, held).asked == 31
    assert coverage(None, None, 2024, held).asked == 366


def test_days_between_two_stretches_are_not_held() -> None:
    held = [(number_of(day(3, 25)), number_of(day(4, 7))), (number_of(day(6, 1)),) * 2]
    covered = coverage(day(1, 1), datetime.date(2025, 1, 1), 2024, held)
    assert (len(covered.held), covered.asked) == (15, 366)


def test_a_period_held_in_part_is_said_so_in_every_output(fortnight: Path) -> None:
    report = statistics_report(fortnight, 2024, day(1, 1), datetime.date(2025, 1, 1), SCALE)
    said = "covers 14 of 366 days"
    assert said in period_text(report, "en")
    assert said in to_html(report, "en", [])
    assert said in json.dumps(rows_dataset(report, "en"), ensure_ascii=False)
    assert json.loads(to_json(report))["period"]["held_days"] == 14
    rows = list(csv.DictReader(io.StringIO(to_csv(report, "en"))))
    assert {(row["held_days"], row["asked_days"]) for row in rows} == {("14", "366")}
    assert all(line.share_percent is None for line in report.lines)
    (band,) = report.bands
    assert len(band.days) == 14
    whole = statistics_report(fortnight, 2024, day(1, 1), day(1, 15), SCALE)
    rates = [[line.counted for line in each.lines if line.row.per_day] for each in (report, whole)]
    assert rates[0] == rates[1]
    assert rates[0][0]


def test_what_is_not_held_is_not_nought(fortnight: Path) -> None:
    report = statistics_report(fortnight, 2024, day(5, 1), day(6, 1), SCALE)
    assert {(line.state, line.counted) for line in report.lines} == {("not-held", None)}
    assert "covers 0 of 31 days" in period_text(report, "en")
    assert report.bands == []


def test_a_year_without_published_figures_is_refused_in_one_line(fortnight: Path) -> None:
    arguments = ["statistics", "--ledger", f"sqlite:///{fortnight}", "--year", "2022"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "no figures of 2022 are published: 2023, 2024" in " ".join(result.output.split())


def test_the_notes_say_what_each_row_means(fortnight: Path) -> None:
    arguments = ["statistics", "--ledger", f"sqlite:///{fortnight}", "--lang", "fi"]
    text = " ".join(CliRunner().invoke(app, arguments).stdout.split())
    assert "kelmu.queries.municipalities: ”joista kuntien osuus”. Kunnat → Kela" in text
    assert "lähetettäessä; kyselyä. Ulkopuolella: Helsinki" in text


def test_the_document_of_the_rows_says_what_they_mean(fortnight: Path) -> None:
    report = statistics_report(fortnight, 2024)
    lines = []
    for row in report.rows.rows:
        lines.append(f"- {meaning(report, row, 'fi')}")
        lines += [f"  - {meaning(report, row, language)}" for language in ("sv", "en")]
    wanted = "\n".join(lines)
    assert ROWS.read_text(encoding="utf-8").endswith(f"\n\n{wanted}\n"), wanted

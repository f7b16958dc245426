"""Tests of what a period covers, and of what every output says about it."""

from __future__ import annotations

import csv
import datetime
import io
import json
import sqlite3
from contextlib import closing
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
from exchange.storage.migrate import migrate_sqlite
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


def test_an_end_that_is_not_named_is_as_one_that_is(year_ledger: Path) -> None:
    since, end = day(12, 30), datetime.date(2025, 1, 1)
    named = statistics_report(year_ledger, 2024, since, end, SCALE)
    open_end = statistics_report(year_ledger, 2024, since, None, SCALE)
    assert (open_end.period, open_end.lines) == (named.period, named.lines)
    assert named.period.days == 2


@pytest.mark.parametrize("named", [(None, None), (day(1, 1), None), (day(1, 1), day(2, 1))])
def test_part_of_a_day_is_told_and_not_held_against_the_band(
    tmp_path: Path, named: tuple[datetime.date | None, datetime.date | None]
) -> None:
    path = tmp_path / "ledger.db"
    write_year(path, 2024, SCALE, days=1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "DELETE FROM counter WHERE period<>(SELECT MIN(period) FROM counter WHERE period>?)",
            (number_of(day(1, 1)) * 1440 + 600,),
        )
    report = statistics_report(path, 2024, *named)
    assert "2024-01-01 (1 min)" in period_text(report, "en")
    assert json.loads(to_json(report))["period"]["minutes"] == 1
    assert report.bands == []
    rate = next(line for line in report.lines if line.row.per_day)
    assert rate.state == ("counted" if named[0] else "no-whole-day")


def test_a_ledger_that_has_just_begun_has_no_rate(tmp_path: Path) -> None:
    path, today = tmp_path / "ledger.db", number_of(day(1, 1))
    migrate_sqlite(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO held(since,until) VALUES (?,?)", (today, today))
    report = statistics_report(path, 2024)
    assert period_text(report, "en").startswith("2024-01-01 (0 min)")
    assert {line.state: line.counted for line in report.lines} == {
        "counted": 0,
        "no-whole-day": None,
    }
    elsewhere = statistics_report(path, 2024, day(5, 1), day(6, 1))
    assert {line.state for line in elsewhere.lines} == {"not-held"}


def test_a_day_that_is_held_and_brought_nothing_is_nought(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    write_year(path, 2024, SCALE, days=3)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "DELETE FROM day_counter WHERE period=? OR channel='eessi'", (number_of(day(1, 2)),)
        )
        connection.execute(
            "INSERT INTO day_counter VALUES "
            "(?,'eessi','eessi.h001','eessi.se.fk','etk','as4','delivered','',5,5,5,NULL)",
            (number_of(day(1, 3)),),
        )
        connection.execute("UPDATE held SET until=?", (number_of(day(2, 1)),))
    report = statistics_report(path, 2024, day(1, 1), day(3, 1), SCALE, ("day",))
    of_days = {key: figures.messages for key, figures, _ in report.tables[-1].rows if figures}
    assert len(of_days) == 32
    assert of_days["2024-01-02",] == of_days["2024-02-01",] == 0
    by_month = next(each for each in report.tables if each.cut.id == "eessi.by-month")
    months = {key: figures.messages for key, figures, _ in by_month.rows if figures}
    assert months == {("2024-01", "received"): 5, ("2024-02", "received"): 0}


def test_counts_by_dimensions_say_what_they_cover(fortnight: Path, tmp_path: Path) -> None:
    arguments = ["statistics", "--ledger", f"sqlite:///{fortnight}", "--by", "day,channel"]
    arguments += ["--from", "2024-01-01", "--until", "2024-12-31", "--format", "csv"]
    assert "covers 14 of 366 days" in CliRunner().invoke(app, arguments).stderr
    out = tmp_path / "days.csv"
    CliRunner().invoke(app, [*arguments, "--out", str(out)])
    metadata = json.loads((tmp_path / "days.csv-metadata.json").read_text(encoding="utf-8"))
    assert "covers 14 of 366 days" in metadata["dc:title"]
    columns = [each["name"] for each in metadata["tableSchema"]["columns"]]
    assert columns == out.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert metadata["tableSchema"]["primaryKey"] == ["day", "channel"]


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

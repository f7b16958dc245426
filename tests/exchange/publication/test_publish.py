"""Tests of what is published: each form read by a reader of its own, the same bytes each time,
sources named everywhere.

The readers are imported by the tests that read with them: together they take three seconds, which
each process of a run would spend while it collects the tests.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from lxml import etree

from exchange.assembly import statistics_report
from exchange.publication import text
from exchange.publication.charts.specifications import charts_of
from exchange.publication.csv_json import COLUMNS, document
from exchange.publication.page import to_html
from exchange.publication.publish import publish
from exchange.publication.row_descriptions import meanings
from exchange.simulation.calendar import days_of
from exchange.statistics.days import is_working_day
from exchange.statistics.peaks import GRAINS, MEASURES
from exchange.statistics.report import Report
from exchange.statistics.rows import LANGUAGES
from exchange.statistics.suppression import THRESHOLD, as_open_data

SOURCE = {"fi": "Kelan tietotilinpää", "sv": "FPA:s databokslut", "en": "Kela's data balance sheet"}


@pytest.fixture(scope="module")
def folder(year_report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything published of the year."""
    path = tmp_path_factory.mktemp("published")
    publish(year_report, path)
    return path


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_another_process_at_another_time_writes_the_same_bytes(
    folder: Path, year_ledger: Path, tmp_path: Path
) -> None:
    code = (
        "import sys, datetime; from pathlib import Path; from exchange.assembly import "
        "statistics_report;"
        "from exchange.publication.publish import publish;"
        "report = statistics_report(Path(sys.argv[1]), 2024, datetime.date(2024, 1, 1), "
        "datetime.date(2025, 1, 1), 0.001);"
        "publish(report, Path(sys.argv[2]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4321", "TZ": "Pacific/Auckland"}
    subprocess.run(
        [sys.executable, "-c", code, str(year_ledger), str(tmp_path / "again")],
        env=environment,
        check=True,
    )
    assert digests(tmp_path / "again") == digests(folder)


def test_csv_has_every_row_with_the_columns_promised(folder: Path, year_report: Report) -> None:
    with (folder / "statistics.csv").open(encoding="utf-8", newline="") as file:
        rows = {entry["row"]: entry for entry in csv.DictReader(file)}
    assert tuple(next(iter(rows.values()))) == COLUMNS
    assert list(rows) == [row.id for row in year_report.rows.rows]
    births = rows["population.births"]
    assert [births[name] for name in COLUMNS[2:]] == [
        "items", "44", "43.725", "43725", "0.275", "counted", "366", "366",
    ]  # fmt: skip
    assert rows["luova.messages-per-day"]["scaled"] == "500..1500"
    assert all(
        abs(float(entry["difference"])) < 1
        for name, entry in rows.items()
        if not name.startswith(("eessi", "kelmu"))
    )
    metadata = json.loads((folder / "statistics.csv-metadata.json").read_text(encoding="utf-8"))
    assert metadata["url"] == "statistics.csv"
    assert [column["name"] for column in metadata["tableSchema"]["columns"]] == list(COLUMNS)


@pytest.mark.parametrize(
    "language", ["fi", *(pytest.param(each, marks=pytest.mark.drill) for each in ("sv", "en"))]
)
def test_every_chart_is_as_the_schema_of_vega_lite_wants_it(
    year_report: Report, language: str
) -> None:
    """(A second for each chart, which differ in words alone: two languages are left to drills.)"""
    import altair
    import jsonschema

    charts = list(charts_of(year_report, language))
    assert {chart.name for chart in charts} == {"days", "rows", "shares", "hours"}
    for chart in charts:
        altair.Chart.from_dict(chart.spec)
    with pytest.raises(jsonschema.ValidationError):
        altair.Chart.from_dict({**charts[0].spec, "background": 5})


@pytest.mark.parametrize("language", LANGUAGES)
def test_openpyxl_reads_the_workbook(folder: Path, language: str) -> None:
    import openpyxl

    book = openpyxl.load_workbook(folder / f"statistics.{language}.xlsx")
    say = text.words(language)
    assert book.sheetnames[:4] == [say["rows"], say["shares"], say["days"], say["peaks"]]
    by_id = {row[6].value: row for row in book[say["rows"]].iter_rows() if len(row) > 6}
    births = by_id["population.births"]
    assert [cell.value for cell in births[2:6]] == [44, 43.725, 43_725, pytest.approx(0.275)]
    assert births[2].data_type == "n"
    assert book[say["days"]].max_row > 366
    assert any(SOURCE[language] in str(row[0].value) for row in book[say["notes"]].iter_rows())
    assert book.properties.created.year == 1980


def test_json_says_everything(folder: Path) -> None:
    document = json.loads((folder / "statistics.json").read_text(encoding="utf-8"))
    assert document["period"] == {
        "year": 2024,
        "first": "2024-01-01",
        "last": "2024-12-31",
        "days": 366,
        "held_days": 366,
        "asked_days": 366,
        "asked": ["2024-01-01", "2024-12-31"],
        "minutes": None,
        "scale": 0.001,
    }
    assert len(document["rows"]) == 34
    assert document["bands"][0]["working_days"] == 252
    assert {peak["grain"] for peak in document["busiest"]} == {"minute", "hour", "day"}
    assert {entry["en"] for entry in document["sources"]}
    assert "income-register" in document["channels"]


def test_independent_readers_agree_on_json_stat(folder: Path) -> None:
    from jsonstat_validator import validate_jsonstat
    from pyjstat import pyjstat

    files = sorted((folder / "open-data").glob("*.json-stat.json"))
    assert len(files) == 5
    for path in files:
        content = path.read_text(encoding="utf-8")
        assert validate_jsonstat(json.loads(content)) is True, path.name
    rows = pyjstat.Dataset.read(
        (folder / "open-data" / "statistics.json-stat.json").read_text(encoding="utf-8")
    )
    year = {"period": "2024-01-01/2024-12-31"}

    def value(row: str, figure: str) -> float | None:
        found: float | None = rows.get_value([{"row": row}, {"figure": figure}, year])
        return found

    assert (value("population.births", "counted"), value("population.births", "published")) == (
        44,
        43_725,
    )
    assert (
        value("luova.messages-per-day", "published"),
        value("luova.messages-per-day", "published-high"),
    ) == (None, 1_500_000)
    assert value("kelmu.information-requests", "counted") is None
    sector = pyjstat.Dataset.read(
        (folder / "open-data" / "eessi-by-sector.json-stat.json").read_text(encoding="utf-8")
    )
    assert (
        sector.get_value([{"group": "eessi.p"}, {"direction": "sent"}, {"measure": "messages"}])
        == 200
    )


def test_what_is_withheld_has_a_status_in_json_stat(folder: Path) -> None:
    dataset = json.loads(
        (folder / "open-data" / "statistics.json-stat.json").read_text(encoding="utf-8")
    )
    rows, figures = (dataset["dimension"][name]["category"]["index"] for name in ("row", "figure"))
    place = rows.index("kelmu.information-requests") * len(figures)
    assert dataset["status"] == {str(place): "c", str(place + figures.index("difference")): "c"}


def test_the_data_package_describes_every_file_beside_it(folder: Path) -> None:
    opened = folder / "open-data"
    package = json.loads((opened / "datapackage.json").read_text(encoding="utf-8"))
    names = {path.name for path in opened.iterdir()} - {"datapackage.json"}
    assert {resource["path"] for resource in package["resources"]} == names
    for resource in package["resources"]:
        content = (opened / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert resource["bytes"] == len(content)
        if resource["format"] == "csv":
            head, *lines = csv.reader(io.StringIO(content.decode()))
            fields = resource["schema"]["fields"]
            assert head == [field["name"] for field in fields]
            for column, field in enumerate(fields):
                if field["type"] in ("number", "integer"):
                    assert all(float(line[column]) is not None for line in lines if line[column])
    assert "n = 5" in package["description"]
    assert package["sources"]


def test_open_data_tells_no_small_count(folder: Path) -> None:
    for path in (folder / "open-data").glob("eessi*.csv"):
        for entry in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
            assert entry["messages"] == "" or not 0 < int(entry["messages"]) < 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_output_for_people_names_its_sources(folder: Path, language: str) -> None:
    for path in folder.rglob(f"*.{language}.*"):
        if path.suffix in (".txt", ".html", ".svg"):
            assert SOURCE[language] in path.read_text(encoding="utf-8").replace("&#39;", "'"), (
                path.name
            )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chart_says_what_it_shows(folder: Path, language: str) -> None:
    names = set()
    for path in (folder / "charts").glob(f"*.{language}.svg"):
        picture = etree.parse(path).getroot()
        svg = "{http://www.w3.org/2000/svg}"
        assert picture.get("role") == "img"
        assert len(picture.findtext(f"{svg}desc", "")) > 40
        names.add(path.name.split(".")[0])
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert names == {"days", "hours", "rows", "shares"}


def test_texts_read_in_every_language_and_are_not_cut(folder: Path, year_report: Report) -> None:
    for language in LANGUAGES:
        written = (folder / f"statistics.{language}.txt").read_text(encoding="utf-8")
        assert "…" not in written
        for section in year_report.rows.sections.values():
            assert section[language] in written


def test_every_word_has_three_languages() -> None:
    entries = tomllib.loads(
        (Path(text.__file__).with_name("words.toml")).read_text(encoding="utf-8")
    )["word"]
    assert all(set(texts) == set(LANGUAGES) for texts in entries.values())
    folder = Path(text.__file__).parent
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.suffix in (".py", ".html")
    )
    dynamic = ("column-", "unit-", *GRAINS, *MEASURES)
    unused = [
        name
        for name in entries
        if f'"{name}"' not in sources
        and f"'{name}'" not in sources
        and not name.startswith(dynamic)
    ]
    assert unused == []


def test_open_data_as_a_report_marks_what_is_withheld(year_report: Report) -> None:
    written = text.table_text(as_open_data(year_report), "en")
    assert "··" in written
    assert "threshold rule" in written


def test_a_report_in_json_says_whether_small_counts_are_withheld(year_report: Report) -> None:
    as_counted, as_open = document(year_report), document(as_open_data(year_report))
    assert as_counted["open_data"]["suppressed"] is False
    assert as_counted["open_data"]["threshold"] is None
    assert as_open["open_data"]["suppressed"] is True
    assert as_open["open_data"]["threshold"] == THRESHOLD


def test_frictionless_finds_the_data_package_valid(folder: Path) -> None:
    from frictionless import Package

    package = Package(str(folder / "open-data" / "datapackage.json"))
    found = package.validate()
    assert found.valid, found.flatten(["rowNumber", "fieldName", "message"])
    assert len(found.tasks) > 5


def test_csvw_reads_the_rows_with_their_types(folder: Path) -> None:
    from csvw import CSVW

    table = CSVW(str(folder / "statistics.csv-metadata.json"))
    assert table.is_valid
    (read,) = table.tables
    births = next(row for row in read if row["row"] == "population.births")
    assert births["counted"] == 44


def test_the_data_package_says_of_when_of_which_days_and_under_which_licence(folder: Path) -> None:
    package = json.loads((folder / "open-data" / "datapackage.json").read_text(encoding="utf-8"))
    assert package["temporal"] == {"start": "2024-01-01", "end": "2024-12-31"}
    assert package["updated"] == "2025-01-01T00:00:00+02:00"
    assert package["version"]
    assert package["contributors"]
    assert package["licenses"][0]["path"].startswith("https://creativecommons.org/")


def test_json_stat_says_as_many_decimals_as_it_gives(folder: Path) -> None:
    path = folder / "open-data" / "statistics.json-stat.json"
    dataset = json.loads(path.read_text(encoding="utf-8"))
    assert dataset["updated"] == "2025-01-01T00:00:00+02:00"
    units = dataset["dimension"]["row"]["category"]["unit"]
    size = dataset["size"][1]
    for place, row in enumerate(dataset["dimension"]["row"]["category"]["index"]):
        values = [v for v in dataset["value"][place * size : (place + 1) * size] if v is not None]
        given = max(len(str(value).partition(".")[2]) for value in values)
        assert units[row]["decimals"] == given, row


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_workbook_reads_well(folder: Path, year_report: Report, language: str) -> None:
    import openpyxl

    book = openpyxl.load_workbook(folder / f"statistics.{language}.xlsx")
    assert not [name for name in book.sheetnames if "." in name], "titles, not ids"
    titles = {table.cut.id: table.cut.title[language] for table in year_report.tables}
    assert titles["eessi.by-month"][:20] in {name[:20] for name in book.sheetnames}
    rows = book[text.words(language)["rows"]].iter_rows(min_row=4, values_only=True)
    numbers = [cell for row in rows for cell in row if isinstance(cell, float)]
    assert all(round(number, 4) == number for number in numbers)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_quality_description_tells_its_parts(folder: Path, language: str) -> None:
    written = (folder / f"quality.{language}.md").read_text(encoding="utf-8")
    assert written.count("## ") == 7
    assert "2023" in written
    assert "{" not in written
    page = (folder / f"report.{language}.html").read_text(encoding="utf-8")
    assert f'<h2 id="quality">{text.words(language)["quality"]}</h2>' in page


def test_working_days_are_as_the_quality_description_says() -> None:
    for year, days in ((2023, 251), (2024, 252)):
        assert sum(map(is_working_day, days_of(year))) == days


def test_a_table_of_both_ends_says_that_deliveries_stand_twice(year_ledger: Path) -> None:
    report = statistics_report(year_ledger, 2024, by=("sector",))
    for language in LANGUAGES:
        written = text.table_text(report, language, report.tables[-1])
        assert text.words(language)["both-ends"][:40] in written
        assert text.words(language)["both-ends"] in to_html(report, language).replace("&#39;", "'")
    assert text.words("en")["both-ends"][:40] not in text.table_text(report, "en", report.tables[0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_documentation_says_what_each_row_means(year_report: Report, language: str) -> None:
    written = (Path(__file__).parents[3] / "docs" / "statistics-rows.md").read_text(
        encoding="utf-8"
    )
    missing = [line for line in meanings(year_report, language) if f"- {line}\n" not in written]
    assert missing == [], "print them there again: exchange.publication.row_descriptions has them"

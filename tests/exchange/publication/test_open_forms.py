"""Every form of open data tells what the report tells, and nothing of what it withholds."""

from __future__ import annotations

import csv
import io
import json
from itertools import product
from typing import Any

from exchange.publication.charts.specifications import charts_of
from exchange.publication.csv_json import table_csv, to_csv, to_json
from exchange.publication.data_package import data_package
from exchange.publication.json_stat import rows_dataset, table_dataset, to_json_stat
from exchange.publication.page import to_html
from exchange.publication.text import table_text
from exchange.publication.workbook import to_xlsx
from exchange.statistics.report import Report
from exchange.statistics.suppression import as_open_data, withheld_of
from tests.exchange.statistics.small_year import SEDS, made

#: Messages sent and received by SED (see `SEDS`); the first two of each direction are small, so
#: that what is withheld may be either of them.
SENT, RECEIVED = (3, 4, 300, 30, 200, 60, 20), (2, 4, 100, 80, 900, 400, 300)


def opened(report: Report, moved: int) -> Report:
    """Open data of few messages; `moved` of a first SED are of the second instead, and as many of
    other small rows are not there.
    """
    counts = {
        (sed, way): count
        for way, numbers in (("sent", SENT), ("received", RECEIVED))
        for sed, count in zip(
            SEDS, (numbers[0] - moved, numbers[1] + moved, *numbers[2:]), strict=True
        )
    }
    return as_open_data(made(report, counts, [40, 60, 3 - moved, 4 - moved], 3))


def forms(report: Report) -> dict[str, Any]:
    """Everything that is published of it, by name."""
    files = {"statistics.csv": to_csv(report, "en"), "statistics.json": to_json(report)}
    files["statistics.json-stat.json"] = to_json_stat(rows_dataset(report, "en"))
    tables = {}
    for table in report.tables:
        tables[f"{table.cut.id}.csv"] = table
        files[f"{table.cut.id}.csv"] = table_csv(table)
        files[f"{table.cut.id}.json-stat.json"] = to_json_stat(table_dataset(report, table, "en"))
    return {
        **files,
        "datapackage.json": data_package(report, files, tables, "en"),
        "text": table_text(report, "en"),
        "page": to_html(report, "en", []),
        "charts": [repr(chart) for chart in charts_of(report, "en")],
        "workbook": to_xlsx(report, "en"),
    }


def test_no_form_depends_on_what_is_withheld(year_report: Report) -> None:
    one, other = (opened(year_report, moved) for moved in (0, 1))
    withheld = set(withheld_of(one))
    assert withheld == set(withheld_of(other))
    assert {("rows", "kelmu.queries.helsinki"), ("rows", "payments.messages-sent")} <= withheld
    assert {("eessi.by-sed", sed, way) for sed in SEDS[:2] for way in ("sent", "received")} <= (
        withheld
    )
    these, those = forms(one), forms(other)
    assert [name for name in these if these[name] != those[name]] == []


def test_every_resource_tells_the_same_and_withholds_the_same(year_report: Report) -> None:
    report = opened(year_report, 0)
    made_of = forms(report)
    counted = {line.row.id: line.counted for line in report.lines}
    of_rows = _told(made_of["statistics.json-stat.json"])
    in_csv = {row["row"]: row["counted"] for row in _read(made_of["statistics.csv"])}
    assert {key[0]: count for key, count in of_rows.items() if key[1] == "counted"} == counted
    assert {row: float(text) if text else None for row, text in in_csv.items()} == counted
    assert len(report.tables) == 4
    for table in report.tables:
        expected = {key: figures and figures.messages for key, figures, _ in table.rows}
        read = _read(made_of[f"{table.cut.id}.csv"])
        lines = {tuple(row[name] for name in table.columns): row["messages"] for row in read}
        assert {key: int(text) if text else None for key, text in lines.items()} == expected
        told = _told(made_of[f"{table.cut.id}.json-stat.json"])
        # (What never came is null there, too, but not marked as withheld.)
        assert {key[:2]: told[key] for key in told if key[:2] in expected} == expected
        assert not any(told[key] for key in told if key[:2] not in expected)


def _read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _told(text: str) -> dict[tuple[str, ...], float | None]:
    """The values of a data set by their categories; every one that is withheld is null."""
    data = json.loads(text)
    keys = product(*(data["dimension"][name]["category"]["index"] for name in data["id"]))
    values = dict(zip(keys, data["value"], strict=True))
    status = data.get("status", {})
    for place, key in enumerate(values):
        assert str(place) not in status or values[key] is None, key
    return values

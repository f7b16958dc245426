"""Runs of simulated years are found, told and laid side by side as their folders say."""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exchange.publication.comparison import counted
from exchange.publication.runs import PROGRESS, RUN, STATISTICS, Told, find_runs, read_counted, tell
from exchange.publication.side_by_side import FILES, Side, beside, sections
from exchange.statistics.rows import LANGUAGES

WHAT: Mapping[str, Any] = {"year": 2024, "scale": "1/1000", "seed": 1, "what_if": [], "faults": []}
TOLD = Told(
    at="2026-11-29T08:00:00Z",
    date="2024-03-04",
    days=64,
    days_in_all=1464,
    messages=10,
    items=20,
    ends_at=None,
)


def document(first: float | None, second: float | None, **period: Any) -> dict[str, Any]:
    """The JSON of a report of two rows and a peak, so far as it is compared."""
    title = dict.fromkeys(LANGUAGES, "Row <b>")
    row = {"section": "some", "title": title, "unit": "messages", "published": 80_000}
    return {
        "period": {
            "year": 2024,
            "first": "2024-01-01",
            "last": "2024-12-31",
            "scale": 0.001,
            **period,
        },
        "sections": {"some": dict.fromkeys(LANGUAGES, "Some")},
        "rows": [
            {**row, "row": "one", "counted": first, "scaled": 80},
            {**row, "row": "two", "counted": second, "scaled": [500, 1500]},
        ],
        "busiest": [
            {
                "grain": "hour",
                "measure": "received",
                "count": 36,
                "start": "2024-02-01T10:00",
                "a_second": 0,
            },
            # Of 25 hours.
            {"grain": "day", "measure": "received", "count": 90, "start": "2024-10-27"},
        ],
        "shares": [],
    }


def lived(folder: Path, at: float, what: Any = WHAT, statistics: Any = None) -> None:
    """The folder of a run that was begun at that time."""
    folder.mkdir(parents=True)
    (folder / RUN).write_text(what if isinstance(what, str) else json.dumps(what))
    os.utime(folder / RUN, (at, at))
    if statistics is not None:
        (folder / STATISTICS).write_text(json.dumps(statistics))


def test_runs_are_found_the_newest_first_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    lived(tmp_path / "old", 1_000, statistics=document(1, 2))
    lived(tmp_path / "pair" / "with", 4_000, {**WHAT, "what_if": ["a=x2"]})
    lived(tmp_path / "pair" / "without", 3_000, statistics=document(1, 2))
    lived(tmp_path / "nested" / "deeper" / "still", 9_000)
    lived(tmp_path / "broken", 9_000, "{")
    lived(tmp_path / "other", 9_000, {"year": "soon"})
    lived(tmp_path / "large", 9_000, json.dumps(WHAT) + " " * (1 << 17))
    (tmp_path / "linked").symlink_to(tmp_path / "old")
    tell(tmp_path / "pair" / "with", TOLD)
    found = find_runs(tmp_path)
    assert [each.name for each in found] == ["pair/without", "pair/with", "old"]
    assert [each.is_done for each in found] == [True, False, True]
    assert [each.told for each in found] == [None, TOLD, None]
    assert found[1].what.what_if == ("a=x2",)
    (tmp_path / "pair" / "with" / PROGRESS).write_text('{"days": -1}')
    assert find_runs(tmp_path)[1].told is None
    assert find_runs(tmp_path / "nowhere") == []
    (tmp_path / "old" / STATISTICS).write_text('{"rows": NaN}')
    with pytest.raises(ValueError, match="no report of statistics"):
        read_counted(tmp_path, found[2])


def sides() -> list[Side]:
    """A run, one with a change, and one that counted nothing of a row."""
    return [
        Side("without", (), counted(document(80, 600))),
        Side("with <i>", ("a=+25%",), counted(document(100, 600))),
        Side("other", ("a=-25%",), counted(document(60, None))),
    ]


def test_runs_are_beside_each_other_with_their_differences_from_the_first() -> None:
    rows = {row.id: row for row in beside(sides())}
    one, two = rows["one"], rows["two"]
    assert (one.published, one.scaled, one.counted) == (80_000, 80, (80, 100, 60))
    assert [(each.difference, each.difference_percent) for each in one.differences if each] == [
        (20, 25),
        (-20, -25),
    ]
    assert (two.scaled, two.counted) == ((500, 1500), (600, 600, None))
    assert [each and each.difference for each in two.differences] == [0, None]
    assert rows["peak.hour"].counted == (10, 10, 10)
    assert rows["peak.day"].counted == (1, 1, 1)


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ([], "2 to 6 runs"),
        ([document(1, 1)] * 6, "2 to 6 runs"),
        ([document(1, 1, scale=0.01)], "same year, scale and days"),
        ([document(1, 1, last="2024-06-30")], "same year, scale and days"),
    ],
)
def test_what_can_not_be_compared_is_not(others: list[Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        beside(
            [Side(str(n), (), counted(each)) for n, each in enumerate([document(1, 1), *others])]
        )


def test_every_file_tells_the_same(tmp_path: Path) -> None:
    runs = sides()
    rows = beside(runs)
    files = {name: write(runs, rows, "sv") for name, write in FILES.items()}
    lines = list(csv.DictReader(io.StringIO(files["csv"].decode())))
    (line,) = [each for each in lines if (each["row"], each["run"]) == ("one", "with <i>")]
    assert (line["counted"], line["difference"], line["difference_percent"]) == ("100", "20", "25")
    assert (lines[3]["scaled"], lines[3]["difference"]) == ("500..1500", "")
    told = json.loads(files["json"])
    assert told["rows"][0]["runs"][2] == {
        "name": "other",
        "counted": 60,
        "difference": -20,
        "difference_percent": -25,
    }
    sheet = zipfile.ZipFile(io.BytesIO(files["xlsx"])).read("xl/worksheets/sheet1.xml").decode()
    assert "<v>-25</v>" in sheet
    page = files["html"].decode()
    assert "with &lt;i&gt;" in page
    assert "<script" not in page
    assert "\u221225,0" in page
    differing = {
        row["id"]
        for _, of_section in sections(runs, rows, "fi")
        for row in of_section
        if row["differs"]
    }
    assert differing == {"one"}

"""Tests of `exchange statistics`: its forms on the standard output and in files, its periods, and
what it refuses.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange.cli import app, statistics
from exchange.clocks import WallClock
from exchange.publication import formats
from exchange.statistics.days import number_of

SCALED = ("--year", "2024", "--scale", "1/1000")


@pytest.fixture
def call(year_ledger: Path, tmp_path: Path) -> Call:
    """The command on the made-up year, with a list of publications of its own."""
    link = tmp_path / "year" / "ledger.db"
    link.parent.mkdir()
    link.symlink_to(year_ledger)
    return Call(link)


class Call:
    """`exchange statistics` with a ledger."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(
            app, ["statistics", "--ledger", f"sqlite:///{self._ledger}", *arguments]
        )
        assert result.exit_code == code, result.output
        return result


def test_the_table_is_whole_in_a_pipe_and_names_its_sources(call: Call) -> None:
    text = call(*SCALED, "--lang", "fi").stdout
    assert "Syntymätiedot" in text
    assert "Kelan tietotilinpäätökset" in text
    assert "…" not in text


def test_csv_is_nothing_but_csv(call: Call) -> None:
    result = call(*SCALED, "--format", "csv", "--lang", "sv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert len(rows) == 34
    assert rows[0]["title"] == "Skickade och mottagna EESSI-meddelanden"
    assert "FPA:s databokslut" in result.stderr


@pytest.mark.parametrize(
    "form, opening",
    [("json", b"{"), ("json-stat", b"{"), ("xlsx", b"PK\x03\x04"), ("html", b"<!doctype html>")],
)
def test_every_form_goes_to_the_output_and_to_a_file(
    call: Call, tmp_path: Path, form: str, opening: bytes
) -> None:
    out = tmp_path / f"made.{form}"
    call(*SCALED, "--format", form, "--out", str(out))
    assert out.read_bytes().startswith(opening)
    assert call(*SCALED, "--format", form).stdout_bytes == out.read_bytes()


def test_a_csv_file_has_its_sources_beside_it(call: Call, tmp_path: Path) -> None:
    call(*SCALED, "--format", "csv", "--out", str(tmp_path / "mine.csv"))
    metadata = json.loads((tmp_path / "mine.csv-metadata.json").read_text(encoding="utf-8"))
    assert metadata["url"] == "mine.csv"
    assert metadata["dc:source"]


def test_a_folder_gets_everything(call: Call, tmp_path: Path) -> None:
    listed = call(*SCALED, "--out", str(tmp_path / "all")).stdout.split()
    assert {Path(name) for name in listed} == {
        path for path in (tmp_path / "all").rglob("*") if path.is_file()
    }


def test_dimensions_take_the_place_of_rows(call: Call) -> None:
    rows = list(
        csv.DictReader(
            io.StringIO(call(*SCALED, "--by", "month,channel", "--format", "csv").stdout)
        )
    )
    assert len(rows) == 12 * 4
    assert set(rows[0]) == {"month", "channel", "messages", "items", "bytes", "share_percent"}
    assert "Suunta" in call("--by", "sector", "--lang", "fi").stdout


def test_a_period_is_counted_with_both_its_days(call: Call) -> None:
    document = json.loads(
        call(*SCALED, "--from", "2024-03-01", "--until", "2024-03-31", "--format", "json").stdout
    )
    assert (
        document["period"]["first"],
        document["period"]["last"],
        document["period"]["days"],
    ) == (
        "2024-03-01",
        "2024-03-31",
        31,
    )


def test_open_data_withholds_in_every_form(call: Call) -> None:
    rows = csv.DictReader(io.StringIO(call(*SCALED, "--open-data", "--format", "csv").stdout))
    requests = next(row for row in rows if row["row"] == "kelmu.information-requests")
    assert (requests["counted"], requests["difference"], requests["published"]) == ("", "", "1447")


@pytest.mark.parametrize("by", ["month,sector", "sender,day", "channel"])
@pytest.mark.parametrize("how", [("--open-data", "--format", "csv"), ("--format", "json-stat")])
def test_a_table_that_is_asked_for_is_no_open_data(
    call: Call, by: str, how: tuple[str, ...]
) -> None:
    refused = call(*SCALED, "--by", by, *how, code=2)
    assert "small ones could be worked out" in " ".join(refused.stderr.replace("│", " ").split())
    assert refused.stdout == ""


def test_no_two_publications_overlap_with_other_figures(
    year_ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each day of a cumulative series follows by subtraction."""
    copy = tmp_path / "ledger.db"
    copy.write_bytes(year_ledger.read_bytes())
    of_copy = Call(copy)
    january = ("--from", "2024-01-01", "--until", "2024-01-31", "--open-data")
    first = of_copy(*january)
    for until in ("2024-03-04", "2024-03-05"):
        partial = of_copy("--from", "2024-01-01", "--until", until, "--open-data", code=2)
        assert "whole calendar months" in partial.stderr
        assert len(partial.stderr.splitlines()) == 1
    assert of_copy(*january).stdout == first.stdout, "the same again tells nothing new"
    of_copy("--from", "2024-02-01", "--until", "2024-02-29", "--open-data")
    more = of_copy("--from", "2024-01-01", "--until", "2024-03-31", "--open-data", code=2)
    assert "2024-01-01 to 2024-01-31 was published with other figures" in more.stderr
    listed = json.loads((tmp_path / "ledger.open-data.json").read_text(encoding="utf-8"))
    assert [entry["last"] for entry in listed] == ["2024-01-31", "2024-02-29"]
    folder = tmp_path / "all"
    monkeypatch.setattr("exchange.publication.publish._for_people", lambda *_: None)
    of_copy(*SCALED, "--out", str(folder))
    assert [path.name for path in (folder / "open-data").iterdir()] == ["not-offered.txt"]
    assert "was published" in (folder / "open-data" / "not-offered.txt").read_text(encoding="utf-8")
    (tmp_path / "ledger.open-data.json").write_text("{}[", encoding="utf-8")
    assert "no JSON list" in of_copy(*january, code=2).stderr


def test_a_month_that_is_held_in_part_is_not_published_as_a_whole_one(
    year_ledger: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "ledger.db"
    copy.write_bytes(year_ledger.read_bytes())
    first = number_of(datetime.date(2024, 1, 1))
    with closing(sqlite3.connect(copy)) as connection, connection:
        # Of January the days 11 to 19 are missing.
        connection.execute("UPDATE held SET since = ?", (first + 19,))
        connection.execute("INSERT INTO held(since,until) VALUES (?,?)", (first, first + 9))
        connection.execute(
            "DELETE FROM day_counter WHERE period BETWEEN ? AND ?", (first + 10, first + 18)
        )
    january = ("--from", "2024-01-01", "--until", "2024-01-31")
    refused = Call(copy)(*january, "--open-data", code=2)
    assert "the ledger holds 22 of 31 days only" in refused.stderr
    assert not (tmp_path / "ledger.open-data.json").exists()
    Call(copy)("--from", "2024-02-01", "--until", "2024-02-29", "--open-data")


def test_a_month_that_is_not_over_is_not_published(
    year_ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "ledger.db"
    copy.write_bytes(year_ledger.read_bytes())
    # In Helsinki it is midnight two hours before it is in UTC.
    last_second = datetime.datetime(2024, 12, 31, 21, 59, 59, tzinfo=datetime.UTC).timestamp()
    december = ("--from", "2024-12-01")
    with monkeypatch.context() as patched:
        patched.setattr(WallClock, "now", lambda _clock: int(last_second * 1000))
        assert "is not over" in Call(copy)(*december, "--open-data", code=2).stderr
        patched.setattr("exchange.publication.publish._for_people", lambda *_: None)
        folder = tmp_path / "all"
        Call(copy)(*december, "--out", str(folder))
        assert [path.name for path in (folder / "open-data").iterdir()] == ["not-offered.txt"]
        patched.setattr(WallClock, "now", lambda _clock: int(last_second * 1000) + 1000)
        Call(copy)(*december, "--open-data")


def test_a_published_month_is_revised_with_a_reason_and_withholds_what_it_withheld(
    year_ledger: Path, tmp_path: Path
) -> None:
    copy, listed = tmp_path / "ledger.db", tmp_path / "ledger.open-data.json"
    copy.write_bytes(year_ledger.read_bytes())
    january = ("--from", "2024-01-01", "--until", "2024-01-31", "--open-data", "--format", "csv")
    of_copy, why = Call(copy), ("--revision", "births of 3 January were counted twice")
    assert "nothing to revise" in of_copy(*january, *why, code=2).stderr
    before = of_copy(*january).stdout
    with closing(sqlite3.connect(copy)) as connection, connection:
        # A hundred more of everything that there was little of.
        connection.execute(
            "UPDATE day_counter SET count = count + 100, items = items + 100 "
            "WHERE count < 5 AND period = ?",
            (number_of(datetime.date(2024, 1, 3)),),
        )
    assert "published with other figures" in of_copy(*january, code=2).stderr
    revised = of_copy(*january, *why)
    assert revised.stdout != before
    assert "Revised publication: births of 3 January were counted twice" in revised.stderr
    first, second = json.loads(listed.read_text(encoding="utf-8"))
    assert second["revision"] == why[1]
    assert first["withheld"]
    assert all(cell in second["withheld"] for cell in first["withheld"])
    again = of_copy(*january)
    assert (again.stdout, "Revised publication" in again.stderr) == (revised.stdout, True)
    del first["withheld"]
    listed.write_text(json.dumps([first]), encoding="utf-8")
    assert "doesn't say what the publication" in of_copy(*january, *why, code=2).stderr


def test_luovas_sum_of_several_units_is_told_in_messages_too(call: Call) -> None:
    rows = json.loads(call(*SCALED, "--format", "json").stdout)["rows"]
    (luova,) = (row for row in rows if "messages" in row)
    assert luova["row"] == "luova.messages-per-day"
    assert 0 < luova["messages"] < luova["counted"] / 2
    assert "luova.messages-per-day: as messages" in call(*SCALED).stdout


def test_json_stat_of_part_of_a_month_withholds_and_says_that_it_is_no_open_data(
    call: Call,
) -> None:
    asked = call("--from", "2024-01-01", "--until", "2024-03-04", "--format", "json-stat")
    dataset = json.loads(asked.stdout)
    assert "c" in dataset["status"].values()
    assert dataset["note"][0].startswith("No open data: the period 2024-01-01 to 2024-03-04")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "pdf"),
        ("--lang", "de"),
        ("--scale", "0"),
        ("--scale", "1/0"),
        ("--scale", "much"),
        ("--by", "colour"),
        ("--from", "2024-02-30"),
        ("--from", "2024-03-02", "--until", "2024-03-01"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Call, arguments: tuple[str, ...]) -> None:
    assert arguments[0] in call(*arguments, code=2).stderr


def test_the_forms_offered_are_those_there_are() -> None:
    assert tuple(formats.FORMS) == statistics.FORMS


def test_other_commands_do_not_wait_for_the_charts() -> None:
    heavy = "{'altair', 'vl_convert', 'xlsxwriter', 'holidays'}"
    code = (
        "import sys; from exchange.cli.commands import PLACES, Commands\n"
        "assert len([*Commands(PLACES).values()]) == len(PLACES) > 15\n"
        f"sys.exit(str(sorted({heavy} & set(sys.modules))))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.stderr.strip() == "[]"


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["statistics", "--ledger", f"sqlite:///{tmp_path / 'none.db'}"]
    )
    assert result.exit_code == 2
    assert "there is no ledger" in result.stderr
    assert list(tmp_path.iterdir()) == []

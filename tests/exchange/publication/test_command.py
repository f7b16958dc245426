"""Tests of `exchange statistics`: its forms on the standard output and in files, its periods, and
what it refuses.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exchange.cli import app, statistics
from exchange.publication import forms

SCALED = ("--year", "2024", "--scale", "1/1000")


@pytest.fixture
def call(year_ledger: Path) -> Call:
    """The command on the made-up year."""
    return Call(year_ledger)


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
    assert tuple(forms.FORMS) == statistics.FORMS


def test_other_commands_do_not_wait_for_the_charts() -> None:
    heavy = "{'altair', 'vl_convert', 'xlsxwriter', 'holidays'}"
    code = f"import sys, exchange.cli; sys.exit(str(sorted({heavy} & set(sys.modules))))"
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

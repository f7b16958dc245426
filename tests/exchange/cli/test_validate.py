"""`exchange validate`: exit codes, both formats, standard input; and the Incomes Register's own
examples where they are at hand.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from exchange.adapters import income_register
from exchange.cli import app
from tests.exchange.journey.way import BODY
from tests.schemas.places import place

DAY, WRONG_DAY = b'"2026-03-02T06:10:00Z"', b'"2026-03-32T06:10:00Z"'
VALID = Path(income_register.__file__).parent / "samples" / "valid"
LINE_OF_2024 = (
    b"<Transaction><TransactionBasic><TransactionCode>366</TransactionCode><Amount>10.00</Amount>"
    b"</TransactionBasic></Transaction>"
)
BROKEN = BODY.replace(DAY, WRONG_DAY)


def validate(*arguments: object, sent: bytes | None = None) -> Result:
    """The command."""
    return CliRunner().invoke(app, ["validate", *map(str, arguments)], input=sent)


def files(folder: Path, **bodies: bytes) -> dict[str, Path]:
    """The bodies as files."""
    paths = {name: folder / name for name in bodies}
    for name, path in paths.items():
        path.write_bytes(bodies[name])
    return paths


def test_exit_codes(tmp_path: Path) -> None:
    named = files(tmp_path, valid=BODY, invalid=BROKEN, unknown=b"<a/>", torn=BODY[:-5], empty=b"")
    for names, code in (
        (["valid"], 0),
        (["valid", "valid"], 0),
        (["invalid"], 1),
        (["torn"], 1),
        (["empty"], 1),
        (["valid", "invalid"], 1),
        (["unknown"], 2),
        (["invalid", "unknown", "valid"], 2),
    ):
        result = validate(*(named[name] for name in names))
        assert result.exit_code == code, (names, result.output)
        assert result.stdout.count(str(tmp_path)) == len(names), "every file has its verdict"


@pytest.mark.parametrize("name", ["nothing", "."])
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    result = validate(tmp_path / name)
    assert result.exit_code == 2
    assert str(tmp_path) in result.stderr
    assert "Traceback" not in result.output


def test_no_file_and_no_such_format_are_told(tmp_path: Path) -> None:
    assert validate().exit_code == 2
    assert "text or json" in validate("-", "--format", "xml", sent=BODY).stderr
    assert validate("-", "--type", "no.such", sent=BODY).exit_code == 2


def test_standard_input_and_a_named_type() -> None:
    assert validate("-", sent=BODY).exit_code == 0
    assert validate("-", "--type", "population.births", sent=BODY).exit_code == 0
    assert validate("-", "--type", "population.deaths", sent=BODY).exit_code in (0, 1)
    assert validate("-", sent=b"\xff\xfe").exit_code == 1


def test_the_text_shows_the_line_with_a_caret_under_the_column(tmp_path: Path) -> None:
    path = files(tmp_path, invalid=BROKEN)["invalid"]
    result = validate(path)
    line, column, source = place(BROKEN.decode(), BROKEN.index(WRONG_DAY))
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{path}: not valid as population.changes")
    assert lines[0].endswith(": 1 error, 0 warnings")
    at = next(
        number
        for number, text in enumerate(lines)
        if text.strip().startswith(f"{line}:{column} error: /muutokset/0/")
    )
    assert lines[at + 1].strip() == source.strip()
    assert lines[at + 1][lines[at + 2].index("^") :].startswith(WRONG_DAY.decode())


def test_the_json_is_the_violations_with_their_places(tmp_path: Path) -> None:
    paths = files(tmp_path, valid=BODY, invalid=BROKEN)
    told = json.loads(validate(*paths.values(), "--format", "json").stdout)
    assert [(each["file"], each["valid"], each["type"]) for each in told] == [
        (str(paths["valid"]), True, "population.changes"),
        (str(paths["invalid"]), False, "population.changes"),
    ]
    (violation,) = told[1]["violations"]
    assert (violation["line"], violation["column"]) == place(
        BROKEN.decode(), BROKEN.index(WRONG_DAY)
    )[:2]
    assert violation["path"].endswith("/muutokset/0/muutospv")


def examples() -> list[Path]:
    """The register's published examples; only tests marked `reference` ask for them."""
    return sorted(
        (Path(os.environ["EXCHANGE_REFERENCE"]) / "income-register" / "examples").glob("*.xml")
    )


@pytest.mark.reference
def test_the_registers_own_examples_are_valid() -> None:
    result = validate(*examples())
    assert len(examples()) == 3
    assert result.exit_code == 0, result.stdout
    assert result.stdout.count(": valid as income-register.") == 3


@pytest.mark.reference
@pytest.mark.parametrize("number", range(3))
def test_three_faults_in_a_copy_are_three_violations_where_they_are(
    tmp_path: Path, number: int
) -> None:
    """A broken amount, a required element dropped, a code misspelt."""
    text = examples()[number].read_text(encoding="utf-8")
    amount = text.index("<Amount>")
    text = text[: amount + 8] + "12,x0" + text[text.index("</Amount>", amount) :]
    start, end = text.index("<PaymentDate>"), text.index("<StartDate>")
    text = text[:start] + text[end:]
    code = text.index("<DeliveryDataType>")
    text = text[: code + 18] + "1OO" + text[text.index("</DeliveryDataType>") :]
    path = tmp_path / "copy.xml"
    path.write_bytes(text.encode())
    result = validate(path, "--format", "json")
    assert result.exit_code == 1
    told = [
        each for each in json.loads(result.stdout)[0]["violations"] if each["severity"] == "error"
    ]
    # The examples are signed: what was changed was signed otherwise.
    errors: list[Any] = [each for each in told if each["rule"] != "ir.signature"]
    assert len(told) == len(errors) + 1
    wanted = sorted(
        place(text, text.index(tag))[:2]
        for tag in ("<DeliveryDataType>", "<StartDate>", "<Amount>")
    )
    assert [(each["line"], each["column"]) for each in errors] == wanted
    root = "/wrtir:WageReportRequestToIR/DeliveryData/"
    assert (errors[0]["path"], errors[0]["found"]) == (root + "DeliveryDataType", "1OO")
    assert (errors[1]["rule"], errors[1]["expected"]) == ("xsd.element-missing", "PaymentDate")
    assert errors[1]["path"] == root + "PaymentPeriod/StartDate"
    assert errors[2]["path"].startswith(root + "Reports/Report")
    assert (errors[2]["path"].rpartition("/")[2].partition("[")[0], errors[2]["found"]) == (
        "Amount",
        "12,x0",
    )


def test_as_of_tells_a_message_by_its_own_date_and_by_another(tmp_path: Path) -> None:
    sample = (VALID / "income-register.wage-reports--deferred-two-reports.xml").read_bytes()
    of_2024 = sample.replace(b"</Transactions>", LINE_OF_2024 + b"</Transactions>", 1)
    named = files(tmp_path, new=of_2024)
    result = validate(named["new"], "--as-of", "2023-12-31", "--format", "json")
    own, before = json.loads(result.stdout)
    assert (own["valid"], "as_of" in own, before["as_of"]) == (True, False, "2023-12-31")
    broken = [each["rule"] for each in before["violations"] if each["severity"] == "error"]
    assert (result.exit_code, broken) == (1, ["ir.transaction-code-unknown"])
    assert validate(named["new"], "--as-of", "2024-01-01").exit_code == 0
    told = validate(named["new"], "--as-of", "2023-12-31").stdout
    assert f"{named['new']} as of 2023-12-31: not valid" in told
    assert validate(named["new"], "--as-of", "soon").exit_code == 2

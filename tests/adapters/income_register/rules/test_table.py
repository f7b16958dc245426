"""The table of errors, the rules that raise them and the samples that show them: none without the
others.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

from exchange.adapters import income_register
from exchange.schemas.income_register.codes import ERRORS, ERRORS_BY_CODE

FOLDER = Path(income_register.__file__).parent
SAMPLES = FOLDER / "samples" / "invalid"
#: Errors that no rule file raises: of the schema, the journey and the services.
PLAIN = {"schema", "real-person", "message-id-reused", "receiver-unknown", "internal", "operation"}
#: Where the register's memory and the signatures are judged: not of one document alone, so no
#: sample can show it.
BEYOND_ONE_DOCUMENT = (
    FOLDER / "register" / "versions.py",
    FOLDER / "signature" / "verify.py",
    FOLDER / "signature" / "signer.py",
)
#: What only a delivery that is sent can break, so that no file shows it: tests/journeys/bad_input
#: does.
AT_A_ENDPOINT = {"sender-not-partner", "timestamp-ahead", "asked-without-right"}
RULE_FILES = sorted((FOLDER / "rules").glob("*.py"))


def raised(path: Path) -> set[str]:
    """The names of rules in a rule file: every string there that the table of errors has."""
    syntax = ast.parse(path.read_text(encoding="utf-8"))
    strings = {
        node.value
        for node in ast.walk(syntax)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return strings & set(ERRORS)


def added(path: Path) -> set[str]:
    """The rules that a file names where it adds a finding."""
    calls = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    )
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "add"
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "book"
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


RAISED = {rule for path in RULE_FILES for rule in raised(path)}
#: Errors that no single document shows.
ELSEWHERE = PLAIN | ({rule for path in BEYOND_ONE_DOCUMENT for rule in raised(path)} - RAISED)


def test_every_rule_has_an_error_and_every_error_a_rule() -> None:
    assert len(RULE_FILES) > 10
    assert {rule for path in RULE_FILES for rule in added(path)} <= set(ERRORS)
    assert set(ERRORS) - RAISED == ELSEWHERE


def test_every_rule_has_a_sample() -> None:
    shown = {
        each["rule"]
        for path in SAMPLES.glob("*.expected.json")
        for each in json.loads(path.read_text())
    }
    assert [
        rule
        for rule in ERRORS
        if rule not in ELSEWHERE | AT_A_ENDPOINT and f"ir.{rule}" not in shown
    ] == []


def test_every_expectation_has_its_sample_and_every_sample_its_expectation() -> None:
    assert {path.stem for path in SAMPLES.glob("*.xml")} == {
        path.name.removesuffix(".expected.json") for path in SAMPLES.glob("*.json")
    }


def test_codes_are_unique_and_texts_fit_the_registers_types() -> None:
    assert len(ERRORS_BY_CODE) == len(ERRORS)
    for error in ERRORS.values():
        assert error.level in ("message", "delivery", "payment", "item")
        assert len(error.code) <= 20
        assert all(0 < len(text) <= 500 for text in (error.en, error.fi, error.sv)), error.rule
        assert len({error.en, error.fi, error.sv}) == 3, error.rule
        assert error.source
        assert error.at

"""Documents of the change interface with the verdicts that its public readers lead to, each with
the place of its fault.
"""

from __future__ import annotations

import datetime
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from exchange.assembly import checking
from exchange.journey.check import Checked, Checking
from exchange.schemas.persons import person

pytestmark = pytest.mark.reference

TYPES = {
    "muutokset-response": "population.changes",
    "muutokset-request": "population-register.changes-query",
    "perustiedot-request": "population-register.basic-data-query",
    "perustiedot-response": "population-register.basic-data",
    "kirjausavain-response": "population-register.key",
}


def cases() -> list[dict[str, Any]]:
    """All cases."""
    folder = Path(os.environ["EXCHANGE_REFERENCE"]).parent / "cases/dvv"
    found: list[dict[str, Any]] = json.loads((folder / "dvv-cases.json").read_text())
    return found


@pytest.fixture(scope="module")
def judge() -> Checking:
    """What `exchange validate` judges with."""
    return checking()


def check(judge: Checking, case: dict[str, Any]) -> Checked:
    """What is found in the document of a case; one is described only, by how many codes it has."""
    document = case["document"]
    if isinstance(document, str):
        rng, today = random.Random(1), datetime.date.today()
        codes = {person(rng, today).personal_identity_code for _ in range(100)}
        document = {"hetulista": sorted(codes)}
    return judge.check(json.dumps(document).encode(), TYPES[case["kind"]])


def test_every_case_is_judged_as_public_readers_do(judge: Checking) -> None:
    wrong = []
    found = cases()
    assert len(found) >= 50
    for case in found:
        checked = check(judge, case)
        at = {each.path for each in checked.violations if each.severity == "error"}
        if case["verdict"] == "accept" and at:
            wrong.append((case["id"], case["name"], "accept", at))
        if case["verdict"] == "refuse" and case["path"] not in at:
            wrong.append((case["id"], case["name"], case["path"], at))
    assert wrong == []

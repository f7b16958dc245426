"""Character references that the register forbids: told once for each element, and in the answer no
more of them than it tells.
"""

from __future__ import annotations

from pathlib import Path

from exchange.adapters import income_register
from exchange.adapters.income_register.register import verdict
from exchange.assembly import checking
from exchange.schemas.violation import Finding

SAMPLES = Path(income_register.__file__).parent / "samples" / "valid"
KIND = "income-register.invalidations"
SAMPLE = (SAMPLES / f"{KIND}--two-wage-reports.xml").read_bytes()


def test_many_references_in_an_element_are_told_once() -> None:
    at = SAMPLE.index(b"</DeliveryId>")
    body = SAMPLE[:at] + b"&#49;&#50;&#51;" + SAMPLE[at:]
    at = body.index(b"</Source>")
    body = body[:at] + b"&#49;" + body[at:]
    # (What the schema refuses for its value is not blamed twice.)
    at = body.index(b"</Timestamp>")
    body = body[:at] + b"&#49;" + body[at:]
    told = [
        violation.path.rpartition("/")[2]
        for violation in checking().check(body, KIND).violations
        if violation.rule == "ir.forbidden-string"
    ]
    assert sorted(told) == ["DeliveryId", "Source"]


def test_of_each_item_and_level_the_first_faults_are_told() -> None:
    faults = [
        Finding(f"rule-{number}", "", item=item)
        for number in range(3 * verdict.ERRORS_MAX)
        for item in (None, 0, 1)
    ]
    told = verdict._told(faults)
    assert len(told) == 3 * verdict.ERRORS_MAX
    assert told == faults[: len(told)]

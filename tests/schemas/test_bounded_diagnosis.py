"""What is wrong with a large or malicious document is told in bounded time, with exact places;
small documents have the samples.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from exchange.adapters.luova.families import unemployment
from exchange.assembly import checking

SAMPLE = (
    Path(unemployment.__file__).parent
    / "samples/valid/unemployment.earnings-data--granted-rejected-adjusted.xml"
)
TEXT = SAMPLE.read_text(encoding="utf-8")
START, END = TEXT.index("  <Record"), TEXT.index("</EarningsData>")
TYPE = "unemployment.earnings-data"
OPEN = '<EarningsData xmlns="urn:exchange:unemployment:1"'
#: Generous for a busy machine; what these documents took before there were bounds was minutes.
SECONDS_MAX = 15.0

HOSTILE = {
    "20,000 attributes": OPEN + "".join(f' a{number}="1"' for number in range(20_000)) + "/>",
    "40,000 unknown children": f"{OPEN}>" + "<x/>" * 40_000 + "</EarningsData>",
    "40,000 children in the wrong order": f"{OPEN}>"
    + '<Record id="a"/>' * 40_000
    + "</EarningsData>",
    "40,000 namespaces": f"{OPEN}>"
    + "".join(f'<n:x xmlns:n="urn:{number}"/>' for number in range(40_000))
    + "</EarningsData>",
    "2,000 namespaces over many elements": OPEN
    + "".join(f' xmlns:n{number}="urn:{number}"' for number in range(2_000))
    + ">"
    + TEXT[START:END].replace("<Net>", "<Net>x") * 100
    + "</EarningsData>",
    "a value of a megabyte": TEXT.replace("480.00", "4" * 1_000_000),
    "an exponent": TEXT.replace("480.00", "1E99999999"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_diagnosed_in_bounded_time(name: str) -> None:
    judge = checking()
    began = time.monotonic()
    checked = judge.check(HOSTILE[name].encode(), TYPE)
    assert time.monotonic() - began < SECONDS_MAX
    assert checked.violations
    assert not checked.valid
    assert len(checked.violations) <= 201


def grown(records: int) -> str:
    """The sample with so many times its three records."""
    body = "".join(TEXT[START:END].replace('id="r', f'id="n{number}-') for number in range(records))
    return TEXT[:START] + body + TEXT[END:]


@pytest.mark.parametrize("one_line", [False, True], ids=["by lines", "on one line"])
def test_a_violation_far_down_stands_where_it_is(one_line: bool) -> None:
    """Beyond line 65,535, where libxml2 stops to count, by both ways of explaining."""
    for records in (780, 1_000):
        text = grown(records)
        at = text.rindex("<Gross>640.25")
        text = text[:at] + "<Gross>740.25" + text[at + len("<Gross>640.25") :]
        if one_line:
            text, at = text.replace("\n", " "), text.replace("\n", " ").rindex("<Gross>740.25")
        else:
            assert text.count("\n") > 65_535
        violations = checking().check(text.encode(), TYPE).violations
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        path = f"/EarningsData/Record[{records * 3}]/Payment/Gross"
        assert [(each.line, each.column, each.path) for each in violations] == [
            (line, column, path)
        ] * 2
        assert {each.rule for each in violations} == {"unemployment.sum", "unemployment.gross"}


def test_a_schema_fault_far_down_stands_where_it_is() -> None:
    text = grown(780)
    at = text.rindex("<Outcome>")
    text = text[:at] + "<Outcome>UN" + text[at + len("<Outcome>") :]
    (violation,) = checking().check(text.encode(), TYPE).violations
    assert (violation.line, violation.column) == (
        text.count("\n", 0, at) + 1,
        at - text.rfind("\n", 0, at),
    )
    assert violation.line > 65_535
    assert violation.path == "/EarningsData/Record[2340]/Decision/Outcome"

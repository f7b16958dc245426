"""What could be a real person is told with its place and item, and never repeated."""

from __future__ import annotations

import dataclasses
import json

import pytest

from exchange import discovery
from exchange.assembly.parts import checking
from exchange.journey.check import Checking
from exchange.journey.real_persons import real_persons
from exchange.ports import Inbound
from exchange.schemas.directory import Partner
from exchange.schemas.identifiers import CHECK_CHARACTERS
from exchange.schemas.violation import Violation
from tests.conformance.samples import ROOT

#: Made here, so that no file holds one.
CODE = "010190-123" + CHECK_CHARACTERS[10190123 % 31]
SENDER = Partner("somebody", "Somebody", "other-authority")
EARNINGS = (
    "luova/families/unemployment/samples/valid/"
    "unemployment.earnings-data--granted-rejected-adjusted.xml"
)
WAGES = "income_register/samples/valid/income-register.wage-reports--deferred-two-reports.xml"


@pytest.fixture(scope="module")
def judge() -> Checking:
    return checking()


def told(judge: Checking, body: bytes, name: str = "") -> list[Violation]:
    violations = judge.check(body, name).violations
    assert {each.rule for each in violations} == {"identity.real-person"}
    assert CODE not in repr(violations), "never the code itself"
    return violations


def test_in_a_record_of_xml(judge: Checking) -> None:
    body = (ROOT / EARNINGS).read_bytes()
    at = body.index(b"<PersonalIdentityCode>", body.index(b"<Record", body.index(b"<Record") + 1))
    start, end = body.index(b">", at) + 1, body.index(b"</", at)
    (violation,) = told(judge, body[:start] + CODE.encode() + body[end:])
    line = body[:at].count(b"\n") + 1
    column = at - body.rindex(b"\n", 0, at)
    assert (violation.line, violation.column, violation.item) == (line, column, 1)
    assert violation.path.startswith("/EarningsData/Record[2]/")
    assert violation.path.endswith("PersonalIdentityCode")
    assert violation.source == ""


def test_in_a_report_of_a_delivery(judge: Checking) -> None:
    body = (ROOT / WAGES).read_bytes()
    at = body.rindex(b"<LastName>")
    changed = body[: at + 10] + CODE.encode() + b" " + body[at + 10 :]
    (violation,) = told(judge, changed)
    assert violation.item == 1
    assert violation.path.endswith("Report[2]/IncomeEarner/IncomeEarnerBasic/LastName")


def test_in_each_value_of_json(judge: Checking) -> None:
    path = "kelmu/samples/valid/kelmu.benefit-query-bulk--three-persons.json"
    document = json.loads((ROOT / path).read_bytes())
    document["persons"][0] = document["persons"][2] = CODE
    violations = told(judge, json.dumps(document, indent=1).encode(), "kelmu.benefit-query-bulk")
    assert [(each.path, each.item) for each in violations] == [
        ("/persons/0", 0),
        ("/persons/2", 2),
    ]
    assert all(each.line > 1 and each.column > 1 for each in violations)


@pytest.mark.parametrize(
    "hidden",
    [
        "".join(f"&#{ord(each)};" for each in CODE),
        f"{CODE[:4]}<!-- -->{CODE[4:]}",
        f"<![CDATA[{CODE}]]>",
        f"x<!-- {CODE} -->",
        f"<i a='{CODE}'/>",
    ],
)
def test_hidden_in_xml(judge: Checking, hidden: str) -> None:
    body = f"<EarningsData>\n <Fund>{hidden}</Fund></EarningsData>".encode()
    (violation,) = told(judge, body, "unemployment.earnings-data")
    assert violation.line == 2
    assert violation.path.startswith("/EarningsData/Fund")


def test_as_the_name_of_a_member_its_object_is_told(judge: Checking) -> None:
    body = f'{{"persons": {{"{CODE}": {{"a": "{CODE}"}}}}}}'.encode()
    of_object, of_value = told(judge, body, "kelmu.benefit-query")
    assert (of_object.path, of_object.line) == ("/persons", 1)
    assert (of_value.path, of_value.line) == ("", 1), "a path that names the code is not told"
    assert of_value.column > of_object.column


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_in_what_is_no_document_by_line_and_column(judge: Checking, encoding: str) -> None:
    body = f"<EarningsData>\n <Fund>{CODE}".encode(encoding)
    (violation,) = told(judge, body, "unemployment.earnings-data")
    assert (violation.line, violation.column, violation.path) == (2, 8, "")


@pytest.mark.parametrize("before", [199_990, 65_528, 131_070])
def test_far_back_in_what_is_no_document_and_over_the_edge_of_a_window(before: int) -> None:
    body = b"x" * before + b"\n  " + CODE.encode() + b"\n"
    (violation,), _ = real_persons(None, Inbound(SENDER, body), 10)
    assert (violation.line, violation.column) == (2, 3)


@pytest.mark.parametrize("name", sorted(discovery.channels()))
def test_beside_a_message_the_hint_is_named(name: str) -> None:
    channel = discovery.channels()[name]
    inbound = Inbound(SENDER, b"", "text/xml", "api", {"type": "", "id": CODE})
    (violation,), _ = real_persons(channel, inbound, 10)
    assert violation.message.endswith("beside the message: id")
    assert CODE not in repr(violation)
    assert real_persons(channel, dataclasses.replace(inbound, hints={"type": ""}), 10) == ([], ())

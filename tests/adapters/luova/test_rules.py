"""Luova's rules that need a sender or a clock (the others have samples), and the headers that stand
beside a message.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.adapters.luova import families
from exchange.adapters.luova.families.unemployment.rules import weekdays
from exchange.adapters.luova.parse import is_plain_id
from exchange.adapters.luova.rules.judge import CLOCK_SKEW_SECONDS_MAX
from exchange.assembly import checking
from tests.adapters.luova.judging import NOON, inbound, judge, rules_of

FAMILIES = Path(families.__file__).parent
EARNINGS = (
    FAMILIES
    / "unemployment/samples/valid/unemployment.earnings-data--granted-rejected-adjusted.xml"
).read_bytes()


def test_a_message_with_all_its_headers_is_right() -> None:
    message = inbound(
        receiver="kela.core-data", conversation="c-1", ordered="true", created_at=NOON.isoformat()
    )
    reading, judgement = judge(message)
    assert judgement.verdict.accepted
    assert not judgement.violations
    assert reading.identity is not None
    assert (
        reading.identity.sender_message_id,
        reading.identity.conversation,
        reading.identity.ordered,
    ) == ("m-1", "c-1", True)


@pytest.mark.parametrize(
    ("hints", "rule"),
    [
        ({"id": ""}, "luova.message-id"),
        ({"id": "-starts-with-a-hyphen"}, "luova.message-id"),
        ({"id": "x" * 101}, "luova.message-id"),
        ({"id": "two words"}, "luova.message-id"),
        ({"id": 'a"b'}, "luova.message-id"),
        ({"conversation": "c 1"}, "luova.conversation-id"),
        ({"ordered": "yes", "conversation": "c"}, "luova.ordered"),
        ({"ordered": "true"}, "luova.ordered"),
        ({"created_at": "yesterday"}, "luova.clock"),
        ({"created_at": "2026-03-02T12:00:00"}, "luova.clock"),
        ({"created_at": "9" * 10_000}, "luova.clock"),
        ({"type": "population.weddings"}, "luova.message-type"),
        ({"type": "unemployment.earnings-data"}, "xml.malformed"),
    ],
)
def test_a_wrong_header_is_told(hints: dict[str, str], rule: str) -> None:
    assert rule in rules_of(inbound(**hints))


def test_every_wrong_header_is_told_at_once() -> None:
    found = rules_of(inbound(id="", conversation="c 1", ordered="maybe", created_at="now"))
    assert sorted(found) == [
        "luova.clock",
        "luova.conversation-id",
        "luova.message-id",
        "luova.ordered",
    ]


@given(st.integers(-3 * CLOCK_SKEW_SECONDS_MAX, 3 * CLOCK_SKEW_SECONDS_MAX), st.integers(-12, 12))
def test_a_clock_may_differ_by_a_day_whatever_its_offset(seconds: int, hours: int) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=hours))
    created = (NOON + datetime.timedelta(seconds=seconds)).astimezone(zone).isoformat()
    assert rules_of(inbound(created_at=created)) == (
        ["luova.clock"] if abs(seconds) > CLOCK_SKEW_SECONDS_MAX else []
    )


@pytest.mark.parametrize(
    "partner", ["fund.ytk", "kela.core-data", "county.lappi", "employer.demo-oy"]
)
def test_only_the_register_sends_changes(partner: str) -> None:
    assert rules_of(inbound(partner=partner)) == ["luova.sender"]


def test_a_fund_speaks_for_itself_only() -> None:
    own = inbound(EARNINGS, "fund.ytk", type="unemployment.earnings-data")
    assert rules_of(own) == []
    _, judgement = judge(inbound(EARNINGS, "fund.pro", type="unemployment.earnings-data"))
    (violation,) = judgement.violations
    assert (violation.rule, violation.expected, violation.found) == (
        "unemployment.fund",
        "9001480-0",
        "9001444-8",
    )
    assert (violation.line, violation.column, violation.path) == (
        4,
        5,
        "/EarningsData/Fund/BusinessId",
    )


def test_the_type_is_told_by_the_document_where_it_can_be() -> None:
    reading, _ = judge(inbound(EARNINGS, "fund.ytk", type=""))
    assert reading.message_type is not None
    assert reading.message_type.name == "unemployment.earnings-data"
    assert rules_of(inbound(type="")) == []
    assert rules_of(inbound(b'{"a":1}', type="")) == ["type.unknown"]
    assert rules_of(inbound(b"<a/>", type="")) == ["type.unknown"]


def test_another_channels_document_is_no_message_here() -> None:
    query = b'{"person":"x","purpose":"y","data_groups":[]}'
    assert "type.unknown" in rules_of(inbound(query, type=""))
    assert "luova.message-type" in rules_of(inbound(query, type="kelmu.benefit-query"))


def test_another_root_than_the_types_is_told_with_its_place() -> None:
    _, judgement = judge(inbound(EARNINGS, "fund.ytk", type="unemployment.information-request"))
    first = next(violation for violation in judgement.violations if violation.rule == "luova.root")
    assert (first.line, first.column, first.path) == (2, 1, "/EarningsData")


@given(st.text(max_size=120))
def test_what_serves_as_an_id_needs_no_escaping_anywhere(text: str) -> None:
    if is_plain_id(text):
        assert text.isascii()
        assert text.isprintable()
        assert not set(text) & set(" \"\\/<>&%?#'")
        assert 1 <= len(text) <= 100


@given(st.dates(datetime.date(2020, 1, 1), datetime.date(2030, 1, 1)), st.integers(0, 500))
def test_weekdays_are_counted_as_one_would_by_hand(start: datetime.date, length: int) -> None:
    end = start + datetime.timedelta(days=length)
    days = (start + datetime.timedelta(days=number) for number in range(length + 1))
    assert weekdays(start, end) == sum(day.weekday() < 5 for day in days)


@pytest.mark.parametrize(
    "amount", ["1E99999999", "-1E-99999999", "9" * 5_000, "NaN", "Infinity", "1_000", "٣", ""]
)
def test_a_number_that_is_none_breaks_no_rule_and_nothing_else(amount: str) -> None:
    body = EARNINGS.replace(b"480.00", amount.encode())
    assert all(
        rule.startswith("xsd.")
        for rule in rules_of(inbound(body, "fund.ytk", type="unemployment.earnings-data"))
    )


@pytest.mark.parametrize("group", [[1], {"a": 1}, None, 1.5, True])
def test_a_group_that_is_no_text_is_a_violation_and_no_error(group: Any) -> None:
    path = FAMILIES / "population/samples/valid/population.births--one.json"
    document = json.loads(path.read_bytes())
    document["muutokset"][0]["tietoryhmat"][0]["tietoryhma"] = group
    checked = checking().check(json.dumps(document).encode(), "population.births")
    assert not checked.valid
    rules = {each.rule for each in checked.violations}
    assert all(rule.startswith("json.") for rule in rules), "nothing is judged on a refused value"

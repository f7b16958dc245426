"""Information requests of Kela and the counties' answers: who may ask whom, and which request an
answer belongs to.
"""

from __future__ import annotations

from typing import Any

import pytest

from exchange.adapters.kelmu.identify import identify
from exchange.adapters.kelmu.memory import recall, remember, request_key
from exchange.ports import Context, Remembered, Verdict
from tests.adapters.kelmu.judging import COUNTY, DIRECTORY, KELA, NOW, judge, rules_of

REQUEST_TYPE, ANSWER_TYPE = "kelmu.information-request", "kelmu.information-request-answer"
REQUEST: dict[str, Any] = {
    "county": COUNTY,
    "person": "220984V9880",
    "benefit": "basic-social-assistance",
    "statements": ["social-care-statement", "service-needs-assessment"],
    "question": "Onko palvelutarve arvioitu?",
    "user": "kela0417",
    "answer_by": "2026-03-16",
}
ANSWER: dict[str, Any] = {
    "information_request": "r-1",
    "given": [
        {"statement": "social-care-statement", "known": True, "text": "Asiakas."},
        {"statement": "service-needs-assessment", "known": False},
    ],
    "user": "sos1",
}


def asked(answer: str = "", county: str = COUNTY) -> dict[str, Remembered]:
    """What the exchange remembers of a request."""
    value = {
        "sender": KELA,
        "county": county,
        "statements": REQUEST["statements"],
        "answer": answer,
    }
    return {request_key("r-1"): Remembered(value, 1)}


def test_kela_asks_a_county() -> None:
    assert rules_of(REQUEST, KELA, REQUEST_TYPE) == []
    assert rules_of({**REQUEST, "county": "helsinki"}, KELA, REQUEST_TYPE) == []
    assert rules_of({**REQUEST, "answer_by": "2026-03-02"}, KELA, REQUEST_TYPE) == [], "today"


@pytest.mark.parametrize(
    ("partner", "changed", "rule"),
    [
        (COUNTY, {}, "kelmu.rights.sender"),
        (KELA, {"county": "municipality.oulu"}, "kelmu.information-request.county"),
        (KELA, {"county": "county.nowhere"}, "kelmu.information-request.county"),
        (KELA, {"answer_by": "2026-03-01"}, "kelmu.information-request.answer-by"),
    ],
)
def test_a_request_that_is_not_one(partner: str, changed: dict[str, Any], rule: str) -> None:
    assert rules_of({**REQUEST, **changed}, partner, REQUEST_TYPE) == [rule]


def test_the_county_asked_answers_once() -> None:
    assert rules_of(ANSWER, COUNTY, ANSWER_TYPE, known=asked(), information_request="r-1") == []
    # The same answer again is a duplicate, which the ledger knows: not a second answer.
    assert (
        rules_of(ANSWER, COUNTY, ANSWER_TYPE, known=asked("q-1"), information_request="r-1") == []
    )
    again = rules_of(ANSWER, COUNTY, ANSWER_TYPE, known=asked("other-1"), information_request="r-1")
    assert again == ["kelmu.information-request-answer.again"]


def test_another_countys_request_is_as_good_as_none() -> None:
    found = [
        judge(ANSWER, "county.lappi", ANSWER_TYPE, known, information_request="r-1")[1].violations
        for known in (asked(), {})
    ]
    assert found[0] == found[1]
    assert [violation.rule for violation in found[0]] == [
        "kelmu.information-request-answer.unknown"
    ]


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        (ANSWER["given"][:1], ["kelmu.information-request-answer.missing"]),
        ([*ANSWER["given"], ANSWER["given"][1]], ["kelmu.information-request-answer.statement"]),
        (
            [*ANSWER["given"], {"statement": "multi-agency-cooperation", "known": False}],
            ["kelmu.information-request-answer.statement"],
        ),
    ],
)
def test_each_statement_asked_for_is_given_once(given: list[Any], rules: list[str]) -> None:
    assert (
        rules_of(
            {**ANSWER, "given": given},
            COUNTY,
            ANSWER_TYPE,
            known=asked(),
            information_request="r-1",
        )
        == rules
    )


def test_the_address_and_the_body_name_the_same_request() -> None:
    found = rules_of(ANSWER, COUNTY, ANSWER_TYPE, known=asked(), information_request="r-2")
    assert found == ["kelmu.information-request-answer.reference"]


def test_what_is_remembered_of_requests_names_no_person() -> None:
    reading, judgement = judge(REQUEST, KELA, REQUEST_TYPE)
    assert reading.parsed is not None
    identity = identify(reading.parsed)
    assert recall(reading.parsed, identity) == (request_key("q-1"),)
    context = Context(DIRECTORY, NOW, message_id=7)
    entry, *others = remember(reading.parsed, identity, context, judgement.verdict)
    assert REQUEST["person"] not in str((entry, others))
    known = {entry.key: Remembered({**entry.value, "answer": "a-1"}, 2)}
    assert (
        remember(reading.parsed, identity, Context(DIRECTORY, NOW, known), judgement.verdict) == []
    )
    assert remember(reading.parsed, identity, Context(DIRECTORY, NOW), Verdict(False, 0)) == ()


@pytest.mark.parametrize(
    "document",
    [None, [], 7, "x", {}, {"given": 7}, {"given": [7]}, {"county": []}, {"persons": {}}],
)
@pytest.mark.parametrize(
    "message_type", [REQUEST_TYPE, ANSWER_TYPE, "kelmu.benefit-query", "kelmu.benefit-query-bulk"]
)
def test_a_document_of_any_shape_is_judged_and_not_a_failure(
    document: Any, message_type: str
) -> None:
    _, judgement = judge(document, COUNTY, message_type)
    assert not judgement.verdict.accepted
    assert judgement.violations

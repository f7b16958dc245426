"""The process rules: a case played step by step, and what is said at each wrong turn."""

from __future__ import annotations

import datetime
import random
from dataclasses import replace
from typing import Any

import pytest

from exchange.adapters.eessi.case import MESSAGES_MAX
from exchange.adapters.eessi.generate import messages
from exchange.adapters.eessi.generate.messages import KELA, PENSIONS
from exchange.adapters.eessi.generate.seds import CONTENTS
from exchange.ports import Remembered
from exchange.schemas.eessi.processes import load
from tests.adapters.eessi.access_point import (
    DAY_MILLISECONDS,
    ESTONIA,
    NORWAY,
    SWEDEN,
    AccessPoint,
    Play,
    rules_of,
)

THIRTY_DAYS = 30 * DAY_MILLISECONDS


@pytest.fixture
def claim() -> Play:
    """An old-age pension claim from Estonia to Kela."""
    return Play("P_BUC_01", "P2000")


@pytest.fixture
def request_() -> Play:
    """A request for information from Estonia to Kela."""
    return Play("H_BUC_01", "H001")


@pytest.fixture
def posting() -> Play:
    """A notification of posting from Estonia to the Centre for Pensions."""
    return Play("LA_BUC_04", "A009", counterparties=(PENSIONS,))


@pytest.mark.parametrize("sed", sorted(CONTENTS))
def test_the_case_that_is_generated_up_to_a_sed_is_accepted_from_its_opening_on(sed: str) -> None:
    point = AccessPoint()
    for letter, content in messages.history(random.Random(sed), datetime.date(2026, 3, 2), sed):
        if letter.sed == "X001":
            point.now += THIRTY_DAYS
        judgement = point.take(content, letter.sender)
        assert judgement.verdict.accepted, (
            letter.sed,
            [violation.as_text() for violation in judgement.violations],
        )
        assert not judgement.violations


def test_a_pension_claim_goes_its_way(claim: Play) -> None:
    assert not claim.opened.violations
    question, found = claim.send("P8000", KELA)
    assert not found
    assert not claim.send("P9000", ESTONIA, question)[1]
    assert not claim.send("P5000", KELA)[1]
    decision, found = claim.send("P6000", KELA)
    assert not found
    assert not claim.send("P7000", ESTONIA)[1]
    assert not claim.send("X008", KELA, decision)[1]
    case = claim.point.case(claim.opening)
    assert [document.type for document in case.documents] == [
        "P2000",
        "P8000",
        "P9000",
        "P5000",
        "P6000",
        "P7000",
        "X008",
    ]
    assert [document.status for document in case.documents][4] == "cancelled"
    assert case.roles == {ESTONIA: "PO", KELA: "CP"}


def test_a_sed_that_the_stage_does_not_allow_is_told_with_what_it_does(claim: Play) -> None:
    _, (violation,) = claim.send("P9000", KELA)
    assert violation.rule == "eessi.process.not-allowed"
    assert (
        violation.message
        == f"P9000 can't be sent now by {KELA} as CounterParty. It may be sent after a P8000 is "
        "received."
    )
    assert (
        violation.expected
        == "P5000, P6000, P8000, P10000, H020, H070, H120, X005, X006, X007, X009, X050, X100"
    )
    assert (violation.found, violation.code) == ("P9000", "EBMS:0003")
    assert violation.path.endswith("/sbdh:Type")


def test_the_wrong_role_is_told_with_what_the_role_may_send(claim: Play) -> None:
    _, (violation,) = claim.send("P7000", KELA)
    assert violation.rule == "eessi.process.not-allowed"
    assert violation.message.endswith("Only the CaseOwner sends it.")
    assert "P7000" not in violation.expected.split(", ")
    _, violations = claim.send("P5000", KELA, sender_owns=True)
    assert rules_of(violations) == ["eessi.process.contact-type"] * 2, (
        "sender and receiver have changed their roles"
    )
    assert [(violation.expected, violation.found) for violation in violations] == [
        ("Counterparty", "CaseOwner"),
        ("CaseOwner", "Counterparty"),
    ]
    assert violations[0].message == f"{KELA} is CounterParty in this case."


def test_what_has_no_place_in_the_process_and_what_only_opens_it_are_told_as_such(
    claim: Play,
) -> None:
    _, (foreign,) = claim.send("A009", KELA)
    assert foreign.message.endswith("It has no place in P_BUC_01.")
    _, (opening,) = claim.send("P2000", ESTONIA)
    assert (opening.rule, opening.message.rpartition(". ")[2]) == (
        "eessi.process.not-allowed",
        "It opens a case, with CaseAction Start.",
    )


def test_an_unknown_case_is_told_with_what_would_open_one(claim: Play) -> None:
    _, (violation,) = claim.send("P5000", KELA, case_id="0" * 32)
    assert violation.rule == "eessi.process.case-unknown"
    assert violation.severity == "error"
    assert violation.expected == "CaseAction Start with P2000, or the id of an open case"
    assert violation.found == "0" * 32


def test_a_case_is_opened_once(claim: Play) -> None:
    again = replace(
        claim.opening, message_id=messages.hex_id(claim.rng), set_id=messages.hex_id(claim.rng)
    )
    violations = claim.point.take(claim.write(again), ESTONIA).violations
    assert rules_of(violations) == ["eessi.process.case-exists"]
    assert violations[0].expected == "New or Update"
    assert len(claim.point.case(claim.opening).documents) == 1


def test_the_same_opening_again_is_no_violation_since_the_ledger_knows_duplicates(
    claim: Play,
) -> None:
    assert claim.point.take(claim.opening_bytes, ESTONIA).violations == []
    assert len(claim.point.case(claim.opening).documents) == 1


def test_a_reply_names_a_document_that_was_received(claim: Play) -> None:
    question, _ = claim.send("P8000", KELA)
    _, (missing,) = claim.send("P9000", ESTONIA)
    assert (missing.rule, missing.expected) == (
        "eessi.process.parent-missing",
        f"{question.set_id} (P8000)",
    )
    _, (wrong,) = claim.send("P9000", ESTONIA, claim.opening)
    assert (wrong.rule, wrong.expected, wrong.found) == (
        missing.rule.removesuffix("-missing"),
        missing.expected,
        claim.opening.set_id,
    )
    assert wrong.message == "P9000 can't answer this P2000."
    _, (unknown,) = claim.send("P9000", ESTONIA, related_set_id="f" * 32)
    assert (unknown.rule, unknown.message) == (
        "eessi.process.parent",
        "The case has no document with the related set id.",
    )


def test_the_one_who_asked_does_not_answer(claim: Play) -> None:
    question, _ = claim.send("P8000", KELA)
    _, (violation,) = claim.send("P9000", KELA, question)
    assert violation.rule == "eessi.process.not-allowed"


def test_a_free_document_relates_to_none_or_to_one_of_the_case(claim: Play) -> None:
    assert not claim.send("P5000", KELA, claim.opening)[1]
    _, (violation,) = claim.send("P5000", KELA, related_set_id="f" * 32)
    assert violation.rule == "eessi.process.parent-unknown"


def test_an_outsider_sends_nothing_and_gets_nothing(claim: Play) -> None:
    _, violations = claim.send("P5000", SWEDEN)
    assert rules_of(violations) == ["eessi.process.not-participant"]
    _, violations = claim.send("P5000", KELA, receivers=(ESTONIA, SWEDEN))
    assert rules_of(violations) == ["eessi.process.receiver-not-participant"]
    assert violations[0].expected == ESTONIA


def test_a_case_keeps_its_process(claim: Play) -> None:
    _, violations = claim.send("X009", KELA, process="H_BUC_01")
    assert rules_of(violations) == ["eessi.process.case-process"]
    assert violations[0].expected == "P_BUC_01:4.2"


def test_an_update_repeats_the_set_of_an_own_document_with_a_higher_version(claim: Play) -> None:
    first, _ = claim.send("P5000", KELA)
    update: dict[str, Any] = {"action": "Update", "set_id": first.set_id, "document_version": 2}
    assert not claim.send("P5000", KELA, **update)[1]
    _, (violation,) = claim.send("P5000", KELA, **update)
    assert (violation.rule, violation.expected, violation.found) == (
        "eessi.process.version",
        "more than 2",
        "2",
    )
    document = claim.point.case(claim.opening).documents[1]
    assert (document.version, len(document.messages)) == (2, 2)
    assert rules_of(
        claim.send("P5000", KELA, **{**update, "set_id": "0" * 32, "document_version": 3})[1]
    ) == ["eessi.process.set-unknown"]
    assert rules_of(claim.send("P5000", ESTONIA, **{**update, "document_version": 3})[1]) == [
        "eessi.process.set-owner"
    ]
    assert rules_of(claim.send("P6000", KELA, **{**update, "document_version": 3})[1]) == [
        "eessi.process.set-type"
    ]
    assert rules_of(claim.send("P5000", KELA, set_id=first.set_id)[1]) == [
        "eessi.process.set-reused"
    ]
    assert rules_of(claim.send("P5000", KELA, document_version=2)[1]) == ["eessi.process.version"]


def test_what_is_not_updatable_is_not_updated(claim: Play) -> None:
    cost, _ = claim.send("H020", KELA)
    _, (violation,) = claim.send(
        "H020", KELA, action="Update", set_id=cost.set_id, document_version=2
    )
    assert violation.rule == "eessi.process.not-updatable"
    assert "H020" not in violation.expected.split(", ")


def test_an_invalidation_is_the_senders_and_ends_the_document(claim: Play) -> None:
    decision, _ = claim.send("P6000", KELA)
    assert rules_of(claim.send("X008", ESTONIA, decision)[1]) == ["eessi.process.parent"]
    assert not claim.send("X008", KELA, decision)[1]
    _, (violation,) = claim.send(
        "P6000", KELA, action="Update", set_id=decision.set_id, document_version=2
    )
    assert (violation.rule, violation.message) == (
        "eessi.process.set-ended",
        "The document is cancelled.",
    )
    assert rules_of(claim.send("X008", KELA, decision)[1]) == ["eessi.process.not-allowed"]


def test_an_administrative_sed_names_the_document_that_its_header_relates_to(claim: Play) -> None:
    decision, _ = claim.send("P6000", KELA)
    letter = claim.letter("X008", KELA, decision)
    violations = claim.point.take(claim.write(letter, claim.opening), KELA).violations
    assert rules_of(violations) == ["eessi.process.reference"] * 2
    assert [violation.expected for violation in violations] == ["P6000", decision.set_id]
    assert [violation.path.rpartition("/")[2] for violation in violations] == ["sedType", "setId"]


def test_a_question_about_a_document_is_answered(claim: Play) -> None:
    cost, _ = claim.send("H020", ESTONIA)
    question, found = claim.send("X012", KELA, cost)
    assert not found
    assert not claim.send("X013", ESTONIA, question)[1]
    assert rules_of(claim.send("X012", KELA, claim.opening)[1]) == ["eessi.process.parent"]


def test_a_request_is_answered_and_reminded_of(request_: Play) -> None:
    reminder, found = request_.send("X009", ESTONIA)
    assert not found
    assert not request_.send("X010", KELA, reminder)[1]
    assert not request_.send("H002", KELA, request_.opening)[1]
    assert rules_of(request_.send("X010", KELA, request_.opening)[1]) == ["eessi.process.parent"]
    _, (violation,) = request_.send("H002", ESTONIA, request_.opening)
    assert (violation.rule, violation.expected) == (
        "eessi.process.not-allowed",
        "X005, X006, X007, X009, X008, X050, X100",
    )


def test_a_posting_is_closed_after_thirty_days_and_opened_again(posting: Play) -> None:
    _, (early,) = posting.send("X001", ESTONIA)
    assert (early.rule, early.expected) == (
        "eessi.process.too-early",
        "not before 2026-04-01T12:00:00Z",
    )
    posting.point.now += THIRTY_DAYS
    close, found = posting.send("X001", ESTONIA)
    assert not found
    assert posting.point.case(posting.opening).status == "closed"
    assert not posting.send("X002", ESTONIA, close)[1]
    assert posting.point.case(posting.opening).status == "open"


def test_a_closed_case_takes_its_reopening_only(posting: Play) -> None:
    posting.point.now += THIRTY_DAYS
    close, _ = posting.send("X001", ESTONIA)
    update = posting.send(
        "A009", ESTONIA, action="Update", set_id=posting.opening.set_id, document_version=2
    )[1]
    assert rules_of(update) == ["eessi.process.closed"]
    assert update[0].expected == "X002"
    _, (violation,) = posting.send("X001", ESTONIA)
    assert (violation.rule, violation.expected) == ("eessi.process.closed", "X002")
    assert not posting.send("X002", PENSIONS, close)[1]
    assert posting.point.case(posting.opening).status == "open"
    assert not posting.send(
        "A009", ESTONIA, action="Update", set_id=posting.opening.set_id, document_version=2
    )[1]


def test_an_institution_is_added_and_removed(claim: Play) -> None:
    assert rules_of(claim.send("X005", ESTONIA, named=KELA)[1]) == ["eessi.process.participant"]
    assert not claim.send("X005", ESTONIA, named=SWEDEN, receivers=(KELA, SWEDEN))[1]
    assert claim.point.case(claim.opening).roles == {ESTONIA: "PO", KELA: "CP", SWEDEN: "CP"}
    assert not claim.send("P5000", SWEDEN)[1], "who was added got the claim"
    assert not claim.send("X006", ESTONIA, named=SWEDEN, receivers=(KELA, SWEDEN))[1]
    assert rules_of(claim.send("P6000", SWEDEN)[1]) == ["eessi.process.not-participant"]
    _, (violation,) = claim.send("X006", ESTONIA, named=SWEDEN)
    assert (violation.rule, violation.expected) == ("eessi.process.participant", KELA)


def test_whoever_takes_over_stands_for_its_predecessor(claim: Play) -> None:
    question, _ = claim.send("P8000", KELA)
    assert not claim.send("X007", ESTONIA, named=NORWAY, receivers=(KELA, NORWAY))[1]
    assert claim.point.case(claim.opening).roles == {KELA: "CP", NORWAY: "PO"}
    assert rules_of(claim.send("P9000", ESTONIA, question)[1]) == ["eessi.process.not-participant"]
    assert not claim.send("P9000", NORWAY, question, receivers=(KELA,), sender_owns=True)[1]


def test_a_case_does_not_grow_without_bound(claim: Play) -> None:
    key = f"case:{claim.opening.case_id}"
    data = claim.point.known[key].value
    data["documents"][0]["messages"] = [f"{number:032x}" for number in range(MESSAGES_MAX)]
    claim.point.known[key] = Remembered(data, 1)
    _, (violation,) = claim.send("P5000", KELA)
    assert violation.rule == "eessi.process.case-full"


@pytest.mark.parametrize("process", load().by_name)
def test_every_step_of_a_process_is_about_seds_that_the_exchange_carries(process: str) -> None:
    found = load().by_name[process]
    assert {sed for step in found.step for sed in (step.after, *step.create, *step.reply)} <= set(
        CONTENTS
    )

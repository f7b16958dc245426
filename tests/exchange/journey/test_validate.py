"""Judging a message that its channel reads anew while its rules look at it."""

from __future__ import annotations

from typing import Any

from exchange.journey.validate import Judge
from exchange.ports import Context, Identity, Inbound, Parsed
from exchange.schemas import directory
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.violation import Finding, Malformed, Violation
from tests.exchange.journey.way import BODY, FIRST, SENDER, channel

EVERYBODY = directory.load()
JUDGE = Judge(Catalogue.load())


def judged(rules: Any) -> tuple[bool, str, list[str]]:
    """Verdict, reason and rules broken of a valid message under these rules."""
    sender = EVERYBODY.get(SENDER)
    assert sender is not None
    made = channel(rules=rules)
    hints = {"type": "population.births", "id": "a", "receiver": FIRST}
    reading = JUDGE.read(made, Inbound(sender, BODY, "application/json", "api", hints))
    assert not reading.findings
    judgement = JUDGE.decide(made, reading, Context(EVERYBODY, 0))
    told = [violation.rule for violation in judgement.violations]
    return judgement.verdict.accepted, judgement.reason, told


def test_what_a_channel_reads_anew_is_judged_by_the_schema_again() -> None:
    asked = []

    def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
        asked.append(len(parsed.findings))
        parsed.document = {}
        return []

    accepted, reason, told = judged(rules)
    assert (accepted, reason) == (False, "schema")
    assert told
    assert asked[0] == 0
    assert asked[1] > 0, "the rules see what the schema found"


def test_what_reads_the_same_again_is_judged_once() -> None:
    asked = []

    def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
        asked.append(parsed)
        return []

    assert judged(rules) == (True, "", [])
    assert len(asked) == 1


def test_what_turns_out_to_be_no_document_is_refused_as_such() -> None:
    def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
        raise Malformed([Violation("xml.malformed", "not well-formed")])

    assert judged(rules) == (False, "malformed", ["xml.malformed"])

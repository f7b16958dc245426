"""Judging a message: findings become a verdict and violations, also where a channel reads the
message anew while its rules look at it.
"""

from __future__ import annotations

from typing import Any

from exchange.journey.validate import Judge
from exchange.ports import Context, Identity, Inbound, Parsed
from exchange.schemas import directory
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.violation import Finding, Malformed, Violation
from tests.exchange.journey.way import BODY, FIRST, SENDER, channel

EVERYBODY = directory.load()
VIOLATIONS_MAX = 5
JUDGE = Judge(Catalogue.load(), violations_max=VIOLATIONS_MAX)


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


def warnings_of(number: int) -> Any:
    """Rules that find as many warnings, whatever the message."""

    def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
        return [
            Finding(f"test.warning-{each}", "odd", severity="warning") for each in range(number)
        ]

    return rules


def test_a_warning_is_told_and_rejects_nothing() -> None:
    assert judged(warnings_of(1)) == (True, "", ["test.warning-0"])


def test_an_error_beside_a_warning_rejects() -> None:
    def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
        return [*warnings_of(1)(parsed, identity, context), Finding("test.error", "wrong")]

    assert judged(rules) == (False, "rule", ["test.warning-0", "test.error"])


def test_how_many_violations_are_not_listed_is_told() -> None:
    most = VIOLATIONS_MAX
    assert len(judged(warnings_of(most))[2]) == most
    *listed, more = judged(warnings_of(most + 3))[2]
    assert (len(listed), more) == (most, "violations.more")

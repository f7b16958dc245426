"""Judging a message: guard, parse, schema, identity, rules, verdict, and where each violation
stands; pure, no storage and no routing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from exchange.ports import Channel, Context, Identity, Inbound, Parsed, Remembered, Verdict
from exchange.schemas import document_limits, guard
from exchange.schemas import json as json_format
from exchange.schemas import xml as xml_format
from exchange.schemas.catalogue import Catalogue, MessageType
from exchange.schemas.document_limits import DocumentLimits
from exchange.schemas.violation import Finding, Malformed, Violation, has_errors

REAL_PERSON = Violation(
    "identity.real-person",
    "a personal identity code that could be a living person's is never taken in; use an "
    "artificial one",
    expected="an individual number from 900 to 999",
)


@dataclass(slots=True)
class Reading:
    """A message as far as it could be read: `violations` and `reason` are set when it could not."""

    inbound: Inbound
    parsed: Parsed | None = None
    message_type: MessageType | None = None
    identity: Identity | None = None
    findings: list[Finding] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    reason: str = ""
    #: What the schema was asked of.
    checked: Any = None
    #: What the channel recalled for the last decision.
    known: Mapping[str, Remembered] = field(default_factory=dict)
    #: False when nothing of the message may be kept.
    storable: bool = True


@dataclass(slots=True)
class Judgement:
    """What is to become of a message, and every violation found on the way."""

    verdict: Verdict
    violations: list[Violation]
    reason: str = ""


class Judge:
    """The first steps of the way, for every channel alike."""

    def __init__(
        self,
        catalogue: Catalogue,
        allow_real_persons: bool = False,
        violations_max: int = 200,
        limits: DocumentLimits | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._allow_real_persons = allow_real_persons
        self._violations_max = violations_max
        self.limits = limits or DocumentLimits()

    def read(self, channel: Channel, inbound: Inbound) -> Reading:
        """Guard, parse, schema, identity. Never raises on account of what was sent."""
        with document_limits.within(self._limits(channel, inbound)):
            return self._read(channel, inbound)

    def _limits(self, channel: Channel, inbound: Inbound) -> DocumentLimits:
        larger = channel.large_json_bytes_max.get(inbound.endpoint, 0)
        if larger <= self.limits.json_body_bytes_max:
            return self.limits
        return replace(self.limits, json_body_bytes_max=larger)

    def _read(self, channel: Channel, inbound: Inbound) -> Reading:
        reading = self.refused(inbound, "", ())
        if reading.violations:
            return reading
        try:
            parsed = channel.parse(inbound)
        except Malformed as error:
            reading.violations, reading.reason = error.violations, "malformed"
            said = self._catalogue.get(inbound.hints.get("type", ""))
            if said is not None and said.folder.name in channel.families:
                reading.message_type = said
            return reading
        reading.parsed = parsed
        reading.findings = parsed.findings
        if not parsed.message_type:
            if not parsed.findings:
                whole = parsed.document if parsed.format == "xml" else ()
                reading.findings.append(
                    Finding("type.unknown", "the message's type can't be told", whole)
                )
            reading.reason = "type-unknown"
            return reading
        message_type = self._catalogue.get(parsed.message_type)
        if message_type is None or message_type.folder.name not in channel.families:
            reading.findings.append(
                Finding(
                    "type.unknown",
                    "this channel carries no such message type",
                    found=parsed.message_type[:80],
                )
            )
            reading.reason = "type-unknown"
            return reading
        reading.message_type = message_type
        try:
            schema_findings = self._check_schema(message_type, parsed)
        except Malformed as error:
            reading.parsed, reading.violations, reading.reason = None, error.violations, "malformed"
            return reading
        reading.checked = parsed.document
        if schema_findings:
            reading.findings.extend(schema_findings)
            if has_errors(schema_findings):
                reading.reason = "schema"
        reading.identity = channel.identify(parsed)
        return reading

    def _check_schema(self, message_type: MessageType, parsed: Parsed) -> list[Finding]:
        """What the schema finds; a message in pieces becomes whole when it finds anything."""
        schema = self._catalogue.schema(message_type.name)
        if parsed.pieces is not None:
            # A piece that is no XML tells so at its own lines: only the whole tells where it
            # stands.
            with suppress(Malformed):
                if not any(schema.check(piece) for piece in parsed.pieces(schema)):
                    return []
            parsed.become_whole()
        return schema.check(parsed.document)

    def _schema_again(self, reading: Reading, parsed: Parsed) -> bool:
        """Ask the schema of a message that the channel has read anew; whether it found anything."""
        assert reading.message_type is not None, "only what has a type has an identity"
        found = self._check_schema(reading.message_type, parsed)
        reading.checked = parsed.document
        reading.findings.extend(found)
        if has_errors(found):
            reading.reason = "schema"
        return bool(found)

    def refused(self, inbound: Inbound, reason: str, violations: Sequence[Violation]) -> Reading:
        """A message that is not read any further, for the reason given or because the guard says
        so.
        """
        if not self._allow_real_persons and _names_real_person(inbound):
            return Reading(inbound, violations=[REAL_PERSON], reason="real-person", storable=False)
        return Reading(inbound, violations=list(violations), reason=reason)

    def decide(self, channel: Channel, reading: Reading, context: Context) -> Judgement:
        """Rules and verdict; positions only where there is something to say."""
        with document_limits.within(self._limits(channel, reading.inbound)):
            return self._decide(channel, reading, context)

    def _decide(self, channel: Channel, reading: Reading, context: Context) -> Judgement:
        parsed, identity = reading.parsed, reading.identity
        if parsed is None or identity is None:
            violations = reading.violations or self._locate(reading, reading.findings)
            return Judgement(Verdict(False, 0), violations, reading.reason)
        findings = reading.findings
        try:
            rule_findings = channel.rules(parsed, identity, context)
            if parsed.document is not reading.checked and self._schema_again(reading, parsed):
                rule_findings = channel.rules(parsed, identity, context)
        except Malformed as error:
            # What the channel left out of its first reading is no document.
            reading.parsed, reading.violations, reading.reason = None, error.violations, "malformed"
            return Judgement(Verdict(False, 0), error.violations, reading.reason)
        if rule_findings:
            findings = [*findings, *rule_findings]
        verdict = channel.verdict(parsed, identity, findings)
        if not findings:
            return Judgement(verdict, [])
        reason = "" if verdict.accepted else reading.reason or "rule"
        return Judgement(verdict, self._locate(reading, findings), reason)

    def _locate(self, reading: Reading, findings: Sequence[Finding]) -> list[Violation]:
        """Findings with their positions, in the order of the document, cut to the limit (and saying
        so).
        """
        if reading.parsed is None or not findings:
            return []
        shown = findings[: self._violations_max]
        where = xml_format if reading.parsed.format == "xml" else json_format
        violations = sorted(
            where.locate(reading.inbound.body, shown), key=lambda each: (each.line, each.column)
        )
        if len(findings) > len(shown):
            left = len(findings) - len(shown)
            violations.append(
                Violation(
                    "violations.more", f"{left} more violations are not listed", severity="warning"
                )
            )
        return violations


def _names_real_person(inbound: Inbound) -> bool:
    """Whether the body, or anything said beside it, names what could be a real person."""
    return guard.real_person_in(inbound.body) or guard.in_texts(
        (inbound.content_type, *inbound.hints.values())
    )

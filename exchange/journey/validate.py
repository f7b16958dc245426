"""Judging a message: guard, parse, schema, identity, rules, verdict, and where each violation
stands; pure, no storage and no routing.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

from exchange.journey.real_persons import real_persons
from exchange.ports import Channel, Context, Identity, Inbound, Parsed, Remembered, Verdict
from exchange.ports.message import Strictness
from exchange.schemas import attachments, document_limits
from exchange.schemas import json as json_format
from exchange.schemas import refused_values as schema_refused
from exchange.schemas import xml as xml_format
from exchange.schemas.catalogue import Catalogue, MessageType, named_version
from exchange.schemas.document_limits import DocumentLimits
from exchange.schemas.envelope import Envelope
from exchange.schemas.guard import named_persons
from exchange.schemas.violation import Finding, Malformed, Violation, has_errors


@dataclass
class Reading:
    """A message as far as it could be read: `violations` and `reason` are set when it could not."""

    inbound: Inbound
    parsed: Parsed | None = None
    message_type: MessageType | None = None
    #: The version of its type by which it is judged; empty: the type's own.
    version: str = ""
    identity: Identity | None = None
    findings: list[Finding] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    reason: str = ""
    #: What the schema was asked of.
    checked: Any = None
    #: What the channel recalled for the last decision.
    known: Mapping[str, Remembered] = field(default_factory=dict)
    #: The accepted message that this one answers.
    question: Envelope | None = None
    #: False when nothing of the message may be kept.
    storable: bool = True
    #: The identity codes by which it is to be found.
    persons: Sequence[str] = ()

    @cached_property
    def digest(self) -> bytes:
        """BLAKE2b, 16 bytes, of what is kept of it; asked for once it is read."""
        return blake2b(self.inbound.stored, digest_size=16).digest()


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
        strictness: Strictness | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._allow_real_persons = allow_real_persons
        self._violations_max = violations_max
        self.limits = limits or DocumentLimits()
        self.strictness = strictness or Strictness()

    def read(self, channel: Channel, inbound: Inbound) -> Reading:
        """Guard, parse, schema, identity. Never raises on account of what was sent."""
        with document_limits.within(self._limits(channel, inbound)):
            return self._read(channel, inbound)

    def _limits(self, channel: Channel, inbound: Inbound) -> DocumentLimits:
        larger = channel.large_json_bytes_max.get(inbound.endpoint, 0)
        if larger <= self.limits.json_body_bytes_max:
            return self.limits
        return self.limits._replace(json_body_bytes_max=larger)

    def _read(self, channel: Channel, inbound: Inbound) -> Reading:
        reading = self.refused(inbound, "", (), channel)
        if reading.violations:
            return reading
        try:
            if channel.attachments and attachments.is_split(inbound.content_type):
                inbound = reading.inbound = _without_attachments(inbound)
            parsed = channel.parse(inbound)
        except Malformed as error:
            reading.violations, reading.reason = error.violations, "malformed"
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
        reading.message_type, reading.version = message_type, _version(message_type, parsed)
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
        schema = self._catalogue.schema(message_type.name, _version(message_type, parsed))
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

    def refused(
        self,
        inbound: Inbound,
        reason: str,
        violations: Sequence[Violation],
        channel: Channel | None = None,
    ) -> Reading:
        """A message that is not read any further, for the reason given or because the guard says
        so; its type is what was said of it, where that is one of the channel's.
        """
        reading = Reading(inbound, violations=list(violations), reason=reason)
        said = self._catalogue.get(named_version(inbound.hints.get("type", ""))[0])
        if said is not None and channel is not None and said.folder.name in channel.families:
            reading.message_type = said
        if self._allow_real_persons:
            reading.persons = named_persons(inbound.body)
            return reading
        reader = None if reason else channel
        real, artificial = real_persons(reader, inbound, self._violations_max)
        if real:
            reading.violations, reading.reason, reading.storable = real, "real-person", False
        else:
            reading.persons = artificial
        return reading

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
            if rule_findings and (refused := schema_refused.refused(findings)):
                rule_findings = _of_right_values(
                    channel, refused, parsed, identity, context, rule_findings
                )
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
                    "violations.more",
                    f"at least {left} more violations are not listed",
                    severity="warning",
                )
            )
        return violations


def _without_attachments(inbound: Inbound) -> Inbound:
    """The message alone, and what it came with beside it."""
    parts = attachments.split(inbound.body, inbound.content_type)
    return replace(
        inbound,
        body=parts.message,
        content_type=parts.message_type,
        whole=parts.whole,
        whole_type=parts.whole_type,
        attachments=parts.attachments,
    )


def _version(message_type: MessageType, parsed: Parsed) -> str:
    """The version by whose schema a message is judged; empty for the type's own."""
    version = parsed.version
    if not version and message_type.versions and parsed.format == "xml":
        version = message_type.version_of(str(parsed.document.tag))
    return "" if version == message_type.version else version


def _of_right_values(
    channel: Channel,
    refused: Sequence[Finding],
    parsed: Parsed,
    identity: Identity,
    context: Context,
    found: Sequence[Finding],
) -> list[Finding]:
    """Those findings of rules that stand without the values that the schema refused.

    A rule that blames `to` for a wrong `from` finds nothing once `from` is left out, and one that
    misses what is only left out found nothing before: what is found both times depends on neither.
    Where very much is refused nothing is left out, and all that is about none of it stands.
    """
    kept = [each for each in found if not schema_refused.about(each, refused)]
    if not kept or schema_refused.hold_much(refused):
        return kept
    with schema_refused.left_out(parsed.document, parsed.format, refused) as document:
        root = document if parsed.root is parsed.document else parsed.root
        again = channel.rules(_copied(parsed, document, root), identity, context)
        told = {_told(each) for each in again}
    return [each for each in kept if _told(each) in told]


def _copied(parsed: Parsed, document: Any, root: Any) -> Parsed:
    """The message with another document; what rules write down in it stays apart."""
    made = copy.copy(parsed)
    for each in fields(made):
        value = getattr(made, each.name)
        if isinstance(value, (dict, list)) and each.name not in ("document", "root"):
            setattr(made, each.name, copy.copy(value))
    made.document, made.root = document, root
    made.read_again()
    return made


def _told(finding: Finding) -> tuple[object, ...]:
    return (
        finding.rule,
        finding.message,
        finding.at,
        finding.attribute,
        finding.expected,
        finding.found,
        finding.severity,
        finding.item,
    )

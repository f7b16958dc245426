"""What the schemas of the register's questions can't say. The rules are *modelled*: DVV's answers
to wrong questions are not public.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.adapters.population_register.identify import (
    CHANGES_QUERY,
    PERSON_QUERY,
    QUESTIONS,
    may_ask,
)
from exchange.adapters.population_register.person_query import rules as person_query
from exchange.ports import Context, Identity, Parsed
from exchange.schemas.directory import MUNICIPALITY_CODES
from exchange.schemas.violation import Finding


def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """Every finding: a permit of who asks, a key that was given already, persons."""
    if parsed.message_type not in QUESTIONS:
        return []
    partner = parsed.inbound.partner
    findings = []
    # A file that is only checked has no sender that the directory knows.
    is_known = context.directory.get(partner.id) is not None
    if is_known and not may_ask(partner):
        message = "the organisation has no permit to ask the population register"
        at = () if parsed.format == "json" else parsed.document
        findings.append(Finding("population-register.permit", message, at))
    if parsed.message_type == PERSON_QUERY:
        findings += person_query.rules(parsed.document)
    if parsed.message_type == CHANGES_QUERY and isinstance(parsed.document, dict):
        findings += _key(parsed.document, context.now // 1000)
        if is_known and partner.id not in MUNICIPALITY_CODES:
            findings += _persons(parsed.document)
    return findings


def _key(document: dict[str, Any], now: int) -> Iterator[Finding]:
    key = document.get("viimeisinKirjausavain")
    if isinstance(key, int) and not isinstance(key, bool) and key > now:
        yield Finding(
            rule="population-register.key",
            message="no such key was given yet",
            at=("viimeisinKirjausavain",),
            expected="a key of an answer before, or of kirjausavain",
            found=str(key)[:40],
        )


def _persons(document: dict[str, Any]) -> Iterator[Finding]:
    if document.get("hetulista") is None:
        yield Finding(
            rule="population-register.persons",
            message="only a municipality has people of its own",
            at=(),
            expected="hetulista, which may be empty",
        )

"""Business rules on the messages of the work pension sector; their shape is the XSDs'. All of them
are *modelled*.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exchange.adapters.luova.rules.fields import (
    Rule,
    business_id,
    in_order,
    not_longer,
    of_item,
    personal_identity_code,
)
from exchange.ports.message import Context, Parsed
from exchange.schemas.violation import Finding

Element = Any
NAMESPACE = "{urn:exchange:pension:1}"
PERIOD_YEARS_MAX = 60
_ENDS = "a period ends when it began or later"


def _child(element: Element | None, name: str) -> Element | None:
    return None if element is None else element.find(NAMESPACE + name)


def _person(element: Element) -> list[Finding]:
    return personal_identity_code(
        _child(_child(element, "Person"), "PersonalIdentityCode"), "pension.person"
    )


def _period(element: Element) -> list[Finding]:
    period = _child(element, "Period")
    return in_order(_child(period, "From"), _child(period, "To"), "pension.period-order", _ENDS)


def _institution(message: Element, parsed: Parsed) -> list[Finding]:
    """An institution speaks for itself only: its business id is the sender's (if the sender is
    known to have one).
    """
    element = _child(_child(message, "Institution"), "BusinessId")
    expected = parsed.inbound.partner.business_id
    if element is None or not expected or element.text == expected:
        return []
    return [
        Finding(
            rule="pension.institution",
            message="the institution is the sender",
            at=element,
            expected=expected,
            found=element.text or "",
        )
    ]


def decisions(parsed: Parsed, context: Context) -> list[Finding]:
    """The institution; each decision's person, day, period and amount."""
    message = parsed.document
    findings = _institution(message, parsed)
    created = _child(message, "CreatedAt")
    for index, decision in enumerate(message.iterchildren(NAMESPACE + "Decision")):
        told = in_order(
            _child(decision, "DecidedOn"),
            created,
            "pension.decided-later",
            "a decision is told once it is made",
        )
        findings += of_item(
            _person(decision) + told + _period(decision) + _outcome(decision), index
        )
    return findings


def _outcome(decision: Element) -> list[Finding]:
    """What is granted or changed has a period and an amount, what is ended an end, what is rejected
    neither.
    """
    text = getattr(_child(decision, "Outcome"), "text", "")
    period, amount = _child(decision, "Period"), _child(decision, "MonthlyAmount")
    if text == "REJECTED":
        message = "a rejected application has no period and no amount"
        return [
            Finding("pension.rejected", message, unfit)
            for unfit in (period, amount)
            if unfit is not None
        ]
    if text in ("GRANTED", "CHANGED"):
        lacking = [
            name for name, found in (("Period", period), ("MonthlyAmount", amount)) if found is None
        ]
        message = f"an outcome of {text} has a period and an amount"
        return [
            Finding(
                rule="pension.granted", message=message, at=decision, expected=name, found="nothing"
            )
            for name in lacking
        ]
    if text == "ENDED" and _child(period, "To") is None:
        return [
            Finding(
                rule="pension.ended",
                message="what has ended has an end",
                at=decision,
                expected="Period/To",
                found="nothing",
            )
        ]
    return []


def query(parsed: Parsed, context: Context) -> list[Finding]:
    """The asker, where it says who it is, the person and a period that is not too long."""
    message = parsed.document
    findings = _institution(message, parsed) + _person(message) + _period(message)
    period = _child(message, "Period")
    return findings + not_longer(
        _child(period, "From"),
        _child(period, "To"),
        PERIOD_YEARS_MAX,
        "pension.period-length",
        "a query is about a limited time",
    )


def _items(name: str) -> Callable[[Parsed, Context], list[Finding]]:
    """The rules of a message with records of one name: the person of the message or of each,
    periods, employers.
    """

    def judge(parsed: Parsed, context: Context) -> list[Finding]:
        findings = _person(parsed.document)
        for index, element in enumerate(parsed.document.iterchildren(NAMESPACE + name)):
            employer = business_id(_child(element, "EmployerId"), "pension.employer")
            findings += of_item(_person(element) + employer + _period(element), index)
        return findings

    return judge


RULES: dict[str, Rule] = {
    "pension.decisions": decisions,
    "pension.work-history-query": query,
    "pension.work-history": _items("Work"),
    "pension.unpaid-periods": _items("Benefit"),
    "pension.accident-data-query": query,
    "pension.accident-data": _items("Compensation"),
}

"""Business rules on the messages of the unemployment funds; their shape is the XSDs'. All of them are *modelled*."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from exchange.ports.channel import Context, Parsed
from schemas.identifiers import is_personal_identity_code
from schemas.violation import Finding

Element = Any
NAMESPACE = "{urn:exchange:unemployment:1}"
#: Plain digits only: a number of a million digits, or with an exponent, is the schema's to refuse and nothing to reckon with.
NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,6})?")
#: Euros by which a gross amount may differ from days times allowance, for rounding.
ROUNDING = Decimal("0.05")
#: Longest period that a request may ask about, in years (*modelled*).
REQUEST_YEARS_MAX = 5


def earnings_data(parsed: Parsed, context: Context) -> list[Finding]:
    """Every finding on the fund and each record."""
    message = parsed.document
    findings = _fund(message, parsed)
    created = _date(_child(message, "CreatedAt"))
    for index, record in enumerate(_children(message, "Record")):
        of_record = _person(record) + _membership(record) + _decision(record, created) + _payments(record)
        for finding in of_record:
            finding.item = index
        findings += of_record
    return findings


def information_request(parsed: Parsed, context: Context) -> list[Finding]:
    """The fund, the person and a period that is not too long."""
    message = parsed.document
    findings = _fund(message, parsed) + _person(message) + _period(message)
    period = _child(message, "Period")
    start, end = _date(_child(period, "From")), _date(_child(period, "To"))
    if start and end and end - start > timedelta(days=366 * REQUEST_YEARS_MAX):
        message_text = "a request is about a limited time"
        findings.append(
            Finding("unemployment.period-length", message_text, _child(period, "To"), f"at most {REQUEST_YEARS_MAX} years")
        )
    return findings


def benefit_data(parsed: Parsed, context: Context) -> list[Finding]:
    """The person, and each benefit's period and days."""
    message = parsed.document
    findings = _person(message)
    for index, benefit in enumerate(_children(message, "Benefit")):
        of_benefit = _period(benefit) + _days_in_period(benefit, "DaysPaid")
        for finding in of_benefit:
            finding.item = index
        findings += of_benefit
    return findings


def _child(element: Element | None, name: str) -> Element | None:
    return None if element is None else element.find(NAMESPACE + name)


def _children(element: Element, name: str) -> list[Element]:
    return list(element.iterchildren(NAMESPACE + name))


def _date(element: Element | None) -> date | None:
    """The day of a date or a moment, None when there is none or it is none."""
    try:
        return date.fromisoformat((element.text or "").strip()[:10]) if element is not None else None
    except ValueError:
        return None


def _number(element: Element | None) -> Decimal | None:
    """The number of an amount or of days; None when there is none, or it is none that the schema would take."""
    text = (element.text or "").strip() if element is not None else ""
    return Decimal(text) if NUMBER.fullmatch(text) else None


def _fund(message: Element, parsed: Parsed) -> list[Finding]:
    """A fund speaks for itself only: its business id is the sender's (if the sender is known to have one)."""
    element = _child(_child(message, "Fund"), "BusinessId")
    expected = parsed.inbound.partner.business_id
    if element is None or not expected or element.text == expected:
        return []
    return [Finding("unemployment.fund", "the fund is the sender", element, expected, element.text or "")]


def _person(element: Element) -> list[Finding]:
    """A code in the right form must be one: its date exists and its check character agrees. It is not repeated."""
    code = _child(_child(element, "Person"), "PersonalIdentityCode")
    if code is None or is_personal_identity_code(code.text or ""):
        return []
    expected = "an existing date and the right check character"
    return [Finding("unemployment.person", "not a personal identity code", code, expected)]


def _period(element: Element) -> list[Finding]:
    period = _child(element, "Period")
    return _in_order(
        _child(period, "From"), _child(period, "To"), "unemployment.period-order", "a period ends when it began or later"
    )


def _in_order(first: Element | None, last: Element | None, rule: str, message: str) -> list[Finding]:
    start, end = _date(first), _date(last)
    if start is None or end is None or start <= end:
        return []
    return [Finding(rule, message, last, f"{start} or later", str(end))]


def _membership(record: Element) -> list[Finding]:
    membership = _child(record, "Membership")
    since = _child(membership, "MemberSince")
    until = _child(membership, "MemberUntil")
    met = _child(membership, "WorkingConditionMetOn")
    return _in_order(since, until, "unemployment.period-order", "a membership ends when it began or later") + _in_order(
        since, met, "unemployment.working-condition", "the working condition is met as a member"
    )


def _decision(record: Element, created: date | None) -> list[Finding]:
    decision = _child(record, "Decision")
    if decision is None:
        return []
    decided = _child(decision, "DecidedOn")
    findings = []
    day = _date(decided)
    if day and created and day > created:
        findings.append(
            Finding(
                "unemployment.decided-later", "a decision is told once it is made", decided, f"{created} or earlier", str(day)
            )
        )
    outcome = _child(decision, "Outcome")
    entitlement = _child(decision, "Entitlement")
    text = outcome.text if outcome is not None else ""
    if text in ("GRANTED", "ADJUSTED") and entitlement is None:
        findings.append(
            Finding("unemployment.entitlement", f"an outcome of {text} has an entitlement", decision, "Entitlement", "nothing")
        )
    if text == "REJECTED":
        for unfit in [entitlement, *_children(record, "Payment")]:
            if unfit is not None:
                findings.append(
                    Finding("unemployment.rejected", "a rejected application has no entitlement and no payments", unfit)
                )
    return findings + (_entitlement(entitlement) if entitlement is not None else [])


def _entitlement(entitlement: Element) -> list[Finding]:
    findings = _period(entitlement)
    for small, large, rule, message in (
        ("DailyAllowance", "DailyWage", "unemployment.allowance", "the allowance is not more than the wage that it replaces"),
        ("DaysUsed", "MaximumDays", "unemployment.days-used", "no more days are used than there are"),
    ):
        element = _child(entitlement, small)
        value, limit = _number(element), _number(_child(entitlement, large))
        if value is not None and limit is not None and value > limit:
            findings.append(Finding(rule, message, element, f"at most {limit}", str(value)))
    return findings


def _payments(record: Element) -> list[Finding]:
    decision = _child(record, "Decision")
    allowance = _number(_child(_child(decision, "Entitlement"), "DailyAllowance"))
    outcome = _child(decision, "Outcome")
    whole = outcome is not None and outcome.text == "GRANTED"
    findings = []
    for payment in _children(record, "Payment"):
        paid = _child(payment, "PaidOn")
        findings += _in_order(
            _child(decision, "DecidedOn"), paid, "unemployment.paid-early", "nothing is paid before the decision"
        )
        findings += _period(payment) + _days_in_period(payment, "Days") + _sums(payment, allowance, whole)
    return findings


def _sums(payment: Element, allowance: Decimal | None, whole: bool) -> list[Finding]:
    """Gross = tax + net, to the cent; gross = days x allowance when granted in whole, not more when adjusted."""
    element = _child(payment, "Gross")
    gross, tax, net, days = (_number(_child(payment, name)) for name in ("Gross", "Tax", "Net", "Days"))
    findings = []
    if gross is not None and tax is not None and net is not None and gross != tax + net:
        findings.append(Finding("unemployment.sum", "gross is tax and net together", element, str(tax + net), str(gross)))
    if gross is not None and days is not None and allowance is not None:
        full = (days * allowance).quantize(Decimal("0.01"))
        if gross > full + ROUNDING or (whole and gross < full - ROUNDING):
            expected = f"{'' if whole else 'at most '}{full}"
            findings.append(
                Finding("unemployment.gross", "gross follows from days and daily allowance", element, expected, str(gross))
            )
    return findings


def weekdays(start: date, end: date) -> int:
    """Days from Monday to Friday between two days, both included; benefit is paid for five days a week."""
    whole_weeks, rest = divmod((end - start).days + 1, 7)
    return whole_weeks * 5 + sum(1 for day in range(rest) if (start.weekday() + day) % 7 < 5)


def _days_in_period(element: Element, name: str) -> list[Finding]:
    days = _child(element, name)
    period = _child(element, "Period")
    start, end, count = _date(_child(period, "From")), _date(_child(period, "To")), _number(days)
    if start is None or end is None or count is None or start > end or count <= (most := weekdays(start, end)):
        return []
    message = "no more days than the period has, five a week"
    return [Finding("unemployment.days-in-period", message, days, f"at most {most}", str(count))]


OF_TYPE: dict[str, Callable[[Parsed, Context], list[Finding]]] = {
    "unemployment.earnings-data": earnings_data,
    "unemployment.information-request": information_request,
    "unemployment.benefit-data": benefit_data,
}

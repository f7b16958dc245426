"""Business rules on the messages of the unemployment funds; their shape is the XSDs'. All of them
are *modelled*.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from exchange.adapters.luova.rules.fields import (
    Element,
    Rule,
    day_of,
    in_order,
    not_longer,
    number_of,
    of_item,
    personal_identity_code,
)
from exchange.ports.message import Context, Parsed
from exchange.schemas.violation import Finding

NAMESPACE = "{urn:exchange:unemployment:1}"
#: Euros by which a gross amount may differ from days times allowance, for rounding.
ROUNDING = Decimal("0.05")
#: Longest period that a request may ask about, in years (*modelled*).
REQUEST_YEARS_MAX = 5


def earnings_data(parsed: Parsed, context: Context) -> list[Finding]:
    """Every finding on the fund and each record."""
    message = parsed.document
    findings = _fund(message, parsed)
    created = day_of(_child(message, "CreatedAt"))
    for index, record in enumerate(_children(message, "Record")):
        of_record = (
            _person(record) + _membership(record) + _decision(record, created) + _payments(record)
        )
        findings += of_item(of_record, index)
    return findings


def information_request(parsed: Parsed, context: Context) -> list[Finding]:
    """The fund, the person and a period that is not too long."""
    message = parsed.document
    findings = _fund(message, parsed) + _person(message) + _period(message)
    period = _child(message, "Period")
    return findings + not_longer(
        _child(period, "From"),
        _child(period, "To"),
        REQUEST_YEARS_MAX,
        "unemployment.period-length",
        "a request is about a limited time",
    )


def benefit_data(parsed: Parsed, context: Context) -> list[Finding]:
    """The person, and each benefit's period and days."""
    message = parsed.document
    findings = _person(message)
    for index, benefit in enumerate(_children(message, "Benefit")):
        of_benefit = _period(benefit) + _days_in_period(benefit, "DaysPaid")
        findings += of_item(of_benefit, index)
    return findings


def _child(element: Element | None, name: str) -> Element | None:
    # `find` takes twice as long, since it reads its path first.
    return None if element is None else next(element.iterchildren(NAMESPACE + name), None)


def _children(element: Element, name: str) -> list[Element]:
    return list(element.iterchildren(NAMESPACE + name))


def _fund(message: Element, parsed: Parsed) -> list[Finding]:
    """A fund speaks for itself only: its business id is the sender's (if the sender is known to
    have one).
    """
    element = _child(_child(message, "Fund"), "BusinessId")
    expected = parsed.inbound.partner.business_id
    if element is None or not expected or element.text == expected:
        return []
    return [
        Finding(
            rule="unemployment.fund",
            message="the fund is the sender",
            at=element,
            expected=expected,
            found=element.text or "",
        )
    ]


def _person(element: Element) -> list[Finding]:
    """A code in the right form must be one: its date exists and its check character agrees. It is
    not repeated.
    """
    return personal_identity_code(
        _child(_child(element, "Person"), "PersonalIdentityCode"), "unemployment.person"
    )


def _period(element: Element) -> list[Finding]:
    period = _child(element, "Period")
    return in_order(
        _child(period, "From"),
        _child(period, "To"),
        "unemployment.period-order",
        "a period ends when it began or later",
    )


def _membership(record: Element) -> list[Finding]:
    membership = _child(record, "Membership")
    since = _child(membership, "MemberSince")
    until = _child(membership, "MemberUntil")
    met = _child(membership, "WorkingConditionMetOn")
    return in_order(
        since, until, "unemployment.period-order", "a membership ends when it began or later"
    ) + in_order(
        since, met, "unemployment.working-condition", "the working condition is met as a member"
    )


def _decision(record: Element, created: date | None) -> list[Finding]:
    decision = _child(record, "Decision")
    if decision is None:
        return []
    decided = _child(decision, "DecidedOn")
    findings = []
    day = day_of(decided)
    if day and created and day > created:
        findings.append(
            Finding(
                rule="unemployment.decided-later",
                message="a decision is told once it is made",
                at=decided,
                expected=f"{created} or earlier",
                found=str(day),
            )
        )
    outcome = _child(decision, "Outcome")
    entitlement = _child(decision, "Entitlement")
    text = outcome.text if outcome is not None else ""
    if text in ("GRANTED", "ADJUSTED") and entitlement is None:
        findings.append(
            Finding(
                rule="unemployment.entitlement",
                message=f"an outcome of {text} has an entitlement",
                at=decision,
                expected="Entitlement",
                found="nothing",
            )
        )
    if text == "REJECTED":
        for unfit in [entitlement, *_children(record, "Payment")]:
            if unfit is not None:
                findings.append(
                    Finding(
                        "unemployment.rejected",
                        "a rejected application has no entitlement and no payments",
                        unfit,
                    )
                )
    return findings + (_entitlement(entitlement) if entitlement is not None else [])


def _entitlement(entitlement: Element) -> list[Finding]:
    findings = _period(entitlement)
    for small, large, rule, message in (
        (
            "DailyAllowance",
            "DailyWage",
            "unemployment.allowance",
            "the allowance is not more than the wage that it replaces",
        ),
        (
            "DaysUsed",
            "MaximumDays",
            "unemployment.days-used",
            "no more days are used than there are",
        ),
    ):
        element = _child(entitlement, small)
        value, limit = number_of(element), number_of(_child(entitlement, large))
        if value is not None and limit is not None and value > limit:
            findings.append(
                Finding(
                    rule=rule,
                    message=message,
                    at=element,
                    expected=f"at most {limit}",
                    found=str(value),
                )
            )
    return findings


def _payments(record: Element) -> list[Finding]:
    decision = _child(record, "Decision")
    allowance = number_of(_child(_child(decision, "Entitlement"), "DailyAllowance"))
    outcome = _child(decision, "Outcome")
    whole = outcome is not None and outcome.text == "GRANTED"
    findings = []
    for payment in _children(record, "Payment"):
        paid = _child(payment, "PaidOn")
        findings += in_order(
            _child(decision, "DecidedOn"),
            paid,
            "unemployment.paid-early",
            "nothing is paid before the decision",
        )
        findings += (
            _period(payment) + _days_in_period(payment, "Days") + _sums(payment, allowance, whole)
        )
    return findings


def _sums(payment: Element, allowance: Decimal | None, whole: bool) -> list[Finding]:
    """Gross = tax + net, to the cent; gross = days x allowance when granted in whole, not more when
    adjusted.
    """
    element = _child(payment, "Gross")
    gross, tax, net, days = (
        number_of(_child(payment, name)) for name in ("Gross", "Tax", "Net", "Days")
    )
    findings = []
    if gross is not None and tax is not None and net is not None and gross != tax + net:
        findings.append(
            Finding(
                rule="unemployment.sum",
                message="gross is tax and net together",
                at=element,
                expected=str(tax + net),
                found=str(gross),
            )
        )
    if gross is not None and days is not None and allowance is not None:
        full = (days * allowance).quantize(Decimal("0.01"))
        if gross > full + ROUNDING or (whole and gross < full - ROUNDING):
            expected = f"{'' if whole else 'at most '}{full}"
            findings.append(
                Finding(
                    rule="unemployment.gross",
                    message="gross follows from days and daily allowance",
                    at=element,
                    expected=expected,
                    found=str(gross),
                )
            )
    return findings


def weekdays(start: date, end: date) -> int:
    """Days from Monday to Friday between two days, both included; benefit is paid for five days a
    week.
    """
    whole_weeks, rest = divmod((end - start).days + 1, 7)
    return whole_weeks * 5 + sum(1 for day in range(rest) if (start.weekday() + day) % 7 < 5)


def _days_in_period(element: Element, name: str) -> list[Finding]:
    days = _child(element, name)
    period = _child(element, "Period")
    start, end, count = (
        day_of(_child(period, "From")),
        day_of(_child(period, "To")),
        number_of(days),
    )
    if (
        start is None
        or end is None
        or count is None
        or start > end
        or count <= (most := weekdays(start, end))
    ):
        return []
    message = "no more days than the period has, five a week"
    return [
        Finding(
            rule="unemployment.days-in-period",
            message=message,
            at=days,
            expected=f"at most {most}",
            found=str(count),
        )
    ]


RULES: dict[str, Rule] = {
    "unemployment.earnings-data": earnings_data,
    "unemployment.information-request": information_request,
    "unemployment.benefit-data": benefit_data,
}

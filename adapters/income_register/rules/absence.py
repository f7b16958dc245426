"""Rules of absences in a wage report, and of the claims for reimbursement that Kela decides on by
them; nothing else.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapters 2.3, 2.5, 2.14,
2.18 and 2.52-2.54 (vero.fi). A claim is a ReimbPayment of type 1 (Kela, daily allowance) or 2
(Kela, family leave compensation), since 2025 also 3 (annual leave costs: see `changes.toml`).
"""

from __future__ import annotations

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import Book, Day, iso, read_day
from exchange.adapters.income_register.rules.party import identifiers
from exchange.schemas.income_register.codes import plain

_DAILY_ALLOWANCE, _FAMILY_LEAVE, _ANNUAL_LEAVE = "1", "2", "3"
#: Causes of a paid absence for which a claim may be made: illness, parental leave, special
#: maternity leave, rehabilitation.
_CAUSES = {
    _DAILY_ALLOWANCE: frozenset("1345"),
    _FAMILY_LEAVE: frozenset("3"),
    _ANNUAL_LEAVE: frozenset(("23",)),
}
_PARTIAL_SICKNESS = frozenset("2")
_MONTHLY_OR_HOURLY = frozenset("12")


def check_absence(book: Book, report: Element, earner: Element) -> None:
    """Periods that don't overlap, and what a claim asks of period, earner, payer and contact
    person.
    """
    absence = report.find("Absence")
    if absence is None:
        return
    start, end = absence.find("AbsenceRepStartDate"), absence.find("AbsenceRepEndDate")
    # With neither, the register's text (AV0250) can be read either way: taken as allowed.
    if (start is None) != (end is None):
        book.add(
            "absence-reporting-period", absence, "both AbsenceRepStartDate and AbsenceRepEndDate"
        )
    elif start is not None and end is not None:
        first, last = read_day(start.text), read_day(end.text)
        if first is not None and last is not None and last[:3] < first[:3]:
            book.add("period-order", end, f"{iso(first)} or later", end.text)
    paid = absence.findall("PaidAbsence/PaidAbsencePeriods/PaidAbsencePeriod")
    _check_overlaps(
        book, paid, absence.findall("UnpaidAbsence/UnpaidAbsencePeriods/UnpaidAbsencePeriod")
    )
    claims: set[str] = set()
    for period in paid:
        claims |= _check_paid(book, period)
    if claims:
        _check_claimant(book, earner, paid, claims)


def _span(period: Element) -> tuple[Day, Day] | None:
    start, end = read_day(period.findtext("StartDate")), read_day(period.findtext("EndDate"))
    return (start, end) if start is not None and end is not None else None


def _check_overlaps(book: Book, paid: list[Element], unpaid: list[Element]) -> None:
    spans = [(period, span) for period in (*paid, *unpaid) if (span := _span(period))]
    for index, (period, (start, end)) in enumerate(spans):
        if period.tag != "PaidAbsencePeriod":
            break
        for other, (first, last) in spans[index + 1 :]:
            if start[:3] <= last[:3] and first[:3] <= end[:3]:
                book.add(
                    "absence-overlap",
                    other,
                    "a period without days of another",
                    f"{iso(first)} - {iso(last)}",
                )


def _check_paid(book: Book, period: Element) -> set[str]:
    """One paid absence; the kinds of claims that are made for it."""
    until, start = period.find("AbsenceUntil"), read_day(period.findtext("StartDate"))
    last = read_day(until.text) if until is not None else None
    if until is not None and start is not None and last is not None and last[:3] < start[:3]:
        book.add("absence-until-early", until, f"{iso(start)} or later", until.text)
    application, info = period.find("ReimbApp"), period.find("PaidAbsencePeriodInfo")
    if info is not None and book.holds("claim-info-2021"):
        book.add("claim-info-early", info, "a payment date of 2021 or later")
    if application is None:
        if info is not None:
            book.add("claim-info-forbidden", info, "ReimbApp")
        return set()
    claims = set()
    cause = period.find("CauseCode")
    for payment in application:
        kind = plain(payment.findtext("PaymentType"))
        if kind not in _CAUSES:
            continue
        claims.add(kind)
        if payment.find("PaymentRef") is not None and payment.find("PaymentSpecifier") is not None:
            book.add("claim-references", payment, "PaymentRef or PaymentSpecifier")
        causes = _CAUSES[kind]
        if kind == _DAILY_ALLOWANCE and book.holds("partial-sickness"):
            causes |= _PARTIAL_SICKNESS
        if cause is not None and plain(cause.text) not in causes:
            wanted = f"a cause of {', '.join(sorted(causes))}"
            book.add("claim-cause", cause, wanted, cause.text)
    if claims and period.find("EndDate") is None:
        book.add("claim-incomplete", period, "EndDate")
    return claims


def _check_claimant(book: Book, earner: Element, paid: list[Element], claims: set[str]) -> None:
    """What Kela needs to know of who was paid, who paid and whom to ask."""
    employment = earner.find("Employment")
    at = earner if employment is None else employment
    if "2" not in [kind for kind, _ in identifiers(earner.find("IncomeEarnerIds"))]:
        book.add("claim-earner", earner, "a personal identity code of the earner")
    kinds_allowed, wanted = {"1", "2"}, "a business id or personal identity code of the payer"
    if book.holds("claimant-business-id"):
        kinds_allowed, wanted = {"1"}, "a business id of the payer"
    if not any(kind in kinds_allowed for kind, _ in book.payer.ids):
        book.add("claim-payer", earner, wanted)
    if not book.payer.reachable:
        book.add(
            "claim-contact",
            earner,
            "a contact person for contents (ResponsibilityCode 1) with Email",
        )
    if _FAMILY_LEAVE in claims and (
        employment is None or employment.find("EmploymentCode") is None
    ):
        book.add("claim-incomplete", at, "EmploymentCode")
    kinds = (
        {plain(kind.text) for kind in employment.iterfind("PaymentTypes/PaymentType")}
        if employment is not None
        else set()
    )
    if not kinds & _MONTHLY_OR_HOURLY:
        book.add("claim-incomplete", at, "PaymentTypes with 1 or 2")
    starts = (
        employment.findall("EmploymentPeriods/Period/StartDate") if employment is not None else []
    )
    if not starts:
        book.add("claim-incomplete", at, "EmploymentPeriods")
    days = [day for start in starts if (day := read_day(start.text))]
    for period in paid:
        start = period.find("StartDate")
        day = read_day(start.text) if start is not None else None
        if (
            days
            and start is not None
            and day is not None
            and day[:3] < min(days)[:3]
            and period.find("ReimbApp") is not None
        ):
            book.add("claim-before-employment", start, f"{iso(min(days))} or later", start.text)

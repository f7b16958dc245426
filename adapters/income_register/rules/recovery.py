"""Rules of what was recovered: its data where it must be, and dates that can be; for wages and
(*modelled*) benefits alike.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapter 2.36 (vero.fi).
"""

from __future__ import annotations

from itertools import compress

from exchange.adapters.income_register.document import Element, text_of
from exchange.adapters.income_register.findings import (
    FIRST_BENEFIT,
    FIRST_PAYMENT,
    Book,
    Day,
    iso,
    read_day,
)
from exchange.schemas.income_register.codes import WageIncome
from exchange.schemas.income_register.in_force import when

#: The rules of `changes.toml` by which a recovered income type is judged.
OF_RECOVERED_TYPE = ("recovered-type", "recovered-type-paid")


def check_recovery(book: Book, transaction: Element, data: Element | None, recovered: bool) -> None:
    """RecoveryData stands with Recovery, and only with it."""
    if data is None:
        if recovered:
            book.add("recovery-data-missing", transaction, "RecoveryData")
    elif not recovered:
        book.add("recovery-data-forbidden", data, "no RecoveryData")
    else:
        _check_dates(book, data)


def first_recovery(book: Book) -> Day:
    """The first day on which something can have been recovered: of wages since they are reported,
    of benefits since those are.
    """
    of_benefits = not book.wages and book.holds("benefit-recovery")
    return FIRST_BENEFIT if of_benefits else FIRST_PAYMENT


def check_recovered_type(book: Book, data: Element, income: WageIncome) -> None:
    """What is recovered was an income type at that time: since 2025 in all the original periods, at
    least in a part of each, or on all payment dates; before on each payment date that is given.
    """
    since, until = ((day.year, day.month, day.day) for day in (income.since, income.until))

    def holds(period: Element, first: str, last: str) -> bool | None:
        """Whether it held on one of these days of a period; None where they are not given."""
        start, end = read_day(period.findtext(first)), read_day(period.findtext(last))
        if start is None or end is None:
            return None
        return start[:3] <= until and end[:3] >= since

    periods = list(data.iter("OrigPaymentPeriod"))
    paid = [holds(each, "PaymentDate", "PaymentDate") for each in periods]
    if book.holds("recovered-type"):
        lasted = [holds(each, "StartDate", "EndDate") for each in periods]
        wrong = [] if all(paid) else [each is False for each in lasted]
    else:
        wrong = [each is False for each in paid]
    wanted = f"a period in which {income.code} holds ({when(income)})"
    for period in compress(periods, wrong):
        found = f"{text_of(period, 'StartDate')} to {text_of(period, 'EndDate')}"
        book.add("recovered-type-not-in-force", period, wanted, found)


def _check_dates(book: Book, data: Element) -> None:
    """Made since pay or benefits are reported, not after the payment date; what was paid at first
    lies before it.
    """
    date = data.find("RecoveryDate")
    day = read_day(date.text) if date is not None else None
    if date is None or day is None:
        return
    earliest = first_recovery(book)
    if day < earliest or (book.payment_day is not None and day[:3] > book.payment_day[:3]):
        book.add("recovery-date", date, f"{iso(earliest)} to the payment date", date.text)
    for period in data.iter("OrigPaymentPeriod", "OrigEarningPeriod"):
        for name in ("PaymentDate", "StartDate"):
            element = period.find(name)
            first = read_day(element.text) if element is not None else None
            if element is not None and first is not None and first[:3] > day[:3]:
                book.add("recovery-period", element, f"{iso(day)} or earlier", element.text)


def original_periods(transaction: Element) -> frozenset[tuple[str, ...]]:
    """The periods that a recovery goes back to, each as the texts of its payment date, start and
    end.
    """
    periods = transaction.iterfind("RecoveryData/OrigPaymentPeriods/OrigPaymentPeriod")
    names = ("PaymentDate", "StartDate", "EndDate")
    return frozenset(
        tuple((period.findtext(name) or "").strip() for name in names) for period in periods
    )

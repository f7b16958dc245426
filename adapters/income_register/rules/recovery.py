"""Rules of what was recovered: its data where it must be, and dates that can be; for wages and
(*modelled*) benefits alike.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapter 2.36 (vero.fi).
"""

from __future__ import annotations

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import FIRST_PAYMENT, Book, Day, iso, read_day
from exchange.schemas.income_register.codes import WageIncome
from exchange.schemas.income_register.in_force import when

#: Since when benefits are reported.
_FIRST_BENEFIT = Day(2021, 1, 1)


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
    return _FIRST_BENEFIT if of_benefits else FIRST_PAYMENT


def check_recovered_type(book: Book, data: Element, income: WageIncome) -> None:
    """What is recovered was an income type in all the original periods, at least in a part of each
    (since 2025).
    """
    for period in data.iter("OrigPaymentPeriod"):
        days = [read_day(period.findtext(name)) for name in ("StartDate", "EndDate", "PaymentDate")]
        start, end, paid = days
        first, last = start or paid, end or start or paid
        if first is None or last is None:
            continue
        since, until = ((day.year, day.month, day.day) for day in (income.since, income.until))
        if last[:3] < since or first[:3] > until:
            wanted = f"a period in which {income.code} holds ({when(income)})"
            book.add("recovered-type-not-in-force", period, wanted, iso(first))


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

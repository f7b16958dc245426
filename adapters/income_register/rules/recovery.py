"""Rules of what was recovered: its data where it must be, and dates that can be; for wages and
(*modelled*) benefits alike.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapter 2.36 (vero.fi).
"""

from __future__ import annotations

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import FIRST_PAYMENT, Book, iso, read_day


def check_recovery(book: Book, transaction: Element, data: Element | None, recovered: bool) -> None:
    """RecoveryData stands with Recovery, and only with it."""
    if data is None:
        if recovered:
            book.add("recovery-data-missing", transaction, "RecoveryData")
    elif not recovered:
        book.add("recovery-data-forbidden", data, "no RecoveryData")
    else:
        _check_dates(book, data)


def _check_dates(book: Book, data: Element) -> None:
    """Made in 2019 or later, not after the payment date; what was paid at first lies before it."""
    date = data.find("RecoveryDate")
    day = read_day(date.text) if date is not None else None
    if date is None or day is None:
        return
    if day < FIRST_PAYMENT or (book.payment_day is not None and day[:3] > book.payment_day[:3]):
        book.add("recovery-date", date, "2019-01-01 to the payment date", date.text)
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

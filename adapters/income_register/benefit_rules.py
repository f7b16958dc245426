"""Rules of the income types of a benefit report; the official list of types was not at hand, so an unlisted one is only warned of.

The rules of recoveries are those of wage reports, applied to benefits (*modelled*).
"""

from __future__ import annotations

from typing import Any

from adapters.income_register.pay_rules import check_recovery_date
from adapters.income_register.rulebook import Book
from schemas.income_register.codes import BENEFIT_INCOME, plain

_CODES = ("TransactionCode", "RetroactiveTransactionCode", "DeductionTransactionCode")


def check_benefits(book: Book, transactions: Any) -> None:
    """Every transaction by itself: known income types, recoveries with their data."""
    for element in transactions.iter(*_CODES):
        if element.text in BENEFIT_INCOME:
            continue
        code = plain(element.text)
        if code not in BENEFIT_INCOME and code.lstrip("-").isdigit():
            if len(code) == 4 and code.isdigit():
                book.add("transaction-code-unknown", element, "a known benefit income type", element.text, "warning")
            else:
                book.add("transaction-code-unknown", element, "a benefit income type of four digits", element.text)
    for transaction in transactions:
        recovered = transaction.find("TransactionBasic/Recovery") is not None
        data = transaction.find("RecoveryData")
        if data is None and recovered:
            book.add("recovery-data-missing", transaction, "RecoveryData")
        elif data is not None and not recovered:
            book.add("recovery-data-forbidden", data, "no RecoveryData")
        elif data is not None:
            check_recovery_date(book, data)

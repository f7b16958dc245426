"""Rules of reporting method 1, the total of wages (101) and the sums that parts of insurance are
counted from (102-106); nothing else.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapters 2.27-2.29
(vero.fi). The rules hold for each group by itself: what was paid, what is unjust enrichment, and
what was recovered of one original period.
"""

from __future__ import annotations

from collections import defaultdict

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import Book, Line, read_amount
from exchange.adapters.income_register.rules.recovery import original_periods
from exchange.schemas.income_register.codes import WAGE_INCOME, plain

TOTAL = "101"
#: The insurance that each part is counted from, by its InsuranceCode; 103 stands for all.
_INSURANCE_OF = {"102": "2", "103": "1", "104": "3", "105": "5", "106": "6"}
PARTS_OF_TOTAL = frozenset(_INSURANCE_OF)
#: What belongs together: the kind of a transaction or, of recoveries, the original periods.
Group = str | frozenset[tuple[str, ...]]


def _all_have_codes(transaction: Element) -> bool:
    """Whether each transaction beside that one says its income type: one whose code the schema has
    refused may be any.
    """
    beside = transaction.getparent()
    return beside is None or all(
        (each.findtext("TransactionBasic/TransactionCode") or "").strip() for each in beside
    )


def check_totals(book: Book, lines: list[Line], codes: set[str]) -> None:
    """The total stands once and is the largest; 103 stands for all its parts; itemised income types
    keep out.
    """
    first = next(line for line in lines if line.code == TOTAL or line.code in PARTS_OF_TOTAL)
    itemised = [line for line in lines if WAGE_INCOME[line.code].way == "itemised"]
    if itemised:
        book.add(
            "methods-mixed",
            itemised[0].transaction,
            "income types of one reporting method",
            itemised[0].code,
        )
    if TOTAL not in codes and _all_have_codes(first.transaction):
        book.add("total-missing", first.transaction, TOTAL, first.code)
    if "103" in codes and len(codes & PARTS_OF_TOTAL) > 1:
        place = next(line for line in lines if line.code in PARTS_OF_TOTAL and line.code != "103")
        book.add("social-insurance-sum", place.transaction, "103 alone", place.code)
    groups: dict[Group, list[Line]] = defaultdict(list)
    for line in lines:
        if line.code == TOTAL or line.code in PARTS_OF_TOTAL:
            groups[
                original_periods(line.transaction) if line.kind == "recovery" else line.kind
            ].append(line)
    _check_repeated(book, groups)
    for group in groups.values():
        _check_group(book, group)


def _check_repeated(book: Book, groups: dict[Group, list[Line]]) -> None:
    """The total once in each group, and recoveries of different periods."""
    seen: set[tuple[str, ...]] = set()
    for key, group in groups.items():
        totals = [line for line in group if line.code == TOTAL]
        for again in totals[1:]:
            book.add("total-repeated", again.transaction, "101 once")
        if totals and isinstance(key, frozenset):
            if key & seen:
                book.add(
                    "total-repeated",
                    totals[0].transaction,
                    "original periods of which no other 101 is a recovery",
                )
            seen |= key


def _check_group(book: Book, group: list[Line]) -> None:
    totals = [line for line in group if line.code == TOTAL]
    if not totals:
        return
    whole = read_amount(totals[0].amount.text) if totals[0].amount is not None else None
    data = totals[0].transaction.find("InsuranceData")
    left_out = {
        plain(inclusion.findtext("InsuranceCode"))
        for inclusion in (data if data is not None else ())
        if (inclusion.findtext("Included") or "").strip() == "false"
    }
    for line in group:
        if line.code not in PARTS_OF_TOTAL:
            continue
        amount = line.amount
        part = read_amount(amount.text) if amount is not None else None
        if amount is not None and whole is not None and part is not None and part > whole:
            book.add("total-exceeded", amount, f"{whole} or less", amount.text)
        insurance = _INSURANCE_OF[line.code]
        if not left_out & {"1", insurance}:
            codes = "1" if insurance == "1" else f"1 or {insurance}"
            book.add(
                "total-insurance-data",
                totals[0].transaction,
                f"InsuranceCode {codes} with Included false",
                line.code,
            )

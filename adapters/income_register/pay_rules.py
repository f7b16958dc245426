"""Control rules of the income types of a wage report: which stand together, what each needs, which sums hold; nothing else.

Sources: "Palkat - Koodistot - Tulolajit 2022" and "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022",
chapters 2.27-2.36 (vero.fi).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from adapters.income_register.rulebook import Book, Day, read_amount, read_day
from schemas.income_register.codes import WAGE_INCOME, plain

_PARTS_OF_TOTAL = frozenset(("102", "103", "104", "105", "106"))
_FRINGE = frozenset(("301", "302", "317", "330", "334"))


def _codes(*spans: tuple[int, int]) -> frozenset[str]:
    return frozenset(str(code) for first, last in spans for code in range(first, last + 1))


#: What a deduction is made from: income types whose sum it may not exceed.
_DEDUCTED_FROM = {
    "401": frozenset(("304",)),
    "407": _FRINGE,
    "419": _codes(
        (101, 106), (201, 207), (209, 227), (230, 239), (308, 308), (315, 316), (320, 320), (326, 326), (336, 336),
        (339, 339), (351, 351), (353, 355), (359, 359),
    ),
}  # fmt: skip
_INSURED_BY = {"2": "P", "3": "H", "5": "U", "6": "A"}
_FIRST_RECOVERY = Day(2019, 1, 1)


class Line(NamedTuple):
    """One transaction as the rules compare it. `kind` is `recovery`, `unjust` or empty."""

    transaction: Any
    code: str
    amount: Any
    kind: str


def check_transactions(book: Book, transactions: Any) -> tuple[list[Line], set[str]]:
    """Every transaction by itself; the lines, and the letters of the insurances that the income is subject to."""
    lines: list[Line] = []
    insured: set[str] = set()
    for transaction in transactions:
        basic = code_element = amount = None
        kind = ""
        others = []
        for part in transaction:
            if part.tag == "TransactionBasic":
                basic = part
            else:
                others.append(part)
        if basic is None:
            continue
        for field in basic:
            tag = field.tag
            if tag == "TransactionCode":
                code_element = field
            elif tag == "Amount":
                amount = field
            elif tag == "Recovery":
                kind = "recovery"
            elif tag == "UnjustEnrichment":
                kind = kind or "unjust"
        if code_element is None:
            continue
        code = code_element.text or ""
        income = WAGE_INCOME.get(code)
        if income is None:
            code = plain(code)
            income = WAGE_INCOME.get(code)
        if income is None:
            if code.lstrip("-").isdigit():
                book.add("transaction-code-unknown", code_element, "an income type (101-420)", code_element.text)
            continue
        lines.append(Line(transaction, code, amount, kind))
        letters: str | set[str] = income.insured
        if amount is None:
            if code != "334":
                book.add("amount-missing", basic, "Amount")
        elif not income.negative and amount.text and amount.text.lstrip().startswith("-"):
            book.add("amount-negative", amount, "0 or more", amount.text)
        if kind and income.no_recovery:
            book.add("recovery-forbidden", basic, "neither UnjustEnrichment nor Recovery", code)
        if others or kind or code in ("304", "317"):
            letters = _check_parts(book, transaction, code, kind, {part.tag: part for part in others})
        insured.update(letters)
    return lines, insured


def _check_parts(book: Book, transaction: Any, code: str, kind: str, parts: dict[Any, Any]) -> set[str]:
    """What stands beside the basic data: only where it may, and always where it must; the insurances of the income."""
    data = parts.get("InsuranceData")
    insured = set(WAGE_INCOME[code].insured) if data is None else _check_insurance_data(book, data, code)
    for name, owner, rule, needed in (
        ("CarBenefit", "304", "car-benefit", True),
        ("OtherBenefit", "317", "other-benefit", True),
        ("MealBenefit", "334", "meal-benefit", False),
    ):
        if name in parts and code != owner:
            book.add(rule, parts[name], f"{name} with {owner} only", code)
        elif needed and code == owner and name not in parts:
            book.add(rule, transaction, name)
    recovery = parts.get("RecoveryData")
    if recovery is None:
        if kind == "recovery":
            book.add("recovery-data-missing", transaction, "RecoveryData")
    elif kind != "recovery":
        book.add("recovery-data-forbidden", recovery, "no RecoveryData")
    else:
        check_recovery_date(book, recovery)
    return insured


def check_recovery_date(book: Book, recovery: Any) -> None:
    """A recovery is made in 2019 or later, and not after the payment date."""
    date = recovery.find("RecoveryDate")
    day = read_day(date.text) if date is not None else None
    if day is not None and (day < _FIRST_RECOVERY or (book.payment_day is not None and day[:3] > book.payment_day[:3])):
        book.add("recovery-date", date, "2019-01-01 to the payment date", date.text)


def _check_insurance_data(book: Book, data: Any, code: str) -> set[str]:
    """Exceptions from what the income is subject to: allowed for some income types, each insurance once."""
    income = WAGE_INCOME[code]
    if not income.insurance_data:
        book.add("insurance-data-forbidden", data, "no InsuranceData", code)
    insured, seen = set(income.insured), []
    for inclusion in data:
        what = plain(inclusion.findtext("InsuranceCode"))
        seen.append(what)
        letters = "PAUH" if what == "1" else _INSURED_BY.get(what, "")
        if (inclusion.findtext("Included") or "").strip() == "true":
            insured.update(letters)
        else:
            insured.difference_update(letters)
    if len(set(seen)) != len(seen) or ("1" in seen and len(seen) > 1):
        book.add("insurance-data-repeated", data, "each InsuranceCode once, 1 alone", ", ".join(seen))
    return insured


def check_report(book: Book, lines: list[Line], earner: Any) -> None:
    """What the transactions of one report must be together."""
    codes = {line.code for line in lines}
    if codes & _PARTS_OF_TOTAL or "101" in codes:
        _check_totals(book, lines, codes)
    for code, sources in _DEDUCTED_FROM.items():
        if code in codes:
            _check_deduction(book, lines, code, sources)
    if codes & {"362", "412"} and (earner is None or earner.find("InternationalData/NonResident") is None):
        place = next(line for line in lines if line.code in ("362", "412"))
        book.add("non-resident-missing", place.transaction, "NonResident", place.code)
    if "402" in codes:
        place = next(line for line in lines if line.code == "402")
        key_person = earner is not None and "4" in [plain(kind.text) for kind in earner.iterfind(".//IncomeEarnerType")]
        if "362" in codes or key_person:
            book.add("withholding-forbidden", place.transaction, "no 402")
    if any(line.kind == "recovery" for line in lines):
        for line in lines:
            if line.code in ("402", "404") and line.amount is not None and (read_amount(line.amount.text) or 0) < 0:
                book.add("amount-negative", line.amount, "0 or more in a report with a recovery", line.amount.text)


def _check_totals(book: Book, lines: list[Line], codes: set[str]) -> None:
    """Reporting method 1: the total stands once and is the largest; 103 stands for all its parts; method 2 keeps out."""
    first = next(line for line in lines if line.code == "101" or line.code in _PARTS_OF_TOTAL)
    itemised = [line for line in lines if WAGE_INCOME[line.code].way == "itemised"]
    if itemised:
        book.add("methods-mixed", itemised[0].transaction, "income types of one reporting method", itemised[0].code)
    if "101" not in codes:
        book.add("total-missing", first.transaction, "101", first.code)
    for kind in ("", "unjust"):
        totals = [line for line in lines if line.code == "101" and line.kind == kind]
        if len(totals) > 1:
            book.add("total-repeated", totals[1].transaction, "101 once")
        whole = read_amount(totals[0].amount.text) if totals and totals[0].amount is not None else None
        for line in lines:
            if line.code not in _PARTS_OF_TOTAL or line.kind != kind or whole is None or line.amount is None:
                continue
            if (part := read_amount(line.amount.text)) is not None and part > whole:
                book.add("total-exceeded", line.amount, f"{whole} or less", line.amount.text)
    if "103" in codes and len(codes & _PARTS_OF_TOTAL) > 1:
        place = next(line for line in lines if line.code in _PARTS_OF_TOTAL and line.code != "103")
        book.add("social-insurance-sum", place.transaction, "103 alone", place.code)


def _check_deduction(book: Book, lines: list[Line], code: str, sources: frozenset[str]) -> None:
    """A deduction has income to be made from, and is not larger than it (all of the same code together)."""
    own = [line for line in lines if line.code == code]
    income = [line for line in lines if line.code in sources]
    if not income:
        if code != "401":
            book.add("deduction-without-income", own[0].transaction, "income that it is made from", code)
            return
    elif (
        code == "407"
        and {line.code for line in income} == {"334"}
        and any(line.transaction.find("MealBenefit/TaxValue") is not None for line in income)
    ):
        book.add("deduction-without-income", own[0].transaction, "no 407 with TaxValue", code)
        return
    total = sum((_amount_of(line) for line in own), Decimal(0))
    most = sum((_amount_of(line) for line in income), Decimal(0))
    if total > most:
        book.add("deduction-exceeds-income", own[0].transaction, f"{most} or less", str(total))


def _amount_of(line: Line) -> Decimal:
    return (read_amount(line.amount.text) if line.amount is not None else None) or Decimal(0)

"""Control rules of the income types of a wage report: which stand together, what each needs, which
sums hold; nothing else.

Sources: "Palkat - Koodistot - Tulolajit 2022" and "Tietojen toimittaminen - Skeemat -
Palkkatietoilmoitukset 2022", chapters 2.27-2.29, 2.32-2.34, 2.37 and 2.38 (vero.fi).
"""

from __future__ import annotations

from decimal import Decimal

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import DEDUCTED_FROM, Book, Line, read_amount
from exchange.adapters.income_register.rules.recovery import (
    OF_RECOVERED_TYPE,
    check_recovered_type,
    check_recovery,
)
from exchange.adapters.income_register.rules.total import PARTS_OF_TOTAL, check_totals
from exchange.schemas.income_register.codes import WAGE_INCOME, is_integer, plain
from exchange.schemas.income_register.in_force import when

_INSURED_BY = {"2": "P", "3": "H", "5": "U", "6": "A"}
#: What stands beside the basic data of one income type only: element, income type, rule, whether it
#: must be there.
_BESIDE = (
    ("CarBenefit", "304", "car-benefit", True),
    ("OtherBenefit", "317", "other-benefit", True),
    ("MealBenefit", "334", "meal-benefit", False),
    ("DailyAllowance", "331", "daily-allowance", True),
    ("KmAllowance", "311", "kilometre-allowance", False),
)
_NEEDING = frozenset(owner for _, owner, _, needed in _BESIDE if needed)


def check_transactions(book: Book, transactions: Element) -> tuple[list[Line], set[str]]:
    """Every transaction by itself; the lines, and the letters of the insurances that the income is
    subject to.
    """
    lines: list[Line] = []
    insured: set[str] = set()
    types = book.period.wage_income
    for transaction in transactions:
        basic = None
        others = []
        for part in transaction:
            if part.tag == "TransactionBasic":
                basic = part
            else:
                others.append(part)
        if basic is None:
            continue
        code_element, amount, kind = _read_basic(basic)
        if code_element is None:
            continue
        code = code_element.text or ""
        income = types.get(code) or types.get(code := plain(code))
        if income is None:
            _unknown_code(book, code_element, code)
            continue
        lines.append(Line(transaction, code, amount, kind))
        letters: str | set[str] = income.insured
        if amount is None:
            # A meal benefit whose charge equals its tax value needs no amount.
            if code != "334" or transaction.find("MealBenefit/TaxValue") is None:
                book.add("amount-missing", basic, "Amount")
        elif not income.negative and amount.text and amount.text.lstrip().startswith("-"):
            book.add("amount-negative", amount, "0 or more", amount.text)
        if kind and income.no_recovery:
            book.add("recovery-forbidden", basic, "neither UnjustEnrichment nor Recovery", code)
        if others or kind or code in _NEEDING:
            letters = _check_parts(
                book, transaction, code, kind, {part.tag: part for part in others}
            )
        insured.update(letters)
    return lines, insured


def _unknown_code(book: Book, element: Element, code: str) -> None:
    if is_integer(code):
        known = WAGE_INCOME.get(code)
        dates = f"; {code} holds {when(known)}" if known is not None else ""
        wanted = f"an income type (101-420{dates})"
        severity = book.severity_of("TransactionCode", code)
        book.add("transaction-code-unknown", element, wanted, element.text, severity)


def _read_basic(basic: Element) -> tuple[Element | None, Element | None, str]:
    """Code and amount of a transaction's basic data, and whether it is of a `recovery`, an `unjust`
    enrichment or neither.
    """
    code = amount = None
    kind = ""
    for field in basic:
        tag = field.tag
        if tag == "TransactionCode":
            code = field
        elif tag == "Amount":
            amount = field
        elif tag == "Recovery":
            kind = "recovery"
        elif tag == "UnjustEnrichment":
            kind = kind or "unjust"
    return code, amount, kind


def _check_parts(
    book: Book, transaction: Element, code: str, kind: str, parts: dict[str, Element]
) -> set[str]:
    """What stands beside the basic data: only where it may, and always where it must; the
    insurances of the income.
    """
    data = parts.get("InsuranceData")
    insured = (
        set(WAGE_INCOME[code].insured) if data is None else _check_insurance_data(book, data, code)
    )
    for name, owner, rule, needed in _BESIDE:
        if name in parts and code != owner:
            book.add(rule, parts[name], f"{name} with {owner} only", code)
        elif needed and code == owner and name not in parts:
            book.add(rule, transaction, name)
    recovered = parts.get("RecoveryData")
    check_recovery(book, transaction, recovered, kind == "recovery")
    if recovered is not None and any(map(book.holds, OF_RECOVERED_TYPE)):
        check_recovered_type(book, recovered, WAGE_INCOME[code])
    return insured


def _check_insurance_data(book: Book, data: Element, code: str) -> set[str]:
    """Exceptions from what the income is subject to: allowed for some income types, each insurance
    once.
    """
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
        book.add(
            "insurance-data-repeated", data, "each InsuranceCode once, 1 alone", ", ".join(seen)
        )
    return insured


def check_report(book: Book, lines: list[Line], earner: Element | None) -> None:
    """What the transactions of one report must be together."""
    codes = {line.code for line in lines}
    if codes & PARTS_OF_TOTAL or "101" in codes:
        check_totals(book, lines, codes)
    for code, sources in DEDUCTED_FROM.items():
        if code in codes:
            _check_deduction(book, lines, code, sources)
    if "317" in codes or "331" in codes:
        _check_kinds(book, lines, codes)
    if codes & {"362", "412"} and (
        earner is None or earner.find("InternationalData/NonResident") is None
    ):
        place = next(line for line in lines if line.code in ("362", "412"))
        book.add("non-resident-missing", place.transaction, "NonResident", place.code)
    if "402" in codes:
        place = next(line for line in lines if line.code == "402")
        key_person = earner is not None and "4" in [
            plain(kind.text) for kind in earner.iterfind(".//IncomeEarnerType")
        ]
        if "362" in codes or key_person:
            book.add("withholding-forbidden", place.transaction, "no 402")
    if any(line.kind == "recovery" for line in lines):
        for line in lines:
            if (
                line.code in ("402", "404")
                and line.amount is not None
                and (read_amount(line.amount.text) or 0) < 0
            ):
                book.add(
                    "amount-negative",
                    line.amount,
                    "0 or more in a report with a recovery",
                    line.amount.text,
                )


def _check_kinds(book: Book, lines: list[Line], codes: set[str]) -> None:
    """What is itemised inside 317 and 331 does not stand by itself as well."""
    for path, alone in (
        ("OtherBenefit/BenefitCode", {"1": "301", "2": "330", "3": "334"}),
        ("DailyAllowance/AllowanceCode", {"1": "303"}),
    ):
        for line in lines:
            for kind in line.transaction.iterfind(path):
                if (other := alone.get(plain(kind.text), "")) in codes:
                    book.add("benefit-twice", kind, f"a report without {other}", kind.text)


def _check_deduction(book: Book, lines: list[Line], code: str, sources: frozenset[str]) -> None:
    """A deduction has income to be made from, and is not larger than it (all of the same code
    together).
    """
    own = [line for line in lines if line.code == code]
    income = [line for line in lines if line.code in sources]
    if not income:
        if code != "401":
            book.add(
                "deduction-without-income", own[0].transaction, "income that it is made from", code
            )
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

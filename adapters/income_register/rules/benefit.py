"""Rules of the transactions of a benefit report: income types, tax treatment, recovery, recourse,
deductions, insurance; *modelled*.

The field descriptions of benefit reports and their list of income types were not at hand. What is
an error here follows from the schema's own terms (a recovery has its data) or from the published
rules of wage reports, or is announced; everything else is only warned of. Code lists: "Koodistot
2022" (vero.fi), judged by `field`.
"""

from __future__ import annotations

from decimal import Decimal

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import Book, read_amount
from exchange.adapters.income_register.rules.recovery import check_recovery
from exchange.schemas.income_register.codes import BENEFIT_INCOME, is_integer, plain
from exchange.schemas.income_register.in_force import when

_CODES = ("TransactionCode", "RetroactiveTransactionCode", "DeductionTransactionCode")
_TAX_EXEMPT = frozenset(("7", "8"))
#: Withholding and tax at source, which are not negative where something is given back.
_WITHHELD = frozenset(("1266", "1267"))
_GIVEN_BACK = frozenset(("Recovery", "UnpromptedRefund"))
#: The basic data of a transaction by name.
Transaction = dict[str, Element]


def check_benefits(book: Book, transactions: Element, earner: Element | None) -> None:
    """Every transaction by itself."""
    for element in transactions.iter(*_CODES):
        if element.text not in book.period.benefit_income:
            _check_code(book, element)
    non_resident = earner is not None and earner.find("InternationalData/NonResident") is not None
    given_back, negative = False, list[Transaction]()
    for transaction in transactions:
        basic = transaction.find("TransactionBasic")
        if basic is None:
            continue
        flags = {field.tag: field for field in basic}
        check_recovery(book, transaction, transaction.find("RecoveryData"), "Recovery" in flags)
        _check_basic(book, transaction, basic, flags)
        given_back = given_back or not _GIVEN_BACK.isdisjoint(flags)
        if "Amount" in flags and (read_amount(flags["Amount"].text) or 0) < 0:
            negative.append(flags)
        basis = transaction.find("TransactionOther/NonresidentPensionBasis")
        if basis is not None and not non_resident:
            book.add("pension-basis", basis, "an earner who is NonResident", basis.text, "warning")
        holder = transaction.find("Insurance/InsurancePolicyHolder")
        names = ("InsurancePolicyHolderIds", "InsurancePolicyHolderBasic")
        if holder is not None and all(holder.find(name) is None for name in names):
            book.add("policy-holder-unknown", holder, " or ".join(names), "", "warning")
        if (deductions := transaction.find("Deductions")) is not None:
            _check_deductions(book, deductions, flags.get("Amount"))
    _check_negative(book, negative, given_back)


def _check_code(book: Book, element: Element) -> None:
    code = plain(element.text)
    if code in book.period.benefit_income or not is_integer(code):
        return
    known = BENEFIT_INCOME.get(code)
    if known is not None:
        wanted = f"a benefit income type in force ({code} holds {when(known)})"
        book.add("transaction-code-unknown", element, wanted, element.text)
    elif len(code) == 4 and not code.startswith("-"):
        book.add(
            "transaction-code-unknown",
            element,
            "a known benefit income type",
            element.text,
            book.newer,
        )
    else:
        book.add(
            "transaction-code-unknown",
            element,
            "a benefit income type of four digits",
            element.text,
        )


def _check_basic(
    book: Book, transaction: Element, basic: Element, flags: dict[str, Element]
) -> None:
    """Flags that say the same or exclude each other, and the data that belong to them."""
    recourse = transaction.find("RecourseData")
    if ("Recourse" in flags) != (recourse is not None):
        at, wanted = (
            (transaction, "RecourseData") if recourse is None else (recourse, "no RecourseData")
        )
        book.add("recourse-data", at, wanted)
    if "UnpromptedRefund" in flags and "Recovery" not in flags:
        book.add("refund-without-recovery", flags["UnpromptedRefund"], "Recovery", "", "warning")
    if "UnjustEnrichment" in flags and "Recovery" in flags:
        book.add(
            "unjust-and-recovered",
            flags["UnjustEnrichment"],
            "UnjustEnrichment or Recovery",
            "",
            "warning",
        )
    treatment = flags.get("TaxTreatment")
    if treatment is None and "Recovery" not in flags:
        book.add("tax-treatment-missing", basic, "TaxTreatment", "", "warning")
    data = transaction.find("RecoveryData")
    if data is not None and treatment is not None and plain(treatment.text) in _TAX_EXEMPT:
        withheld = next(data.iterchildren("Withhold", "TaxAtSource"), None)
        if withheld is not None:
            book.add(
                "tax-of-exempt-benefit",
                withheld,
                "no tax on a benefit that is exempt",
                treatment.text,
                "warning",
            )
    _check_type(book, transaction, basic, flags)


def _check_negative(book: Book, negative: list[Transaction], given_back: bool) -> None:
    """Negative amounts: errors of what is withheld where something is given back (release note
    21.9.2021), else warnings.
    """
    withheld = _WITHHELD if given_back and book.holds("withheld-in-recovery") else frozenset()
    for flags in negative:
        code, amount = flags.get("TransactionCode"), flags["Amount"]
        if code is not None and plain(code.text) in withheld:
            wanted = "0 or more beside a recovery or an unprompted refund"
            book.add("amount-negative", amount, wanted, amount.text)
        else:
            book.add("amount-negative", amount, "0 or more", amount.text, "warning")


def _check_type(
    book: Book, transaction: Element, basic: Element, flags: dict[str, Element]
) -> None:
    """What the income type asks for: a unit, or that it is not recovered."""
    code = plain(basic.findtext("TransactionCode"))
    income = BENEFIT_INCOME.get(code)
    if income is None:
        return
    if income.unit and book.holds("benefit-unit") and transaction.find("BenefitUnit") is None:
        book.add("benefit-unit-missing", transaction, "BenefitUnit", code)
    if income.no_recovery and book.holds("benefit-recovery"):
        for name in ("UnjustEnrichment", "Recovery"):
            if name in flags:
                wanted = "neither UnjustEnrichment nor Recovery"
                book.add("recovery-forbidden", flags[name], wanted, code)


def _check_deductions(book: Book, deductions: Element, amount: Element | None) -> None:
    """Deductions are made for somebody, and from no more than there is."""
    total = Decimal(0)
    for deduction in deductions:
        total += read_amount(deduction.findtext("Amount")) or 0
        beneficiary = deduction.find("IncomeBeneficiary")
        if (
            beneficiary is not None
            and beneficiary.find("IncomeBeneficiaryIds") is None
            and (
                beneficiary.find("IncomeBeneficiaryBasic/CompanyName") is None
                and beneficiary.find("IncomeBeneficiaryBasic/LastName") is None
            )
        ):
            book.add(
                "beneficiary-unknown", beneficiary, "IncomeBeneficiaryIds or a name", "", "warning"
            )
    most = read_amount(amount.text) if amount is not None else None
    if most is not None and total > most:
        book.add("deduction-exceeds-benefit", deductions, f"{most} or less", str(total), "warning")

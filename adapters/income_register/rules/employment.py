"""Rules of a wage report's employment and insurances: what the income and the insurer ask of the
earner's data; not the pay itself.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapters 2.8 and 2.18-2.26
(vero.fi).
"""

from __future__ import annotations

from exchange.adapters.income_register.document import Element, parent_of
from exchange.adapters.income_register.findings import Book
from exchange.adapters.income_register.rules.party import check_once, identifier
from exchange.schemas.income_register.codes import LISTS, plain

#: Insurance exceptions that lift the obligation to insure for the pension, and for accidents.
NO_PENSION = frozenset(("1", "3", "6", "7"))
NO_ACCIDENT = frozenset(("1", "4", "6", "8"))
#: Pension providers: Keva's (members, State, church, Åland, Kela), the Bank of Finland's, the
#: seafarers'.
KEVA = frozenset(("20", "24", "25", "29", "30"))
_BANK_OF_FINLAND, _SEAFARERS = "27", "34"
_TK10, _OF_KEVA, _OF_BANK, _OF_TRAFI = "1", "2", "3", "4"
_ENTREPRENEUR_EXCEPTIONS = frozenset(("3", "4", "5"))
_FOREIGN_EMPLOYER, _NET_PAY, _STAYED_183, _NOT_INSURED = "4", "11", "10", "14"
_ORGANISATION, _PROSECUTOR = "12", "16"
#: What stands in place of a code, and the error when it is missing.
_PLACE = (
    ("Street", "place-incomplete"),
    ("PostalCode", "postal-code-missing"),
    ("PostOffice", "post-office-missing"),
)
_PLACE_CODES = ("StatisticsFinlandId", "Code")


def check_employment(book: Book, earner: Element, insured: frozenset[str]) -> None:
    """What the earner's data must hold; `insured` are the letters of what the income is subject to
    (P pension, A accidents).
    """
    pension, employment = earner.find("PensionInsurance"), earner.find("Employment")
    provider = ""
    if pension is not None:
        provider = plain(pension.findtext("PensionProvIdCode"))
        _check_pension(book, pension)
    exceptions = _exceptions_of(book, earner)
    types = [
        plain(kind.text)
        for kind in earner.iterfind("IncomeEarnerOther/IncomeEarnerTypes/IncomeEarnerType")
    ]
    _check_entrepreneur(book, earner, pension, exceptions, types)
    _check_earner_types(book, earner, types)
    _check_place(book, earner.find("PlaceOfBusiness"))
    needed = "11" in exceptions or ("P" in insured and not exceptions & NO_PENSION)
    if pension is None and needed and not book.payer.substitute:
        book.add("pension-missing", earner, "PensionInsurance")
    _check_professions(book, earner, provider, exceptions, "A" in insured)
    registrations = earner.find("EmploymentRegs")
    known = (
        check_once(book, registrations, "Type", "registration-repeated")
        if registrations is not None
        else set()
    )
    wanted = "1" if provider in KEVA else "2" if provider == _BANK_OF_FINLAND else ""
    if wanted and wanted not in known:
        book.add(
            "registration-missing",
            earner if registrations is None else registrations,
            f"EmploymentReg of type {wanted}",
        )
    if provider in KEVA and "1" not in book.payer.sub_orgs:
        book.add("keva-reporter-missing", pension, "a SubOrg of type 1 of the payer", provider)
    _check_periods(book, earner, employment, provider)


def _check_pension(book: Book, pension: Element) -> None:
    """Chapter 2.22: who insures an employee, and under which number."""
    act, provider, policy = (
        pension.find(name) for name in ("PensionActCode", "PensionProvIdCode", "PensionPolicyNo")
    )
    if act is None:
        return
    code = plain(act.text)
    if code == "1":
        if provider is None or policy is None:
            book.add("pension-provider-missing", pension, "PensionProvIdCode and PensionPolicyNo")
        elif policy.text and provider.text and not policy.text.startswith(plain(provider.text)):
            book.add("pension-provider-differs", policy, f"{plain(provider.text)}...", policy.text)
    elif code in ("2", "3") and (provider is not None or policy is not None):
        book.add("pension-provider-forbidden", pension, "PensionActCode only")


def _exceptions_of(book: Book, earner: Element) -> frozenset[str]:
    """Chapter 2.24: the insurance exceptions; voluntary insurance stands with no exception from the
    same.
    """
    holder = earner.find("InsuranceExceptions")
    if holder is None:
        return frozenset()
    codes = frozenset(plain(element.text) for element in holder)
    if "11" in codes and codes & NO_PENSION:
        book.add(
            "exception-voluntary", holder, "11 without 1, 3, 6 and 7", ", ".join(sorted(codes))
        )
    return codes


def _check_entrepreneur(
    book: Book,
    earner: Element,
    pension: Element | None,
    exceptions: frozenset[str],
    types: list[str],
) -> None:
    """Chapter 2.24: who insures as an entrepreneur, or need not insure at all, is excepted from the
    employer's insurances.
    """
    lacking = _ENTREPRENEUR_EXCEPTIONS - exceptions
    if lacking and pension is not None and plain(pension.findtext("PensionActCode")) in ("2", "3"):
        book.add(
            "entrepreneur-exceptions",
            earner,
            f"exceptions {', '.join(sorted(lacking))}",
            ", ".join(sorted(exceptions)),
        )
    if (
        _NOT_INSURED in types
        and "1" not in exceptions
        and not _ENTREPRENEUR_EXCEPTIONS | {"2"} <= exceptions
    ):
        book.add(
            "entrepreneur-exceptions",
            earner,
            "exceptions 2, 3, 4 and 5, or 1",
            ", ".join(sorted(exceptions)),
        )


def _check_earner_types(book: Book, earner: Element, types: list[str]) -> None:
    """Chapters 2.25 and 2.26: the tax treaty of a short stay, the foreign employer of a net pay
    agreement, references of payments.
    """
    treaty = earner.find("InternationalData/TaxTreatyCountryCode")
    if _STAYED_183 in types and treaty is None:
        book.add("tax-treaty-missing", earner, "TaxTreatyCountryCode")
    elif treaty is not None and _STAYED_183 not in types:
        book.add("tax-treaty-forbidden", treaty, "IncomeEarnerType 10", treaty.text)
    if _PROSECUTOR in types:
        _check_sixteen(book, earner)
    if _ORGANISATION in types and book.holds("organisation-id"):
        for each in earner.iterfind("IncomeEarnerIds/Id"):
            if identifier(each)[0] == "2":
                wanted = "no personal identity code of an organisation (IncomeEarnerType 12)"
                book.add("organisation-with-personal-id", each, wanted)
    if _NET_PAY in types and _FOREIGN_EMPLOYER not in book.payer.types:
        book.add("net-pay-payer", earner.find("IncomeEarnerOther"), "PayerType 4")
    payments = earner.find("IncomeEarnerOther/Payments")
    if payments is not None:
        check_once(book, payments, "PaymentType", "payment-repeated")
        for payment in payments:
            if payment.find("PaymentRef") is None and plain(payment.findtext("PaymentType")) == "2":
                book.add("payment-reference-missing", payment, "PaymentRef")


def _check_place(book: Book, place: Element | None) -> None:
    """Chapter 2.21: a place of business has a code, or street, postal code and post office; since
    2026 Statistics Finland's id stands for them, too (*inferred* from the schema).
    """
    if place is None or any(place.find(name) is not None for name in _PLACE_CODES):
        return
    for name, rule in _PLACE:
        if place.find(name) is None:
            book.add(rule, place, f"Code, or {name}")


def _check_sixteen(book: Book, earner: Element) -> None:
    """Who gets wages for insurance purposes under the EPPO Act is under no six-month rule."""
    report = parent_of(earner)
    for rule in report.iterfind("Transactions/Transaction/SixMonthRule"):
        book.add("six-month-rule-forbidden", rule, "no SixMonthRule with IncomeEarnerType 16")


def _check_professions(
    book: Book, earner: Element, provider: str, exceptions: frozenset[str], accidents: bool
) -> None:
    """Chapter 2.19: the profession by TK10 for income subject to accident insurance, and by the
    pension provider's own list.
    """
    holder = earner.find("Professions")
    kinds = check_once(book, holder, "Type", "profession-repeated") if holder is not None else set()
    at = earner if holder is None else holder
    if (
        accidents
        and not book.payer.substitute
        and not exceptions & NO_ACCIDENT
        and _TK10 not in kinds
    ):
        book.add("profession-missing", at, "a Profession of type 1")
    wanted = {_SEAFARERS: _OF_TRAFI, _BANK_OF_FINLAND: _OF_BANK}.get(
        provider, _OF_KEVA if provider in KEVA else ""
    )
    if wanted and wanted not in kinds and not exceptions & NO_PENSION:
        book.add("provider-profession-missing", at, f"a Profession of type {wanted}", provider)


def _check_periods(book: Book, earner: Element, employment: Element | None, provider: str) -> None:
    """Chapter 2.18: how long the employment lasts, and why it ended."""
    periods = employment.find("EmploymentPeriods") if employment is not None else None
    if provider in KEVA and periods is None:
        book.add(
            "employment-periods-missing",
            earner if employment is None else employment,
            "EmploymentPeriods",
            provider,
        )
    if employment is None:
        return
    endings = employment.find("EmploymentEndings")
    if endings is None:
        if provider in KEVA and periods is not None and periods.find("Period/EndDate") is not None:
            book.add("employment-ending-missing", employment, "EmploymentEndings", provider)
        return
    kinds = check_once(book, endings, "Type", "employment-ending-repeated")
    wanted = "1" if provider in KEVA else "2" if provider == _BANK_OF_FINLAND else ""
    if wanted and wanted not in kinds:
        book.add(
            "employment-ending-missing", endings, f"an EmploymentEnding of type {wanted}", provider
        )
    for ending in endings:
        code = ending.find("Code")
        if (
            plain(ending.findtext("Type")) == "3"
            and code is not None
            and code.text not in LISTS["EmploymentEndingCode"]
        ):
            book.add("code-unknown", code, "a code of EmploymentEndingCode", code.text)

"""What holds for single fields wherever they stand: code lists, identifiers, dates, addresses;
nothing that compares reports.

Sources: "Koodistot 2022" for the lists; "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset
2022" (vero.fi), chapter 1.3 for dates, 2.1 and 2.5 for identifiers, 2.7 for addresses, 2.18, 2.31,
2.32, 2.35, 2.38, 2.40, 2.44, 2.53 and 2.54 for ranges. One walk over the elements that a rule
knows; everything else is passed over inside libxml2.
"""

from __future__ import annotations

from collections.abc import Callable

from exchange.adapters.income_register.document import Element, parent_of
from exchange.adapters.income_register.findings import Book, Day, iso, read_amount, read_day
from exchange.adapters.income_register.rules.identifier import (
    check_identifier,
    check_insurer,
    check_types_once,
    has_white_space,
)
from exchange.schemas.income_register.codes import is_integer, plain
from exchange.schemas.income_register.in_force import dates_of

#: Judges one element and adds what it finds to the book.
Check = Callable[[Book, Element], object]

_EARLIEST = Day(1800, 1, 1)

#: Elements whose code list follows from their name alone.
_BY_NAME = {
    "ActionCode": "ActionCode",
    "ResponsibilityCode": "ResponsibilityCode",
    "Language": "Language",
    "Gender": "Gender",
    "AddressType": "AddressType",
    "EmploymentCode": "EmploymentCode",
    "TermCode": "TermCode",
    "PensionActCode": "PensionActCode",
    "ExceptionCode": "InsuranceExceptionCode",
    "PostedCertCode": "PostedCertCode",
    "TaxTreatyCountryCode": "TaxTreatyCountryCode",
    "FormCode": "FormCode",
    "IncomeEarnerType": "IncomeEarnerType",
    "InsuranceCode": "InsuranceCode",
    "CarBenefitCode": "CarBenefitCode",
    "AgeGroupCode": "AgeGroupCode",
    "BenefitCode": "BenefitCode",
    "AllowanceCode": "AllowanceCode",
    "RemunerationCode": "RemunerationCode",
    "TaxTreatment": "BenefitTaxTreatment",
    "DeductionType": "DeductionType",
    "NonresidentPensionBasis": "NonresidentPensionBasis",
    "IncomeBeneficiaryType": "IncomeBeneficiaryType",
    "PensionProvIdCode": "PensionProvIdCode",
    "CBACode": "CBACode",
}
#: Elements whose code list follows from the element that they are in.
_BY_PARENT = {
    ("Type", "Profession"): "ProfessionType",
    ("Type", "EmploymentReg"): "EmploymentRegType",
    ("Type", "EmploymentEnding"): "EmploymentEndingType",
    ("Code", "PayerTypes"): "PayerType",
    ("PaymentType", "PaymentTypes"): "PaymentType",
    ("PaymentType", "Payment"): "RefPaymentType",
    ("PaymentType", "ReimbPayment"): "ReimbPaymentType",
    ("CauseCode", "PaidAbsencePeriod"): "PaidAbsenceCauseCode",
    ("CauseCode", "UnpaidAbsencePeriod"): "UnpaidAbsenceCauseCode",
    ("UnitCode", "UnitWage"): "WageUnitCode",
    ("UnitCode", "BenefitUnit"): "BenefitUnitCode",
}
_BENEFIT_ID_LISTS = {
    "PayerIds": "BenefitPayerIdType",
    "IncomeEarnerIds": "BenefitIncomeEarnerIdType",
}
#: Lists of identifiers of one party.
_ID_HOLDERS = (
    "PayerIds",
    "IncomeEarnerIds",
    "RepresentativeIds",
    "FinServiceRecipientIds",
    "ServiceRecipientIds",
    "IncomeBeneficiaryIds",
    "InsurancePolicyHolderIds",
)
#: Lists whose unknown codes have an error of their own.
_RULE_OF_LIST = {
    "PaidAbsenceCauseCode": "absence-cause-unknown",
    "ReimbPaymentType": "claim-type-unknown",
}
_ADDRESSES = ("Address", "TypedAddress", "WorkCountryAddress", "ServiceRecipientAddress")


def check_code(book: Book, element: Element, list_name: str) -> None:
    """The element's code stands in the list; what is no integer at all is the schema's business."""
    text = element.text
    allowed = book.period.lists[list_name]
    if text in allowed:
        return
    code = plain(text)
    if code not in allowed and (is_integer(code) or list_name == "TaxTreatyCountryCode"):
        dates = dates_of(list_name, code)
        book.add(
            _RULE_OF_LIST.get(list_name, "code-unknown"),
            element,
            f"a code of {list_name}" + (f" ({code} holds {dates})" if dates else ""),
            text,
            "error" if dates else book.severity_of(list_name, code),
        )


def _by_name(book: Book, element: Element) -> None:
    check_code(book, element, _BY_NAME[element.tag])


def _by_parent(book: Book, element: Element) -> None:
    if list_name := _BY_PARENT.get((element.tag, parent_of(element).tag)):
        check_code(book, element, list_name)


def _type(book: Book, element: Element) -> None:
    """A Type: of an identifier (with its Code and country beside it), of a sub-organisation or of
    some other coded value.
    """
    holder = parent_of(element)
    if holder.tag == "SubOrg":
        owner = parent_of(parent_of(holder)).tag
        wages = "PayerSubOrgType" if owner == "Payer" else "IncomeEarnerSubOrgType"
        check_code(book, element, wages if book.wages else "BenefitPayerSubOrgType")
    elif list_name := _BY_PARENT.get(("Type", holder.tag)):
        check_code(book, element, list_name)
    else:
        list_name = (
            "IdType" if book.wages else _BENEFIT_ID_LISTS.get(parent_of(holder).tag, "IdType")
        )
        check_code(book, element, list_name)
        check_identifier(book, element)


def _country(book: Book, element: Element) -> None:
    if element.text == "99":
        name = element.getnext()
        if name is None or not name.tag.endswith("CountryName"):
            book.add("country-name-missing", element, "CountryName")


def check_day(book: Book, element: Element) -> Day | None:
    """A date without time zone, not before 1800; the day, None when it is none."""
    day = read_day(element.text)
    if day is not None:
        if day.zoned:
            book.add("date-zoned", element, "a date without time zone", element.text)
        if day < _EARLIEST:
            book.add("date-early", element, "1800-01-01 or later", element.text)
    return day


def _birth(book: Book, element: Element) -> None:
    day = check_day(book, element)
    if day is not None and day[:3] > book.today[:3]:
        book.add("birth-date-future", element, f"{iso(book.today)} or earlier", element.text)


def _start(book: Book, element: Element) -> None:
    day = check_day(book, element)
    if (
        day is not None
        and day[:3] > book.latest_day[:3]
        and parent_of(parent_of(element)).tag == "EmploymentPeriods"
    ):
        book.add(
            "employment-start-late", element, f"{iso(book.latest_day)} or earlier", element.text
        )
    end = element.getnext()
    if day is not None and end is not None and end.tag == "EndDate":
        last = read_day(end.text)
        if last is not None and last[:3] < day[:3]:
            book.add("period-order", end, f"{(element.text or '').strip()} or later", end.text)


def _address(book: Book, element: Element) -> None:
    street, box = element.find("Street"), element.find("POBox")
    if street is None and box is None:
        book.add("address-line", element, "Street or POBox")
    elif street is not None and box is not None:
        book.add("address-line-twice", box, "Street or POBox, not both")


def _limit(rule: str, least: int, most: int | None) -> Check:
    told = f"{least} or more" if most is None else f"{least}-{most}" if most > least else f"{least}"

    def check(book: Book, element: Element) -> None:
        value = read_amount(element.text)
        if value is not None and (value < least or (most is not None and value > most)):
            book.add(rule, element, told, element.text)

    return check


def _not_negative(book: Book, element: Element) -> None:
    if (value := read_amount(element.text)) is not None and value < 0:
        book.add("value-negative", element, "0 or more", element.text)


def _absence_amount(book: Book, element: Element) -> None:
    if parent_of(element).tag == "PaidAbsencePeriod":
        _limit("absence-amount-negative", 0, None)(book, element)


def _emissions(book: Book, element: Element) -> None:
    """0-100 for payments of 2022-2025, 0 alone since then."""
    if book.holds("emissions-zero"):
        _limit("emissions-year", 0, 0)(book, element)
        return
    _limit("percentage", 0, 100)(book, element)
    if book.payment_day is not None and not book.holds("emissions"):
        book.add("emissions-year", element, "a payment date since 2022", iso(book.payment_day))


def _policy_number(book: Book, element: Element) -> None:
    if book.holds("policy-number") and has_white_space(element.text or ""):
        book.add("policy-number-space", element, "a number without white space")


def _since_2026(book: Book, element: Element) -> None:
    if book.payment_day is not None and not book.holds("schema-2026"):
        day = iso(book.payment_day)
        book.add("element-too-early", element, "a payment date since 2026", day)


def _six_months(book: Book, element: Element) -> None:
    if (element.text or "").strip() == "true" and parent_of(element).find("CountryCode") is None:
        book.add("country-missing", parent_of(element), "CountryCode")


_CHECKS: dict[str, Check] = {
    **dict.fromkeys(_BY_NAME, _by_name),
    **{tag: _by_parent for tag, _ in _BY_PARENT},
    "Type": _type,
    **dict.fromkeys(("CountryCode", "NonResidentCountryCode", "WorkCountryCode"), _country),
    **dict.fromkeys(
        (
            "EndDate",
            "PaymentDate",
            "RecoveryDate",
            "RecoursePaymentDate",
            "AbsenceUntil",
            "ReportDate",
        ),
        check_day,
    ),
    **dict.fromkeys(("AbsenceRepStartDate", "AbsenceRepEndDate"), check_day),
    "BirthDate": _birth,
    "StartDate": _start,
    **dict.fromkeys(_ADDRESSES, _address),
    "PartTime": _limit("percentage", 0, 100),
    "EmissionsValue": _emissions,
    "HoursPerWeek": _limit("weekly-hours", 0, 168),
    "CrossTradeTime": _limit("cross-trade-time", 1, 12),
    **dict.fromkeys(
        ("UnitPrice", "UnitAmount", "Kilometers", "WorkDays", "EstAmount"), _not_negative
    ),
    "Amount": _absence_amount,
    "AbsenceDays": _limit("absence-days-negative", 0, None),
    "AccInsPolicyNo": _policy_number,
    "AccInsProvId": check_insurer,
    **dict.fromkeys(_ID_HOLDERS, check_types_once),
    **dict.fromkeys(("StatisticsFinlandId", "DemandForRectificationIds"), _since_2026),
    "Applicable": _six_months,
}
_TAGS = tuple(_CHECKS)


def check_fields(book: Book, part: Element) -> None:
    """Every rule of single fields, on everything under `part`."""
    checks = _CHECKS
    for element in part.iter(*_TAGS):
        checks[element.tag](book, element)

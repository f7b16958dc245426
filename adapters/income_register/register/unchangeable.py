"""What a replacement may not change of the report that it replaces: the fields, and which of them
differ between two reports; looks nothing up.

Who has given one of these wrongly cancels the report and gives it anew. Sources (vero.fi): for
wages and separate reports, release note 27.11.2019 and "Näin korjaat ..." 30.1.2020; for benefits,
the guidance on cancelling data (that the register enforces it is *inferred*). Of an identifier the
type, the code and the country count; a code is compared as a number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    PAYER_SUMMARY_REPORTS,
    WAGE_REPORTS,
    Element,
    identifier_of,
    text_of,
)
from exchange.schemas.income_register.codes import plain

#: The hint of a call: by index of each replacement whose report was there, what it changes.
HINT = "changed"

Values = frozenset[str]
Read = Callable[[Sequence[Element]], Values]


class Field(NamedTuple):
    """A field by its path, from DeliveryData or (`of_report`) from Report. `may` says what is taken
    in a replacement: the `same` values; `none-new`, that is, none that were not there; the same
    where there were any before (`none-new-if-any`). `told`: the earlier value is told to who sent
    it.
    """

    path: str
    of_report: bool
    read: Read
    may: Literal["same", "none-new", "none-new-if-any"] = "same"
    told: bool = False


class Change(NamedTuple):
    """A field that differs, and what it was (empty when that is not told)."""

    path: str
    of_report: bool
    was: str


def _texts(elements: Sequence[Element]) -> Values:
    return frozenset((element.text or "").strip() for element in elements)


def _codes(elements: Sequence[Element]) -> Values:
    return frozenset(plain(element.text) for element in elements)


def _ids(elements: Sequence[Element]) -> Values:
    return frozenset(
        " ".join(identifier_of(each))
        for element in elements
        for each in (element.findall("Id") if element.find("Id") is not None else (element,))
    )


def _periods(elements: Sequence[Element]) -> Values:
    return frozenset(
        f"{text_of(element, 'StartDate')} to {text_of(element, 'EndDate')}" for element in elements
    )


def _counted(elements: Sequence[Element]) -> Values:
    """As many values as there are elements, so that one more is a new one."""
    return frozenset(f"in {number} transactions" for number in range(1, len(elements) + 1))


def _among(*kept: str) -> Read:
    """Those of the codes that count."""
    return lambda elements: _codes(elements) & frozenset(kept)


#: Where a benefit's earning period may be another: a part of it was paid without ground, or the
#: transaction is the benefit that took the place of another.
_EARNING_PERIOD = "Transactions/Transaction/EarningPeriod"
_UNJUST = "Transactions/Transaction/TransactionBasic/UnjustEnrichment"
_RETROACTIVE = "../TransactionBasic/RetroactiveTransactionCode"
_BASIC = "Transactions/Transaction/TransactionBasic"

_FIELDS: Mapping[str, tuple[Field, ...]] = {
    WAGE_REPORTS: (
        Field("PaymentPeriod/PaymentDate", False, _texts, told=True),
        Field("PaymentPeriod/StartDate", False, _texts, told=True),
        Field("PaymentPeriod/EndDate", False, _texts, told=True),
        Field("Payer/PayerIds", False, _ids),
        Field("Payer/PayerOther/PayerTypes/Code", False, _among("3"), told=True),
        Field("Payer/SubstitutePayer/EmployerId", False, _ids),
        Field("IncomeEarner/IncomeEarnerIds", True, _ids),
        Field("IncomeEarner/IncomeEarnerBasic/BirthDate", True, _texts),
        Field(
            "IncomeEarner/IncomeEarnerOther/IncomeEarnerTypes/IncomeEarnerType",
            True,
            _among("8", "12"),
            told=True,
        ),
        Field("IncomeEarner/PensionInsurance/PensionPolicyNo", True, _texts),
        Field("IncomeEarner/AccidentInsurance/AccInsProvId", True, _ids),
        Field("IncomeEarner/AccidentInsurance/AccInsPolicyNo", True, _texts),
        Field("IncomeEarner/InsuranceExceptions/ExceptionCode", True, _codes, told=True),
    ),
    PAYER_SUMMARY_REPORTS: (
        Field("Payer/PayerIds", False, _ids),
        Field("Payer/PensionInsurances/PensionInsurance/PensionPolicyNo", False, _texts),
        Field("Payer/AccidentInsurances/AccidentInsurance/AccInsProvId", False, _ids),
        Field("Payer/AccidentInsurances/AccidentInsurance/AccInsPolicyNo", False, _texts),
        Field("PaymentMonth/Month", True, _codes, told=True),
        Field("PaymentMonth/Year", True, _codes, told=True),
    ),
    BENEFIT_REPORTS: (
        Field("PaymentDate", False, _texts, told=True),
        Field("Payer/PayerIds", False, _ids),
        Field("IncomeEarner/IncomeEarnerIds", True, _ids),
        Field("IncomeEarner/IncomeEarnerBasic/BirthDate", True, _texts),
        Field(_EARNING_PERIOD, True, _periods, "none-new-if-any", told=True),
        Field(
            "Transactions/Transaction/RecoveryData/OrigEarningPeriod",
            True,
            _periods,
            "none-new-if-any",
            told=True,
        ),
        Field(
            "Transactions/Transaction/Deductions/Deduction/OrigBenefitEarningPeriod",
            True,
            _periods,
            "none-new-if-any",
            told=True,
        ),
        Field(
            "Transactions/Transaction/Deductions/Deduction/IncomeBeneficiary/IncomeBeneficiaryIds",
            True,
            _ids,
            "none-new-if-any",
        ),
        *(
            Field(f"{_BASIC}/{flag}", True, _counted, "none-new")
            for flag in ("Recovery", "UnpromptedRefund", "DelayIncrease")
        ),
    ),
}


def values_of(message_type: str, data: Element, report: Element) -> list[Values]:
    """What stands in each field of a report of a delivery (DeliveryData)."""
    return [
        field.read((report if field.of_report else data).findall(field.path))
        for field in _FIELDS[message_type]
    ]


def held_values_of(message_type: str, data: Element, report: Element) -> list[Values]:
    """The same of a replacement: without the earning periods that it may change."""
    found = values_of(message_type, data, report)
    for number, field in enumerate(_FIELDS[message_type]):
        if field.path == _EARNING_PERIOD:
            held = report.find(_UNJUST) is None
            periods = report.findall(_EARNING_PERIOD) if held else ()
            found[number] = _periods([each for each in periods if each.find(_RETROACTIVE) is None])
    return found


def changes(
    message_type: str, before: Sequence[Values], after: Sequence[Values], tell: bool
) -> list[Change]:
    """The fields that a replacement changes, though it may not; `tell` whether its sender gave what
    was before.
    """
    found = []
    for field, old, new in zip(_FIELDS[message_type], before, after, strict=True):
        fine = old == new if field.may == "same" else new <= old
        if fine or (field.may == "none-new-if-any" and not old):
            continue
        was = ", ".join(sorted(old)) or "nothing"
        found.append(Change(field.path, field.of_report, was if tell and field.told else ""))
    return found


def changes_of(hints: Mapping[str, str]) -> dict[int, list[Change]] | None:
    """The hint as read; None when nothing was looked up."""
    if (text := hints.get(HINT)) is None:
        return None
    return {int(at): [Change(*each) for each in found] for at, found in json.loads(text).items()}

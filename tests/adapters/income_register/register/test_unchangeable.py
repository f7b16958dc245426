"""What a replacement may not change, field by field in every kind of report: each alone, and none
of them by being written another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import xmlschema
from lxml import etree

from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    PAYER_SUMMARY_REPORTS,
    WAGE_REPORTS,
)
from exchange.adapters.income_register.register import unchangeable
from exchange.adapters.income_register.register.unchangeable import Field
from exchange.schemas.catalogue import Catalogue

FIELDS = [(kind, field) for kind, fields in unchangeable._FIELDS.items() for field in fields]
ROOTS = {
    WAGE_REPORTS: "WageReportsRequestToIR",
    BENEFIT_REPORTS: "BenefitReportsRequestToIR",
    PAYER_SUMMARY_REPORTS: "PayerSummaryReportsRequestToIR",
}
IDS = ("PayerIds", "IncomeEarnerIds", "IncomeBeneficiaryIds")
ONE_ID = ("EmployerId", "AccInsProvId")
#: By the name of the element: its contents, the same written another way, and others.
WRITTEN = {
    **dict.fromkeys(
        IDS,
        (
            "<Id><Type>1</Type><Code>2900101-5</Code></Id>"
            "<Id><Type>5</Type><Code>AB 1</Code><CountryCode>SE</CountryCode></Id>",
            "<Id><Type>5</Type><Code> AB 1\n</Code><CountryCode>SE</CountryCode></Id>"
            "<Id><Type> 01 </Type><Code>2900101-5</Code><CountryCode>FI</CountryCode></Id>",
            "<Id><Type>1</Type><Code>2900101-5</Code></Id>"
            "<Id><Type>5</Type><Code>AB 1</Code><CountryCode>NO</CountryCode></Id>",
        ),
    ),
    **dict.fromkeys(
        ONE_ID,
        (
            "<Type>1</Type><Code>2900101-5</Code>",
            "<Type>+1</Type><Code>\t2900101-5 </Code><CountryCode>FI</CountryCode>",
            "<Type>6</Type><Code>2900101-5</Code><CountryCode>FI</CountryCode>",
        ),
    ),
    **dict.fromkeys(
        ("EarningPeriod", "OrigEarningPeriod", "OrigBenefitEarningPeriod"),
        (
            "<StartDate>2026-02-01</StartDate><EndDate>2026-02-28</EndDate>",
            "<StartDate> 2026-02-01</StartDate><EndDate>2026-02-28\n</EndDate>",
            "<StartDate>2026-02-01</StartDate><EndDate>2026-02-27</EndDate>",
        ),
    ),
    **dict.fromkeys(
        ("PaymentDate", "StartDate", "EndDate", "BirthDate"),
        ("2026-02-01", " 2026-02-01 ", "2026-02-02"),
    ),
    **dict.fromkeys(("PensionPolicyNo", "AccInsPolicyNo"), ("46-1", " 46-1\n", "46-2")),
    **dict.fromkeys(("Month", "Year", "ExceptionCode"), ("1", "01", "2")),
    **dict.fromkeys(("Code", "IncomeEarnerType"), ("{}", " 0{} ", "6")),
    **dict.fromkeys(("Recovery", "UnpromptedRefund", "DelayIncrease"), ("true", " true ", "")),
}


def delivery(kind: str, field: Field, inside: Sequence[str]) -> list[unchangeable.Values]:
    """The values of a report in which that field stands as often as there is something in it."""
    data = etree.fromstring("<DeliveryData><Reports><Report/></Reports></DeliveryData>")
    report = data[0][0]
    *above, name = field.path.split("/")
    around = report if field.of_report else data
    for tag in above[:-1] if len(above) > 1 else ():
        around = etree.SubElement(around, tag)
    for each in inside:
        holder = etree.SubElement(around, above[-1]) if above else around
        holder.append(etree.fromstring(f"<{name}>{each}</{name}>"))
    return unchangeable.values_of(kind, data, report)


def contents(field: Field) -> list[str]:
    """What stands in it, the same otherwise written, and another value."""
    name = field.path.rpartition("/")[2]
    kept = {"Code": "3", "IncomeEarnerType": "12"}.get(name, "")
    return [each.format(kept) for each in WRITTEN[name]]


def told(kind: str, before: list[Any], after: list[Any]) -> list[str]:
    """The paths of what is changed."""
    return [each.path for each in unchangeable.changes(kind, before, after, tell=True)]


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=lambda each: getattr(each, "path", each))
def test_each_field_alone_is_seen_and_no_other_way_of_writing_it(kind: str, field: Field) -> None:
    value, same, other = contents(field)
    before, nothing = delivery(kind, field, [value]), delivery(kind, field, [])
    assert before != nothing
    assert told(kind, before, before) == []
    assert told(kind, before, delivery(kind, field, [same])) == []
    may_go = field.may != "same"
    assert told(kind, before, nothing) == ([] if may_go else [field.path])
    may_come = field.may == "none-new-if-any"
    assert told(kind, nothing, before) == ([] if may_come else [field.path])
    if other:
        assert told(kind, before, delivery(kind, field, [other])) == [field.path]
    if field.may == "none-new":
        twice = delivery(kind, field, [value, same])
        assert told(kind, before, twice) == [field.path], "of one transaction, then of two"
        assert told(kind, twice, before) == []


def test_each_field_is_where_the_schema_has_it() -> None:
    for kind, root in ROOTS.items():
        found = Catalogue.load().get(kind)
        assert found is not None
        schema = xmlschema.XMLSchema(str(found.folder / found.schema))
        for field in unchangeable._FIELDS[kind]:
            report = "Reports/Report/" if field.of_report else ""
            path = f"DeliveryData/{report}{field.path}"
            assert schema.elements[root].find(path) is not None, path

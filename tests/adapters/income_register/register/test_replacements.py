"""What a replacement may not change, over sockets: refused with the field and the advice, whatever
way it is written; what it may change is taken.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from exchange.adapters.income_register import generate, parse
from exchange.adapters.income_register.document import delivery_data
from exchange.adapters.income_register.identify import identify
from exchange.adapters.income_register.register import versions
from exchange.adapters.income_register.register.unchangeable import HINT
from exchange.adapters.income_register.register_records import record_value
from exchange.ports import Context, Inbound, Remembered
from exchange.schemas.identifiers import make_personal_identity_code
from tests.adapters.income_register.clients import raw
from tests.adapters.income_register.endpoints.test_services import EMPLOYER, batch, status_of
from tests.adapters.income_register.judging import EMPLOYER as SENDER
from tests.adapters.income_register.judging import EVERYBODY, NOW
from tests.adapters.income_register.register.test_versions import (
    ask,
    codes,
    delivery,
    replaced,
    send,
)
from tests.journeys.running import Running

REFUSED, NOT_FOUND = "IR5011", "IR5002"
#: Payers of benefits: an insurer and Kela.
INSURER = "accident-insurers-centre"
OTHER = "employer.malliyritys"
ARTIFICIAL = make_personal_identity_code(datetime.date(1990, 1, 1), 999)

Edit = Callable[[Any], None]


def text(path: str, value: str) -> Edit:
    """Puts a value at a path."""

    def edit(document: Any) -> None:
        document.find(f".//{path}").text = value

    return edit


def added(after: str, written: str) -> Edit:
    """Puts an element after the one at a path."""

    def edit(document: Any) -> None:
        document.find(f".//{after}").addnext(etree.fromstring(written))

    return edit


def both(*edits: Edit) -> Edit:
    """One edit after another."""

    def edit(document: Any) -> None:
        for each in edits:
            each(document)

    return edit


_TYPES = "<IncomeEarnerOther><IncomeEarnerTypes>{}</IncomeEarnerTypes></IncomeEarnerOther>"
_TYPE = "<IncomeEarnerType>{}</IncomeEarnerType>"
_POLICY = (
    "<AccidentInsurance><AccInsProvId><Type>1</Type><Code>{}</Code></AccInsProvId>"
    "<AccInsPolicyNo>{}</AccInsPolicyNo></AccidentInsurance>"
)
INSURED = added("PensionInsurance", _POLICY.format("0146905-4", "A-1"))
ACTIONS = {
    "WageReport": ("WageReportService", "SendWageReport"),
    "BenefitReport": ("BenefitReportService", "SendBenefitReport"),
    "PayerSummaryReport": ("PayerSummaryReportService", "SendPayerSummaryReport"),
}


def wages(gateway: Running, name: str) -> Any:
    """One wage report of an employer."""
    return delivery(gateway, name)


def benefits(gateway: Running, name: str) -> Any:
    """One benefit report of an insurer, with a deduction."""
    of = batch(gateway, INSURER, name)
    seeds = (generate.benefit_delivery(random.Random(seed), of) for seed in range(400))
    return etree.fromstring(next(body for body in seeds if b"<IncomeBeneficiaryIds>" in body))


def separate(gateway: Running, name: str) -> Any:
    """One separate report of an employer."""
    return etree.fromstring(
        generate.separate_delivery(random.Random(1), batch(gateway, EMPLOYER, name))
    )


async def give(gateway: Running, document: Any, body: bytes = b"") -> Any:
    """The reply to a delivery of one report in real time."""
    name = etree.QName(document).localname.removesuffix("RequestToIR")
    partner = INSURER if name == "BenefitReport" else EMPLOYER
    return await send(gateway, *ACTIONS[name], body or raw(document), partner)


#: What is made, how the first report is written, what the replacement changes, and the field that
#: the refusal names.
REFUSALS: dict[str, tuple[Any, Edit | None, Edit, str]] = {
    "payment date": (
        wages,
        None,
        text("PaymentPeriod/PaymentDate", "2026-03-04"),
        "PaymentPeriod/PaymentDate",
    ),
    "end of the pay period": (
        wages,
        None,
        text("PaymentPeriod/EndDate", "2026-03-01"),
        "PaymentPeriod/EndDate",
    ),
    "temporary employer": (
        wages,
        None,
        added(
            "Payer/PayerBasic", "<PayerOther><PayerTypes><Code>3</Code></PayerTypes></PayerOther>"
        ),
        "Payer/PayerOther/PayerTypes/Code",
    ),
    "earner": (
        wages,
        None,
        text("IncomeEarnerIds/Id/Code", ARTIFICIAL),
        "IncomeEarner/IncomeEarnerIds",
    ),
    "birth date": (
        wages,
        None,
        added("IncomeEarnerBasic/FirstName", "<BirthDate>1990-01-02</BirthDate>"),
        "IncomeEarner/IncomeEarnerBasic/BirthDate",
    ),
    "accident insurer": (
        wages,
        INSURED,
        added("PensionInsurance", _POLICY.format("1927400-1", "A-1")),
        "IncomeEarner/AccidentInsurance/AccInsProvId",
    ),
    "policy number": (
        wages,
        INSURED,
        added("PensionInsurance", _POLICY.format("0146905-4", "A-2")),
        "IncomeEarner/AccidentInsurance/AccInsPolicyNo",
    ),
    "benefit's payment date": (benefits, None, text("PaymentDate", "2026-03-04"), "PaymentDate"),
    "benefit's earner": (
        benefits,
        None,
        text("IncomeEarnerIds/Id/Code", ARTIFICIAL),
        "IncomeEarner/IncomeEarnerIds",
    ),
    "earning period": (
        benefits,
        None,
        text("EarningPeriod/StartDate", "2019-05-02"),
        "Transactions/Transaction/EarningPeriod",
    ),
    "beneficiary": (
        benefits,
        None,
        text("IncomeBeneficiaryIds/Id/Code", "1927400-1"),
        "Transactions/Transaction/Deductions/Deduction/IncomeBeneficiary/IncomeBeneficiaryIds",
    ),
    "unprompted refund that comes": (
        benefits,
        None,
        added("TransactionBasic/TaxTreatment", "<UnpromptedRefund>true</UnpromptedRefund>"),
        "Transactions/Transaction/TransactionBasic/UnpromptedRefund",
    ),
    "month": (separate, None, text("PaymentMonth/Month", "1"), "PaymentMonth/Month"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_a_replacement_may_not_change_is_refused(gateway: Running, name: str) -> None:
    make, first, change, path = REFUSALS[name]
    given = make(gateway, "R-1")
    if first is not None:
        first(given)
    assert status_of(await give(gateway, given)) == "3"
    unchanged, changed = make(gateway, "R-2"), make(gateway, "R-3")
    if first is not None:
        first(unchanged)
    reply = await give(gateway, unchanged, replaced(unchanged, "R-1-0001"))
    assert status_of(reply) == "3", etree.tostring(reply)
    change(changed)
    reply = await give(gateway, changed, replaced(changed, "R-1-0001"))
    assert (status_of(reply), REFUSED in codes(reply)) == ("5", True), etree.tostring(reply)
    told = next(each for each in reply.iter("ErrorInfo") if each[0].text == REFUSED)
    assert path in told.findtext("ErrorDetails")
    assert "cancel the report" in told.findtext("ErrorDetails")
    assert ARTIFICIAL not in told.findtext("ErrorDetails")


TAKEN: dict[str, tuple[Any, Edit]] = {
    "amount": (wages, text("TransactionBasic/Amount", "1.00")),
    "name": (wages, text("IncomeEarnerBasic/LastName", "Kuusikko")),
    "earner type that is not fixed": (
        wages,
        added("PensionInsurance", _TYPES.format(_TYPE.format(6))),
    ),
    "benefit without its deduction": (
        benefits,
        lambda document: (
            document.find(".//Deductions").getparent().remove(document.find(".//Deductions"))
        ),
    ),
    "part of a period paid without ground": (
        benefits,
        both(
            added("TransactionBasic/TaxTreatment", "<UnjustEnrichment>true</UnjustEnrichment>"),
            text("EarningPeriod/StartDate", "2026-02-27"),
            text("EarningPeriod/EndDate", "2026-02-27"),
        ),
    ),
    "a benefit that took the place of another": (
        benefits,
        both(
            added(
                "TransactionBasic/TransactionCode",
                "<RetroactiveTransactionCode>9106</RetroactiveTransactionCode>",
            ),
            text("EarningPeriod/StartDate", "2026-02-27"),
            text("EarningPeriod/EndDate", "2026-02-27"),
        ),
    ),
}


@pytest.mark.parametrize("name", TAKEN)
async def test_what_a_replacement_may_change_is_taken(gateway: Running, name: str) -> None:
    make, change = TAKEN[name]
    assert status_of(await give(gateway, make(gateway, "T-1"))) == "3"
    changed = make(gateway, "T-2")
    change(changed)
    reply = await give(gateway, changed, replaced(changed, "T-1-0001"))
    assert status_of(reply) == "3", etree.tostring(reply)


@pytest.mark.parametrize("written", [b" 2", b"02", b"<!-- 1 -->2", b"<![CDATA[2]]>"])
async def test_another_way_of_writing_a_replacement_hides_nothing(
    gateway: Running, written: bytes
) -> None:
    assert status_of(await give(gateway, wages(gateway, "H-1"))) == "3"
    changed = wages(gateway, "H-2")
    changed.find(".//PaymentPeriod/PaymentDate").text = "2026-03-04"
    body = replaced(changed, "H-1-0001").replace(
        b"<ActionCode>2<", b"<ActionCode>" + written + b"<"
    )
    assert written in body
    assert REFUSED in codes(await give(gateway, changed, body))


async def test_of_many_replacements_that_are_recognised_the_changed_one_is_told(
    gateway: Running,
) -> None:
    many = {"reports": 40, "real_time": False}
    for number in range(6):
        document = raw(delivery(gateway, f"M-{number}", **many))
        await send(gateway, "WageReportService", "SendWageReports", document)
    changed = delivery(gateway, "M-r", **many)
    for number, report in enumerate(changed.iter("Report"), 1):
        report.find("ReportData/ActionCode").text = "2"
        report.find("ReportData/ReportId").text = f"M-1-{number:04d}"
    report = changed.findall(".//Report")[7]
    report.find("IncomeEarner/IncomeEarnerIds/Id/Code").text = ARTIFICIAL
    await send(gateway, "WageReportService", "SendWageReports", raw(changed))
    reply = await ask(gateway, "M-r")
    assert (status_of(reply), codes(reply)) == ("3", [REFUSED])
    assert reply.findtext("StatusResponse/InvalidItems/Item/ItemId") == "M-1-0008"
    assert {each.findtext("ItemVersion") for each in reply.iterfind(".//ValidItems/Item")} == {"2"}


async def test_an_earlier_value_is_told_only_to_who_gave_it(gateway: Running) -> None:
    first = wages(gateway, "O-1")
    assert status_of(await give(gateway, first)) == "3"
    before = first.findtext(".//PaymentPeriod/PaymentDate")
    for partner, tells in ((EMPLOYER, True), (OTHER, False)):
        document = wages(gateway, f"O-{partner[-4:]}")
        other = gateway.exchange.directory.get(partner)
        assert other is not None
        for party in ("Creator", "Sender"):
            document.find(f".//DeliveryData{party}/Code").text = other.business_id
        document.find(".//PaymentPeriod/PaymentDate").text = "2026-03-04"
        body = replaced(document, "O-1-0001")
        reply = await send(gateway, "WageReportService", "SendWageReport", body, partner)
        details = " ".join(each.text for each in reply.iter("ErrorDetails"))
        assert (REFUSED in codes(reply), before in details) == (True, tells), details


def test_a_replacement_that_came_before_its_report_was_taken_in_finds_none() -> None:
    body = etree.fromstring(
        generate.wage_delivery(
            random.Random(1),
            generate.Batch(
                SENDER.business_id, SENDER.business_id, datetime.date(2026, 3, 2), "E-2"
            ),
        )
    )
    found = {}
    for hint in ("{}", '{"0": []}'):
        inbound = Inbound(SENDER, replaced(body, "E-1-0001"), "", "real-time", {HINT: hint})
        parsed = parse.parse(inbound)
        keys = versions.report_keys_of_delivery(parsed, delivery_data(parsed.document))
        key, suffix = keys.place("E-1-0001")
        known = {key: Remembered(record_value(keys.name, "E-1-00", {suffix: 1}, [7]), 1)}
        context = Context(EVERYBODY, NOW, known)
        found[hint] = [each.code for each in versions.check(parsed, identify(parsed), context, [])]
    assert found == {"{}": [NOT_FOUND], '{"0": []}': []}


async def test_a_report_of_2022_is_replaced_by_the_rules_of_2022(gateway: Running) -> None:
    def made(name: str, year: int) -> Any:
        document = wages(gateway, name)
        for each in document.find(".//PaymentPeriod"):
            each.text = f"{year}-03-02"
        added("PensionInsurance", _POLICY.format("0146905-4", "A 1"))(document)
        return document

    assert status_of(await give(gateway, made("Y-1", 2022))) == "3"
    replacement = made("Y-2", 2022)
    reply = await give(gateway, replacement, replaced(replacement, "Y-1-0001"))
    assert status_of(reply) == "3", etree.tostring(reply)
    moved = made("Y-3", 2026)
    reply = await give(gateway, moved, replaced(moved, "Y-1-0001"))
    assert set(codes(reply)) == {REFUSED, "IR4205"}, "another date, and its own rules"

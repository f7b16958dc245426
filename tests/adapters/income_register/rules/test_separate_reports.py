"""Employer's separate reports as material: what subscriptions to 306, 307 and 308 and queries by
policy hand on, leave out and refuse.
"""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from lxml import etree

from exchange.adapters.income_register import generate
from exchange.ports import Inbound
from exchange.schemas.call import XML
from exchange.simulation.endpoints import InsideEndpoints
from tests.adapters.income_register.clients import check_reply, raw, signed
from tests.adapters.income_register.data_user import DAY, World
from tests.adapters.income_register.endpoints.test_questions import data_request
from tests.adapters.income_register.endpoints.test_services import invalidation_of
from tests.adapters.income_register.hand_out.test_extraction import EMPLOYER, KELA
from tests.adapters.income_register.orders.test_query_data_type import OTHER, order, part

EVENING = f"{DAY}T09:00:10+02:00"
#: Each payer's provider, policies and sub-organisation. Its reports are of February, January and
#: December.
INSURED = {
    EMPLOYER: ("46", "46-1234567A", "T-100", "7"),
    OTHER: ("55", "55-7654321B", "T-200", "8"),
}
DEMO, MODEL = (
    [f"demo-{number:04d}" for number in (1, 2, 3)],
    [f"model-{number:04d}" for number in (1, 2)],
)
SUBSCRIPTION = (
    "/x:SubscriptionsRequestToIRAsync/DeliveryData/MainSubscription/Subscriptions/Subscription"
)


def separate(payer: str, partner: str, name: str, months: int) -> bytes:
    """A deferred delivery of one report for each month back from the day's, by an insured payer."""
    provider, pension, accident, own = INSURED[partner]
    batch = generate.Batch(payer, payer, datetime.date.fromisoformat(DAY), name, months, False)
    parts = (
        f"<SubOrgs><SubOrg><Type>2</Type><Code>{own}</Code></SubOrg></SubOrgs><PensionInsurances>"
        "<PensionInsurance>"
        f"<PensionProvIdCode>{provider}</PensionProvIdCode><PensionPolicyNo>"
        f"{pension}</PensionPolicyNo></PensionInsurance>"
        "</PensionInsurances><AccidentInsurances><AccidentInsurance><AccInsProvId><Type>1</Type>"
        "<Code>2900201-8</Code></AccInsProvId>"
        f"<AccInsPolicyNo>{accident}</AccInsPolicyNo></AccidentInsurance></AccidentInsurances>"
    )
    made = generate.separate_delivery(random.Random(name), batch)
    return made.replace(b"</PayerIds>", b"</PayerIds>" + parts.encode())


async def given(world: World) -> None:
    """Three separate reports of one payer, two of another, and wage reports of the first."""
    for partner, name, months in ((EMPLOYER, "demo", 3), (OTHER, "model", 2)):
        await world.take(partner, separate(business_id(world, partner), partner, name, months))
    await world.report(EMPLOYER, "wages", 3)


def business_id(world: World, partner: str) -> str:
    """Of a partner."""
    found = world.exchange.directory.get(partner)
    assert found is not None
    return found.business_id


def narrowed(kind: str, inside: str, lists: str = "") -> str:
    """A Subscription with these parameters."""
    return (
        f"<Subscription><SubscriptionId>p</SubscriptionId><QueryDataType>{kind}</QueryDataType>"
        f"<SubscriptionParameters>{inside}</SubscriptionParameters>{lists}</Subscription>"
    )


def value(kind: str, text: str) -> str:
    """A ValueParameter."""
    return (
        f"<ValueParameter><ParameterType>{kind}</ParameterType><Value>{text}</Value>"
        "</ValueParameter>"
    )


def days(kind: str, first: str, last: str) -> str:
    """A TimespanParameter."""
    return (
        f"<TimespanParameter><ParameterType>{kind}</ParameterType><StartDate>{first}</StartDate>"
        f"<EndDate>{last}</EndDate>"
        "</TimespanParameter>"
    )


def identifier(kind: str, code: str) -> str:
    """An IdCodeParameter."""
    return (
        f"<IdCodeParameter><ParameterType>{kind}</ParameterType><IdType>1</IdType><IdCode>"
        f"{code}</IdCode></IdCodeParameter>"
    )


async def handed(world: World, inside: str) -> list[str]:
    """The ReportIds that a subscription is handed of what was given, in order."""
    await given(world)
    await world.take(KELA, order(business_id(world, KELA), "narrowed", inside))
    (told,) = await world.until(EVENING)
    return sorted(told)


async def refused(world: World, inside: str) -> list[tuple[str, str]]:
    """The rules and paths for which a subscription is refused; each has its place in the
    document.
    """
    kela = world.exchange.directory.get(KELA)
    assert kela is not None
    desk = world.exchange.desk(world.exchange.channels["income-register"])
    outcome = await desk.accept(
        Inbound(kela, order(kela.business_id, "refused", inside), XML, "deferred")
    )
    assert outcome.kind == "rejected"
    assert all(each.line and each.column and each.code for each in outcome.violations)
    return [(each.rule, each.path.removeprefix(SUBSCRIPTION)) for each in outcome.violations]


async def test_all_payers_reports_are_handed_on_as_they_were_given_and_no_others(
    world: World,
) -> None:
    assert await handed(world, part("306", {}, {})) == DEMO + MODEL, "no wage reports"
    (document,) = world.transport.extracts()
    assert document.tag.endswith("PayerSummaryReportsFromIR")
    assert document.findtext("Subscription/QueryDataType") == "306"
    report = document.xpath("Reports/Report[ReportData/ReportId = 'demo-0003']")[0]
    assert (report.findtext("PaymentMonth/Month"), report.findtext("PaymentMonth/Year")) == (
        "12",
        "2025",
    )
    assert (
        report.findtext("DeliveryData/Payer/PensionInsurances/PensionInsurance/PensionPolicyNo")
        == "46-1234567A"
    )
    assert (
        report.find("Transactions/Transaction/TransactionBasic/SummaryTransactionCode") is not None
    )


async def test_a_list_of_payers_selects_theirs(world: World) -> None:
    assert await handed(world, part("307", {}, {"2": business_id(world, OTHER)})) == MODEL


async def test_payers_may_be_named_as_parameters_instead(world: World) -> None:
    both = identifier("6", business_id(world, OTHER)) + identifier("6", "2900999-9")
    assert await handed(world, narrowed("307", both)) == MODEL


@pytest.mark.parametrize(
    "providers, expected",
    [(["46"], DEMO), (["046"], DEMO), (["55", "46"], DEMO + MODEL), (["54"], [])],
)
async def test_pension_providers_select_those_whose_insured_they_are(
    world: World,
    providers: list[str],
    expected: list[str],
) -> None:
    assert (
        await handed(world, narrowed("308", "".join(value("10", each) for each in providers)))
        == expected
    )


PARAMETERS = {
    "months": (days("3", "2025-12-01", "2026-01-31"), [*DEMO[1:], MODEL[1]]),
    "a day of a month": (days("3", "2025-12-15", "2025-12-15"), DEMO[2:]),
    "no month": (days("3", "2026-03-01", "2026-03-31"), []),
    "accident policy": (value("8", "T-200"), MODEL),
    "pension policy": (value("9", "46-1234567A"), DEMO),
    "two policies, either will do": (
        value("9", "46-1234567A") + value("9", "55-7654321B"),
        DEMO + MODEL,
    ),
    "policy of nobody": (value("9", "46-0000000A"), []),
    "the year of the month, not of the report": (value("13", "2025"), DEMO[2:]),
    "year": (value("13", "2026"), [*DEMO[:2], *MODEL]),
    "type of sub-organisation": (value("14", "1"), []),
    "sub-organisation": (value("15", "8"), MODEL),
    "received on the day": (days("25", DAY, DAY), DEMO + MODEL),
    "received before": (days("25", "2026-03-01", "2026-03-01"), []),
    "changed since": (days("2", "2026-03-01", "2026-03-03"), DEMO + MODEL),
    "policy and month, both must fit": (
        days("3", "2026-01-01", "2026-01-31") + value("9", "55-7654321B"),
        MODEL[1:],
    ),
}


@pytest.mark.parametrize("name", PARAMETERS)
async def test_a_parameter_selects(world: World, name: str) -> None:
    inside, expected = PARAMETERS[name]
    assert await handed(world, narrowed("306", inside)) == expected


async def test_what_was_replaced_or_invalidated_is_told_once_as_it_became(world: World) -> None:
    await world.take(
        KELA, order(business_id(world, KELA), "narrowed", part("308", {"10": "46"}, {}))
    )
    await given(world)
    replacing = etree.fromstring(separate(business_id(world, EMPLOYER), EMPLOYER, "again", 1))
    data = replacing.find("DeliveryData/Reports/Report/ReportData")
    data.find("ActionCode").text, data.find("ReportId").text = "2", DEMO[0]
    await world.take(EMPLOYER, raw(replacing))
    invalidation = invalidation_of(business_id(world, EMPLOYER), "inv", "106", DEMO[1])
    await world.take(
        EMPLOYER, invalidation.replace(b"InvalidationRequest", b"InvalidationsRequest")
    )
    (told,) = await world.until(EVENING)
    assert told == {
        DEMO[0]: ("308", "1", "2"),
        DEMO[1]: ("308", "2", "2"),
        DEMO[2]: ("308", "1", "1"),
    }


REFUSED = {
    "no payers": (part("307", {}, {}), [("ir.parameter-missing", "")]),
    "earners instead of payers": (
        part("307", {}, {"1": "010280-952L"}),
        [("ir.parameter-missing", "")],
    ),
    "no provider": (part("308", {}, {}), [("ir.parameter-missing", "")]),
    "income type": (
        narrowed("306", value("20", "101")),
        [("ir.parameter-unfit", "/SubscriptionParameters/ValueParameter/ParameterType")],
    ),
    "payment date": (
        narrowed("306", days("4", DAY, DAY)),
        [("ir.parameter-unfit", "/SubscriptionParameters/TimespanParameter/ParameterType")],
    ),
    "earner": (
        narrowed("306", identifier("7", "010280-952L")),
        [("ir.parameter-unfit", "/SubscriptionParameters/IdCodeParameter/ParameterType")],
    ),
    "unknown": (
        narrowed("306", value("99", "1")),
        [("ir.code-unknown", "/SubscriptionParameters/ValueParameter/ParameterType")],
    ),
    "months that end before they begin": (
        narrowed("306", days("3", "2026-02-01", "2026-01-01")),
        [("ir.period-order", "/SubscriptionParameters/TimespanParameter/EndDate")],
    ),
    "months as a value": (
        narrowed("306", value("3", "2026-01")),
        [("ir.parameter-element", "/SubscriptionParameters/ValueParameter/ParameterType")],
    ),
    "payer as a value": (
        narrowed("306", value("6", "2900101-5")),
        [("ir.parameter-element", "/SubscriptionParameters/ValueParameter/ParameterType")],
    ),
    "policy as days": (
        narrowed("306", days("9", DAY, DAY)),
        [("ir.parameter-element", "/SubscriptionParameters/TimespanParameter/ParameterType")],
    ),
    "provider as an identifier": (
        narrowed("308", identifier("10", "46")),
        [("ir.parameter-element", "/SubscriptionParameters/IdCodeParameter/ParameterType")],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_parameter_that_is_none_is_refused_where_it_stands(world: World, name: str) -> None:
    inside, expected = REFUSED[name]
    assert await refused(world, inside) == expected


@pytest.mark.parametrize("policy, expected", [("55-7654321B", MODEL), ("46-0000000A", [])])
async def test_a_query_finds_those_that_name_a_policy(
    world: World, policy: str, expected: list[str]
) -> None:
    await given(world)
    root = "PayerSummaryReportsOnePolicyNoRequestToIR"
    reply = await asked(world, data_request(root, "", "", policy, ""))
    assert (
        sorted(each.text for each in reply.iterfind("Reports/Report/ReportData/ReportId"))
        == expected
    )


async def asked(world: World, document: bytes) -> Any:
    """The reply to Kela's query, checked."""
    from exchange.adapters.income_register.partner.payroll import _call

    kela = world.exchange.directory.get(KELA)
    assert kela is not None
    request = raw(
        signed(etree.fromstring(document.replace(b"0246246-0", kela.business_id.encode())))
    )
    inside = InsideEndpoints(
        world.exchange.channels.values(),
        world.exchange.desk,
        world.exchange.directory,
        world.exchange.requests,
    )
    reply = await inside.call(
        _call(kela, "PayerSummaryReportQueryService", "GetPayerSummaryReportsOnePolicyNo", request)
    )
    assert reply.status == 200, reply.body
    found = next(etree.fromstring(reply.body).iter("{*}Body"))[0]
    check_reply(found)
    return found

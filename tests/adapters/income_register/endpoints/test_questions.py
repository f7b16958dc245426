"""Questions to the register as a SOAP client asks them: each query service answers, and keeps who
was handed which reports; what is refused is kept as refused.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from lxml import etree

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.endpoints import wsdl
from exchange.adapters.income_register.register_records import ReportKeys
from exchange.adapters.income_register.rules.request import QUERY_TYPES
from exchange.ports.ledger import MessageFilter
from exchange.schemas.identifiers import CHECK_CHARACTERS
from tests.adapters.income_register.clients import client, raw, signed
from tests.adapters.income_register.endpoints.test_services import (
    EMPLOYER,
    KELA,
    batch,
    renamed,
    sample,
)
from tests.journeys.running import Running

QUERIES = [
    (service, operation)
    for service, operations in wsdl.SERVICES.items()
    if "Query" in service
    for operation in operations
]


@pytest.mark.parametrize(
    "service, operation", QUERIES, ids=lambda each: getattr(each, "name", each)
)
async def test_reports_are_asked_for_by_a_soap_client(
    gateway: Running, service: str, operation: wsdl.Operation
) -> None:
    given, kind = "WageReportService", "wages"
    if service.startswith("Benefit"):
        given, kind = "BenefitReportService", "benefits"
    elif service.startswith("Payer"):
        given, kind = "PayerSummaryReportService", "summary"
    owner = batch(gateway, EMPLOYER, "-").payer
    sent = batch(gateway, EMPLOYER, "Q-1", reports=3, real_time=False)
    documents = {
        "wages": lambda: generate.wage_delivery(random.Random(6), sent),
        "benefits": lambda: generate.benefit_delivery(random.Random(6), sent),
        "summary": lambda: renamed(
            sample("payer-summary-reports--one-month", owner), "PayerSummaryReportsRequestToIR"
        ),
    }
    document = documents[kind]()
    reports = await client(gateway, given, EMPLOYER)
    await asyncio.to_thread(
        reports.call, f"Send{given.removesuffix('Service')}s", reports.values(document)
    )
    delivered = etree.fromstring(document)
    first = delivered.find("DeliveryData/Reports/Report")
    report_id = first.findtext("ReportData/ReportId")
    register_id = ReportKeys(
        f"1:{owner}", delivered.findtext("DeliveryData/DeliveryDataType")
    ).register_id(report_id)
    policy = first.findtext("IncomeEarner/PensionInsurance/PensionPolicyNo") or ""
    earner = first.findtext("IncomeEarner/IncomeEarnerIds/Id/Code") or ""
    request = data_request(operation.request, owner, earner, policy, register_id)
    asking = await client(gateway, service, KELA)
    reply = await asyncio.to_thread(asking.call, operation.name, asking.values(request))
    found = [each.text for each in reply.iterfind("Reports/Report/ReportData/ReportId")]
    if operation.name == "GetPayerSummaryReportsOnePolicyNo":
        assert found == [], "the separate report of this test names no policy"
    elif operation.name in ("GetWageReportsOnePayer", "GetPayerSummaryReportsOnePayer"):
        assert len(found) == len(delivered.findall("DeliveryData/Reports/Report"))
    elif operation.name == "GetWageReportsOnePolicyNo":
        assert found == [
            each.findtext("ReportData/ReportId")
            for each in delivered.iterfind("DeliveryData/Reports/Report")
            if each.findtext("IncomeEarner/PensionInsurance/PensionPolicyNo") == policy
        ]
    else:
        insured = [
            each.findtext("ReportData/ReportId")
            for each in delivered.iterfind("DeliveryData/Reports/Report")
            if each.findtext("IncomeEarner/PensionInsurance/PensionPolicyNo") == policy
        ]
        assert found == (insured if operation.name == "GetWageReportsOnePolicyNo" else [report_id])
        assert reply.findtext("Reports/Report/ReportData/IRReportId") == register_id
    assert reply.findtext("Summary/NrOfReports") == str(len(found))
    assert reply.find("Reports/Report/DeliveryData/ContactPersons") is None, (
        "the profile leaves them out"
    )
    await told_of(gateway, reply, found)


def data_request(root: str, payer: str, earner: str, policy: str, register_id: str) -> bytes:
    """A real-time request with the parameters that its name asks for."""
    parties = "".join(
        f"<DeliveryData{party}><Type>1</Type><Code>0246246-0</Code></DeliveryData{party}>"
        for party in ("Owner", "Creator", "Sender")
    )
    values, codes = [], []
    if "OnePolicyNo" in root:
        values.append(("9", policy or "46-00000000"))
    if "OneIRReportId" in root:
        values.append(("17", register_id))
    if "OnePayer" in root:
        codes.append(("6", "1", payer))
    if "OneIncomeEarner" in root:
        codes.append(("7", "2", earner))
    inside = "".join(
        f"<ValueParameter><ParameterType>{kind}</ParameterType><Value>{text}</Value>"
        "</ValueParameter>"
        for kind, text in values
    )
    inside += "".join(
        f"<IdCodeParameter><ParameterType>{kind}</ParameterType><IdType>{of}</IdType><IdCode>"
        f"{code}</IdCode></IdCodeParameter>"
        for kind, of, code in codes
    )
    return (
        f'<d:{root} xmlns:d="http://www.tulorekisteri.fi/2017/1/DataRequestToIR"><Timestamp>'
        "2026-03-02T06:00:00Z</Timestamp>"
        f"<QueryDataType>{QUERY_TYPES[root]}</QueryDataType><ProductionEnvironment>"
        f"false</ProductionEnvironment>{parties}"
        f"<DataRequestParameters>{inside}</DataRequestParameters></d:{root}>"
    ).encode()


async def told_of(gateway: Running, reply: Any, found: Sequence[str | None]) -> None:
    """The question is a message that says who was handed which reports, found by the API."""
    ids = [each.text for each in reply.iterfind("Reports/Report/ReportData/IRReportId")]
    address = f"{gateway.url}/api/v1/messages"
    wanted = {"sender": KELA, "type": "income-register.data-request", "endpoint": "query"}
    async with gateway.session.get(address, params=wanted) as response:
        (kept,) = (await response.json())["messages"]
    async with gateway.session.get(f"{address}/{kept['id']}") as response:
        message = await response.json()
    answered = message["detail"]["answered"]
    assert (message["state"], len(answered["reports"])) == ("accepted", len(found))
    assert set(ids) <= set(answered["reports"]), "by the register's references"
    assert answered["bytes"] > len(raw(reply))
    (delivery,) = message["deliveries"]
    assert (delivery["receiver"], delivery["state"]) == ("income-register", "delivered")
    for name in answered["reports"][:1]:
        async with gateway.session.get(address, params={**wanted, "detail": name}) as response:
            assert (await response.json())["messages"] == [kept]
    counted = await gateway.counts("income-register")
    assert (counted["delivered"], counted["answered"]) == (1, 1)
    assert gateway.verify().clean


async def test_a_question_that_is_refused_is_a_rejected_message(gateway: Running) -> None:
    owner = batch(gateway, EMPLOYER, "-").payer
    question = raw(
        signed(etree.fromstring(sample("data-request--wage-reports-of-one-earner", owner)))
    )
    service = "/income-register/20170526/WageReportQueryService.svc"
    by_payer = {"SOAPAction": "GetWageReportsOnePayer", "Content_Type": "text/xml"}
    changed = sample("data-request--wage-reports-of-one-earner", owner)
    profile = changed.replace(
        b"<ProductionEnvironment>", b"<QueryProfile>no-such</QueryProfile><ProductionEnvironment>"
    )
    refused = {
        b"": "type-unknown",
        b"<a": "type-unknown",
        b"<Echo/>": "type-unknown",
        question.replace(b"OneIncomeEarner", b"OneIncomeBurner"): "type-unknown",
        changed: "rule",
        raw(signed(etree.fromstring(profile))): "rule",
    }
    for number, (body, reason) in enumerate(refused.items(), 1):
        status, _, reply = await gateway.post(service, body, KELA, Content_Type="text/xml")
        assert (status, reason.encode() in reply) == (500, True), reply
        assert (await gateway.counts("income-register"))["rejected"] == number
    status, _, reply = await gateway.post(service, question, KELA, **by_payer)
    assert (status, b"the operation takes" in reply) == (500, True)
    counted = await gateway.counts("income-register")
    assert (counted["rejected"], counted["received"]) == (len(refused) + 1, len(refused) + 1)
    assert gateway.verify().clean


async def test_a_question_about_a_living_person_is_not_kept(gateway: Running) -> None:
    owner = batch(gateway, EMPLOYER, "-").payer
    number = "010190-123"
    code = number + CHECK_CHARACTERS[int(number.replace("-", "")) % 31]
    request = data_request("WageReportsOneIncomeEarnerRequestToIR", owner, code, "", "")
    body = raw(signed(etree.fromstring(request)))
    service = "/income-register/20170526/WageReportQueryService.svc"
    status, _, reply = await gateway.post(service, body, KELA, Content_Type="text/xml")
    assert (status, b"real-person" in reply, code.encode() in reply) == (500, True, False)
    (found,) = (await gateway.exchange.ledger.search(MessageFilter(), 1 << 62, 9, 9)).messages
    assert (found.state, found.digest) == ("rejected", b"")
    assert await gateway.exchange.ledger.body(found.id) is None

"""The services as a SOAP client sees them: zeep, built from the served WSDLs, runs every operation;
replies validate and verify.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import random
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange.adapters import income_register
from exchange.adapters.income_register import generate
from exchange.adapters.income_register.endpoints import wsdl
from tests.adapters.income_register.clients import client, raw
from tests.journeys.running import Running

SAMPLES = Path(income_register.__file__).parent / "samples" / "valid"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
NAMESPACES = {"w": WSDL, "s": f"{WSDL}soap/"}
EMPLOYER, KELA = "employer.demo-oy", "kela.benefits"


def today(gateway: Running) -> datetime.date:
    """The exchange's day."""
    return datetime.datetime.fromtimestamp(gateway.exchange.clock.now() / 1000, datetime.UTC).date()


def batch(gateway: Running, partner: str, delivery_id: str, **more: Any) -> generate.Batch:
    """A delivery of that partner, paid today."""
    found = gateway.exchange.directory.get(partner)
    assert found is not None
    return generate.Batch(found.business_id, found.business_id, today(gateway), delivery_id, **more)


def status_of(document: Any) -> str:
    """DeliveryDataStatus of an acknowledgement or a status response."""
    return str(
        document.findtext("AckData/DeliveryDataStatus")
        or document.findtext("StatusResponse/DeliveryDataStatus")
    )


async def test_wage_reports_go_in_by_a_soap_client(gateway: Running) -> None:
    soap = await client(gateway, "WageReportService", EMPLOYER)
    rng = random.Random(1)
    one = soap.values(generate.wage_delivery(rng, batch(gateway, EMPLOYER, "Z-1")))
    reply = await asyncio.to_thread(soap.call, "SendWageReport", one)
    assert (reply.tag.rpartition("}")[2], status_of(reply)) == ("StatusResponseFromIR", "3")
    assert reply.findtext("StatusResponse/ValidItems/Item/ItemId") == "Z-1-0001"
    many = soap.values(
        generate.wage_delivery(rng, batch(gateway, EMPLOYER, "Z-2", reports=3, real_time=False))
    )
    reply = await asyncio.to_thread(soap.call, "SendWageReports", many)
    assert (reply.tag.rpartition("}")[2], status_of(reply)) == ("AckFromIR", "2")
    assert reply.findtext("DeliveryData/DeliveryId") == "Z-2"
    await gateway.settled()
    counted = await gateway.counts("income-register")
    assert counted["accepted"] == 2
    assert "queued" not in counted, "reports stay with the register until somebody subscribes"


@pytest.mark.parametrize("partner, kind", [(KELA, "kela"), ("accident-insurers-centre", "insurer")])
async def test_benefit_reports_go_in_by_a_soap_client(
    gateway: Running, partner: str, kind: str
) -> None:
    soap = await client(gateway, "BenefitReportService", partner)
    rng = random.Random(2)
    one = soap.values(generate.benefit_delivery(rng, batch(gateway, partner, "B-1"), kind))
    assert status_of(await asyncio.to_thread(soap.call, "SendBenefitReport", one)) == "3"
    many = soap.values(
        generate.benefit_delivery(
            rng, batch(gateway, partner, "B-2", reports=2, real_time=False), kind
        )
    )
    assert status_of(await asyncio.to_thread(soap.call, "SendBenefitReports", many)) == "2"


async def test_a_delivery_is_asked_after_by_a_soap_client(gateway: Running) -> None:
    reports, status = await asyncio.gather(
        client(gateway, "WageReportService", EMPLOYER), client(gateway, "StatusService", EMPLOYER)
    )
    sent = batch(gateway, EMPLOYER, "S-1", reports=2, real_time=False)
    delivery = reports.values(generate.wage_delivery(random.Random(3), sent))
    acknowledged = await asyncio.to_thread(reports.call, "SendWageReports", delivery)
    question = status_question(sent, acknowledged.findtext("AckData/IRDeliveryId"))
    reply = await asyncio.to_thread(status.call, "GetDeliveryDataStatus", question)
    assert status_of(reply) == "3"
    assert [item.text for item in reply.iterfind("StatusResponse/ValidItems/Item/ItemId")] == [
        "S-1-0001",
        "S-1-0002",
    ]
    unknown = await asyncio.to_thread(
        status.call, "GetDeliveryDataStatus", question | {"DeliveryId": "S-other"}
    )
    assert status_of(unknown) == "0"


def status_question(sent: generate.Batch, register_id: str | None) -> dict[str, Any]:
    """StatusRequestToIR by both references."""
    from zeep.xsd import SkipValue

    owner, sender = ({"Type": 1, "Code": code} for code in (sent.payer, sent.sender))
    return {
        "Timestamp": datetime.datetime(2026, 3, 2, 6, 5, tzinfo=datetime.UTC),
        "DeliveryDataType": 100,
        "DeliveryId": sent.delivery_id,
        "IRDeliveryId": register_id,
        "ProductionEnvironment": False,
        "DeliveryDataOwner": owner,
        "DeliveryDataCreator": sender,
        "DeliveryDataSender": sender,
        "Signature": SkipValue,
    }


async def test_every_service_gives_its_wsdl_and_the_schemas_that_it_imports(
    gateway: Running,
) -> None:
    for service in wsdl.SERVICES:
        soap = await client(gateway, service, EMPLOYER)
        operations = {
            name
            for port in soap.zeep.wsdl.services[service].ports.values()
            for name in port.binding._operations
        }
        assert operations == {operation.name for operation in wsdl.SERVICES[service]}


def sample(name: str, owner: str, **texts: str) -> bytes:
    """A valid sample given by another owner, with other texts."""
    root = etree.parse(str(SAMPLES / f"income-register.{name}.xml")).getroot()
    for code in root.iterfind(".//Code"):
        if (code.getparent().tag or "").startswith(
            "DeliveryData"
        ) or code.getparent().getparent().tag == "PayerIds":
            code.text = owner
    for path, text in texts.items():
        element = root.find(f".//{path}")
        assert element is not None, path
        element.text = text
    return raw(root)


def of_payer(document: bytes, payer: str) -> bytes:
    """A subscription to what that payer has reported alone."""
    return document.replace(
        b"</Subscription>",
        b"<SubscriptionParameters><IdCodeParameter><ParameterType>6"
        b"</ParameterType><IdType>1</IdType><IdCode>%b</IdCode></IdCodeParameter>"
        b"</SubscriptionParameters></Subscription>" % payer.encode(),
    )


def renamed(document: bytes, root: str) -> bytes:
    """The document under another root."""
    old = etree.fromstring(document)
    new = etree.Element(f"{{{etree.QName(old).namespace}}}{root}", nsmap=old.nsmap)
    new.extend(old)
    return raw(new)


async def test_separate_reports_invalidations_subscriptions_and_echo_by_a_soap_client(
    gateway: Running,
) -> None:
    owner = batch(gateway, EMPLOYER, "-").payer
    called = []

    async def call(service: str, operation: str, document: bytes) -> Any:
        soap = await client(gateway, service, EMPLOYER)
        called.append(operation)
        return await asyncio.to_thread(soap.call, operation, soap.values(document))

    summary = sample("payer-summary-reports--one-month", owner)
    reply = await call("PayerSummaryReportService", "SendPayerSummaryReport", summary)
    assert status_of(reply) == "3", raw(reply)
    again = renamed(
        sample("payer-summary-reports--one-month", owner, DeliveryId="e-2", ReportId="e-2"),
        "PayerSummaryReportsRequestToIR",
    )
    assert (
        status_of(await call("PayerSummaryReportService", "SendPayerSummaryReports", again)) == "2"
    )

    wages = generate.wage_delivery(
        random.Random(5), batch(gateway, EMPLOYER, "I-1", reports=3, real_time=False)
    )
    assert status_of(await call("WageReportService", "SendWageReports", wages)) == "2"
    invalidation = invalidation_of(owner, "inv-1", "105", "I-1-0001")
    reply = await call("InvalidationService", "SendInvalidation", invalidation)
    assert status_of(reply) == "3", raw(reply)
    assert reply.findtext("StatusResponse/ValidItems/Item/ItemVersion") == "2"
    whole = renamed(invalidation_of(owner, "inv-2", "109", "I-1"), "InvalidationsRequestToIR")
    assert status_of(await call("InvalidationService", "SendInvalidations", whole)) == "2"

    subscription = of_payer(sample("subscriptions--all-wage-reports-daily", owner), owner)
    reply = await call("SubscriptionService", "SendSubscription", subscription)
    assert status_of(reply) == "2"
    other = renamed(
        of_payer(
            sample(
                "subscriptions--all-wage-reports-daily",
                owner,
                DeliveryId="s-2",
                MainSubscriptionId="s-2",
            ),
            owner,
        ),
        "SubscriptionsRequestToIR",
    )
    reply = await call("SubscriptionService", "ProcessSubscription", other)
    assert (status_of(reply), reply.findtext("StatusResponse/ValidItems/Item/ItemId")) == (
        "3",
        "s-2",
    )

    reply = await call("EchoService", "SendEcho", sample("echo--hello", owner))
    assert reply.findtext("Data") == etree.fromstring(sample("echo--hello", owner)).findtext("Data")


def invalidation_of(
    owner: str, delivery_id: str, kind: str, *items: str, control: int = 1
) -> bytes:
    """A real-time invalidation of reports (105-107) or a delivery (109-111) by the owner's
    references.
    """
    inside = "".join(f"<Item><ItemId>{item}</ItemId></Item>" for item in items)
    parties = "".join(
        f"<DeliveryData{party}><Type>1</Type><Code>{owner}</Code></DeliveryData{party}>"
        for party in ("Owner", "Creator", "Sender")
    )
    return (
        '<i:InvalidationRequestToIR xmlns:i="http://www.tulorekisteri.fi/2017/1/InvalidationsToIR">'
        "<DeliveryData>"
        f"<Timestamp>2026-03-02T06:00:00Z</Timestamp><DeliveryDataType>{kind}</DeliveryDataType>"
        f"<DeliveryId>{delivery_id}</DeliveryId>"
        f"<FaultyControl>{control}</FaultyControl><ProductionEnvironment>"
        f"false</ProductionEnvironment>{parties}"
        f"<Items>{inside}</Items></DeliveryData></i:InvalidationRequestToIR>"
    ).encode()


def documents_of(definitions: Any) -> list[str]:
    """The message, the part and the qualified root of the document that is in it."""
    return [
        f"{part.getparent().get('name')} {part.get('name')} "
        f"{part.nsmap[part.get('element').partition(':')[0]]} "
        f"{part.get('element').partition(':')[2]}"
        for part in definitions.iterfind(f".//{{{WSDL}}}part")
    ]


@pytest.mark.reference
@pytest.mark.parametrize("prefix", wsdl.PREFIXES)
async def test_the_wsdls_have_the_registers_own_names(gateway: Running, prefix: str) -> None:
    reference = Path(os.environ["EXCHANGE_REFERENCE"]) / "income-register" / "reference"
    names = "//w:message/@name | //w:part/@name | //w:portType/@name | //w:binding/@name"
    more = " | //w:operation/@name | //w:input/@message | //w:output/@message | //w:port/@name"
    soap = " | //s:operation/@soapAction | //s:operation/@style | //s:body/@use | //s:binding/@*"
    own = " | /w:definitions/@targetNamespace | //w:service/@name | //w:port/@binding"
    compared = 0
    for service in wsdl.SERVICES:
        status, _, ours = await gateway.get(f"{prefix}/{service}.svc?wsdl")
        theirs = etree.parse(str(reference / f"{service}.wsdl"))
        found = [
            sorted(map(str, each.xpath(names + more + soap + own, namespaces=NAMESPACES)))
            + sorted(documents_of(each))
            for each in (etree.fromstring(ours), theirs.getroot())
        ]
        assert status == 200
        assert found[0] == found[1], service
        assert f"{prefix}/{service}.svc".encode() in ours
        compared += len(found[0])
    assert compared > 100

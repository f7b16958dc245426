"""The services as a SOAP client sees them: zeep, built from the served WSDLs, runs every operation; replies validate and verify."""

from __future__ import annotations

import asyncio
import datetime
import random
from typing import Any

import pytest

from adapters.income_register import generate, wsdl
from tests.adapters.income_register.clients import client
from tests.journeys.running import Running

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
    return str(document.findtext("AckData/DeliveryDataStatus") or document.findtext("StatusResponse/DeliveryDataStatus"))


async def test_wage_reports_go_in_by_a_soap_client(gateway: Running) -> None:
    soap = await client(gateway, "WageReportService", EMPLOYER)
    rng = random.Random(1)
    one = soap.values(generate.wage_delivery(rng, batch(gateway, EMPLOYER, "Z-1")))
    reply = await asyncio.to_thread(soap.call, "SendWageReport", one)
    assert (reply.tag.rpartition("}")[2], status_of(reply)) == ("StatusResponseFromIR", "3")
    assert reply.findtext("StatusResponse/ValidItems/Item/ItemId") == "Z-1-0001"
    many = soap.values(generate.wage_delivery(rng, batch(gateway, EMPLOYER, "Z-2", reports=3, real_time=False)))
    reply = await asyncio.to_thread(soap.call, "SendWageReports", many)
    assert (reply.tag.rpartition("}")[2], status_of(reply)) == ("AckFromIR", "2")
    assert reply.findtext("DeliveryData/DeliveryId") == "Z-2"
    await gateway.settled()
    counted = await gateway.counts("income-register")
    assert (counted["accepted"], counted["delivered"]) == (2, 2)


@pytest.mark.parametrize("partner, kind", [(KELA, "kela"), ("accident-insurers-centre", "insurer")])
async def test_benefit_reports_go_in_by_a_soap_client(gateway: Running, partner: str, kind: str) -> None:
    soap = await client(gateway, "BenefitReportService", partner)
    rng = random.Random(2)
    one = soap.values(generate.benefit_delivery(rng, batch(gateway, partner, "B-1"), kind))
    assert status_of(await asyncio.to_thread(soap.call, "SendBenefitReport", one)) == "3"
    many = soap.values(generate.benefit_delivery(rng, batch(gateway, partner, "B-2", reports=2, real_time=False), kind))
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
    assert [item.text for item in reply.iterfind("StatusResponse/ValidItems/Item/ItemId")] == ["S-1-0001", "S-1-0002"]
    unknown = await asyncio.to_thread(status.call, "GetDeliveryDataStatus", question | {"DeliveryId": "S-other"})
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


async def test_every_service_gives_its_wsdl_and_the_schemas_that_it_imports(gateway: Running) -> None:
    for service in wsdl.SERVICES:
        soap = await client(gateway, service, EMPLOYER)
        operations = {name for port in soap.zeep.wsdl.services[service].ports.values() for name in port.binding._operations}
        assert operations == {operation.name for operation in wsdl.SERVICES[service]}

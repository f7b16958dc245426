"""The benefit query over SOAP, by zeep from the description that the security server hands out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import zeep
from lxml import etree
from zeep.exceptions import Fault
from zeep.transports import Transport

from exchange.adapters.kelmu.soap import _inside
from exchange.schemas.x_road.members import class_of
from tests.adapters.kelmu.judging import QUERY
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNTY, BANK = "county.pirkanmaa", "bank.demo-a"
NAMESPACE = "urn:exchange:kelmu:1"
SERVICE = {
    "xRoadInstance": "FI-TEST",
    "memberClass": "GOV",
    "memberCode": "9000038-8",
    "subsystemCode": "Kelmu",
    "serviceCode": "BenefitQuery",
    "serviceVersion": "v1",
    "objectType": "SERVICE",
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One exchange for all."""
    folder = tmp_path_factory.mktemp("kelmu")
    async with running(folder, x_road={"wsdl_address": True}) as started:
        yield started


def ask(exchange: Running, partner: str, **changed: Any) -> Any:
    """The answer to a query by a partner's program."""
    found = exchange.exchange.directory.get(partner)
    assert found is not None
    transport = Transport(timeout=20)
    transport.session.headers["X-API-Key"] = found.key
    named = "&".join(f"{name}={text}" for name, text in SERVICE.items() if name[0] in "xms")
    client = zeep.Client(f"{exchange.url}/x-road/wsdl?{named}", transport=transport)
    binding = f"{{{NAMESPACE}}}BenefitQueryBinding"
    service = client.create_service(binding, f"{exchange.url}/x-road/")
    own = {
        "memberClass": class_of(found),
        "memberCode": found.business_id,
        "subsystemCode": partner,
    }
    header = {
        "client": {"xRoadInstance": "FI-TEST", "objectType": "SUBSYSTEM", **own},
        "service": SERVICE,
        "id": "koe-1",
        "userId": "kasittelija-1",
        "issue": "",
        "protocolVersion": "4.0",
    }
    return service.BenefitQuery(**{**QUERY, **changed}, _soapheaders=header).body


async def test_any_answer_is_an_envelope() -> None:
    """JSON holds characters that XML has none of."""
    for value in ("\x0b", "<&", "\uffff", None, 1.5, True, [["a"]], [{"b": []}]):
        etree.fromstring(f"<a>{_inside({'from': value})}</a>".encode())


async def test_zeep_asks_and_is_told_what_the_json_query_is_told(exchange: Running) -> None:
    _, _, told = await exchange.post("/kelmu/v1/queries", json.dumps(QUERY), COUNTY)
    by_json = json.loads(told)
    by_soap = await asyncio.to_thread(ask, exchange, COUNTY)
    assert (by_soap.message_type, by_soap.benefits) == ("kelmu.benefit-query", by_json["benefits"])
    assert by_soap.data_groups == by_json["data_groups"]
    assert len(by_soap.results) == len(by_json["results"])
    for result, expected in zip(by_soap.results, by_json["results"], strict=True):
        elements = result._value_1
        assert elements[0].text == expected.pop("person")
        names = [each.tag.rpartition("}")[2] for each in elements[1:]]
        assert names == [name for name, records in expected.items() for _ in records]


@pytest.mark.parametrize(
    ("partner", "changed", "reason", "rule"),
    [
        (BANK, {}, "no-right", "kelmu.rights.none"),
        (COUNTY, {"legal_ground": ""}, "schema", "json.pattern"),
        (COUNTY, {"person": "140890-942X"}, "schema", "json.value"),
    ],
)
async def test_a_refusal_is_a_fault_that_says_all(
    exchange: Running, partner: str, changed: dict[str, str], reason: str, rule: str
) -> None:
    with pytest.raises(Fault) as refused:
        await asyncio.to_thread(ask, exchange, partner, **changed)
    problem = refused.value.detail[0]
    assert refused.value.code.endswith("Client")
    assert problem.findtext(f"{{{NAMESPACE}}}reason") == reason
    assert problem.findtext(f"{{{NAMESPACE}}}violations/{{{NAMESPACE}}}rule") == rule


REAL = "131052-" + "308T"
EMPTY = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>'


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"<a", "xml.malformed"),
        (b"<a/>", "soap.wrapper"),
        (b" " * 70_000, "soap.size"),
        (EMPTY, "soap.wrapper"),
        (f"<a>{REAL}".encode(), "identity.real-person"),
        (EMPTY.replace(b"<s:Body/>", f"<a>{REAL}</a>".encode()), "identity.real-person"),
    ],
)
async def test_what_is_no_envelope_is_refused_and_counted(
    exchange: Running, body: bytes, rule: str
) -> None:
    before = (await exchange.counts("kelmu")).get("rejected", 0)
    status, _, told = await exchange.post(
        "/kelmu/v1/soap/queries", body, COUNTY, Content_Type="text/xml"
    )
    assert (status, b"<faultcode>s:Client</faultcode>" in told) == (200, True)
    assert REAL.encode() not in told
    assert f"<rule>{rule}</rule>".encode() in told
    assert (await exchange.counts("kelmu"))["rejected"] == before + 1
    assert exchange.verify().clean

"""A payroll program's SOAP client over TLS: zeep, built from the WSDL that the listener serves, knows
the exchange by its own authority and shows a client certificate in the place of a key; it signs by
the same certificate, sends, polls, is refused and corrects.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.endpoints.wsdl import OFFICIAL_PREFIX
from exchange.schemas import directory
from exchange.web.access.new_certificates import Issued
from tests.adapters.income_register.clients import RegisterClient, Signing, raw
from tests.adapters.income_register.endpoints.test_services import (
    EMPLOYER,
    batch,
    status_of,
    status_question,
)
from tests.adapters.income_register.register.test_versions import codes, items
from tests.exchange.web.tls.certificates import Folder, client
from tests.journeys.running import Running, running

OTHER = "employer.malliyritys"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Running]:
    """An exchange as shipped, with a listener that demands client certificates; outcomes are told
    after a while.
    """
    listener = {**Folder(tmp_path).listener, "channels": ["income-register"]}
    sections: dict[str, Any] = {
        "rules": {"unsigned_deliveries": "refuse"},
        "processing": {"seconds": 1.0},
    }
    async with running(tmp_path, listeners=[listener], **sections) as started:
        yield started


@pytest.fixture
async def sessions(gateway: Running) -> AsyncIterator[list[requests.Session]]:
    """The clients' connections, closed before the exchange is."""
    opened: list[requests.Session] = []
    yield opened
    for each in opened:
        each.close()


def certificate_of(partner: str) -> Issued:
    """A partner's, by the authority that the listener knows: its business id is the common name."""
    found = directory.load().get(partner)
    assert found is not None
    return client(found.business_id)


def soap(
    sessions: list[requests.Session],
    gateway: Running,
    service: str,
    shown: Issued,
    signer: Issued,
) -> RegisterClient:
    """A client of a service that shows one certificate and signs by another."""
    folder = gateway.exchange.settings.listeners[0].certificate.parent
    files, session = Folder(folder), requests.Session()
    sessions.append(session)
    session.verify, session.trust_env = str(folder / "authority.pem"), False
    session.cert = files.files(shown)
    certificate, key = (Path(each).read_bytes() for each in files.files(signer))
    address = gateway.secure[0] + OFFICIAL_PREFIX
    return RegisterClient(address, service, session, Signing((key, certificate)))


async def test_it_sends_polls_is_refused_and_corrects(
    gateway: Running, sessions: list[requests.Session]
) -> None:
    own = certificate_of(EMPLOYER)
    wages, status = [
        await asyncio.to_thread(soap, sessions, gateway, service, own, own)
        for service in ("WageReportService", "StatusService")
    ]
    port = wages.zeep.wsdl.services["WageReportService"].ports["WageReportService"]
    assert port.binding_options["address"].startswith(gateway.secure[0])

    async def send(document: Any) -> str:
        values = wages.values(raw(document))
        return status_of(await asyncio.to_thread(wages.call, "SendWageReports", values))

    async def outcome(name: str) -> tuple[list[str], Any]:
        question = status_question(batch(gateway, EMPLOYER, name), None)
        told: list[str] = []
        while told[-1:] in ([], ["2"]):
            reply = await asyncio.to_thread(status.call, "GetDeliveryDataStatus", question)
            told.append(status_of(reply))
        return told, reply

    def made(name: str) -> Any:
        sent = batch(gateway, EMPLOYER, name, reports=3, real_time=False)
        return etree.fromstring(generate.wage_delivery(random.Random(3), sent))

    wrong = made("TLS-1")
    code = "Transactions/Transaction/TransactionBasic/TransactionCode"
    wrong.findall(".//Report")[1].find(code).text = "999"
    assert await send(wrong) == "2"
    told, reply = await outcome("TLS-1")
    assert (told[0], told[-1], codes(reply)) == ("2", "3", ["IR4002"])
    assert items(reply, "InvalidItems") == [("TLS-1-0002", None)]
    corrected = made("TLS-2")
    for number, report in enumerate(corrected.findall(".//Report"), 1):
        report.find("ReportData/ActionCode").text = "1" if number == 2 else "2"
        report.find("ReportData/ReportId").text = f"TLS-1-000{number}"
    assert await send(corrected) == "2"
    told, reply = await outcome("TLS-2")
    assert (told[-1], codes(reply)) == ("3", [])
    assert [version for _, version in items(reply, "ValidItems")] == ["2", "1", "2"]


async def test_who_signs_by_anothers_certificate_gets_nothing_in(
    gateway: Running, sessions: list[requests.Session]
) -> None:
    own, other = certificate_of(EMPLOYER), certificate_of(OTHER)
    wages = await asyncio.to_thread(soap, sessions, gateway, "WageReportService", own, other)
    values = wages.values(
        generate.wage_delivery(random.Random(1), batch(gateway, EMPLOYER, "TLS-3"))
    )
    reply = await asyncio.to_thread(wages.call, "SendWageReport", values)
    assert (status_of(reply), codes(reply)) == ("4", ["IR1013"])
    assert "accepted" not in await gateway.counts("income-register")

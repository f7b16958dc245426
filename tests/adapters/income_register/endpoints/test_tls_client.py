"""A payroll program's SOAP client over TLS: zeep, built from the WSDL that the listener serves,
knows the exchange by its own authority and shows a client certificate in the place of a key; it
signs by the same certificate, sends, polls until the processing is done, is refused and corrects.
"""

from __future__ import annotations

import random
from asyncio import to_thread
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.endpoints.wsdl import OFFICIAL_PREFIX
from exchange.testing.clock import HandClock
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

PROCESSING_MINUTES = 10


@pytest.fixture
def clock() -> HandClock:
    """The exchange's; the processing is done when the test puts it forward."""
    return HandClock()


@pytest.fixture
async def gateway(tmp_path: Path, clock: HandClock) -> AsyncIterator[Running]:
    """An exchange as shipped, but for when it tells outcomes, with a listener that demands client
    certificates.
    """
    listener = {**Folder(tmp_path).listener, "channels": ["income-register"]}
    sections: dict[str, Any] = {
        "rules": {"unsigned_deliveries": "refuse"},
        "processing": {"seconds": PROCESSING_MINUTES * 60},
    }
    async with running(tmp_path, listeners=[listener], clock=clock, **sections) as started:
        yield started


@pytest.fixture
async def services(gateway: Running) -> AsyncIterator[tuple[RegisterClient, RegisterClient]]:
    """The employer's clients of wage reports and of their statuses, on one session."""
    files = Folder(gateway.exchange.settings.listeners[0].certificate.parent)
    employer = gateway.exchange.directory.get(EMPLOYER)
    assert employer is not None
    shown = files.files(client(employer.business_id))

    def built(service: str) -> RegisterClient:
        certificate, key = (Path(each).read_bytes() for each in shown)
        address = gateway.secure[0] + OFFICIAL_PREFIX
        return RegisterClient(address, service, session, Signing((key, certificate)))

    with requests.Session() as session:
        # Each call on a connection of its own: one that is kept open would outlive the session, as
        # urllib3 closes it when nobody holds a reply any more.
        session.headers["Connection"] = "close"
        session.cert, session.trust_env = shown, False
        session.verify = str(files.path / "authority.pem")
        yield await to_thread(built, "WageReportService"), await to_thread(built, "StatusService")


async def test_it_sends_polls_is_refused_and_corrects(
    gateway: Running, clock: HandClock, services: tuple[RegisterClient, RegisterClient]
) -> None:
    wages, status = services
    port = wages.zeep.wsdl.services["WageReportService"].ports["WageReportService"]
    assert port.binding_options["address"].startswith(gateway.secure[0])

    async def send(document: Any) -> str:
        values = wages.values(raw(document))
        return status_of(await to_thread(wages.call, "SendWageReports", values))

    async def ask(name: str) -> Any:
        question = status_question(batch(gateway, EMPLOYER, name), None)
        return await to_thread(status.call, "GetDeliveryDataStatus", question)

    async def outcome(name: str) -> Any:
        assert status_of(await ask(name)) == "2"
        clock.advance(minutes=PROCESSING_MINUTES)
        return await ask(name)

    def made(name: str) -> Any:
        sent = batch(gateway, EMPLOYER, name, reports=3, real_time=False)
        return etree.fromstring(generate.wage_delivery(random.Random(3), sent))

    # (Both at once, since a day may end between: a corrected report has the day of the first.)
    wrong, corrected = made("TLS-1"), made("TLS-2")
    code = "Transactions/Transaction/TransactionBasic/TransactionCode"
    wrong.findall(".//Report")[1].find(code).text = "999"
    assert await send(wrong) == "2"
    reply = await outcome("TLS-1")
    assert (status_of(reply), codes(reply)) == ("3", ["IR4002"])
    assert items(reply, "InvalidItems") == [("TLS-1-0002", None)]
    for number, report in enumerate(corrected.findall(".//Report"), 1):
        report.find("ReportData/ActionCode").text = "1" if number == 2 else "2"
        report.find("ReportData/ReportId").text = f"TLS-1-000{number}"
    assert await send(corrected) == "2"
    reply = await outcome("TLS-2")
    assert (status_of(reply), codes(reply)) == ("3", [])
    assert [version for _, version in items(reply, "ValidItems")] == ["2", "1", "2"]

"""A payroll program's client, written from the public description of OCA's register module: quoted
SOAPAction, the register's own path, exclusive C14N, an X.509 certificate; it polls after 2, 5, 15
and 60 minutes, sends again when it got no acknowledgement, and corrects what was refused.
"""

from __future__ import annotations

import asyncio
import datetime
import random
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange.adapters import income_register
from exchange.adapters.income_register import generate
from exchange.assembly import Exchange
from exchange.schemas import xml
from exchange.schemas.call import Call
from exchange.settings import Settings
from exchange.simulation.endpoints import InsideEndpoints
from tests.adapters.income_register.clients import (
    check_reply,
    document_in,
    key_and_certificate,
    raw,
    signed,
)
from tests.adapters.income_register.endpoints.test_services import EMPLOYER, status_of
from tests.adapters.income_register.hand_out.test_extraction import Hand, Straight
from tests.adapters.income_register.register.test_versions import codes, items, status_request
from tests.journeys.running import running

DAY = datetime.date(2026, 3, 2)
POLLED_AFTER_MINUTES = (2, 5, 15, 60)
MINUTE = 60_000
TWELVE = "www.w3.org/2003/05/soap-envelope"
ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">{}<s:Body>'
END = b"</s:Body></s:Envelope>"


@dataclass
class PayrollClient:
    """The client of one employer, and the clock by which it waits."""

    exchange: Exchange
    clock: Hand
    inside: InsideEndpoints

    async def post(self, service: str, action: str, document: Any) -> Any:
        """The reply's document, checked; the document goes signed."""
        partner = self.exchange.directory.get(EMPLOYER)
        assert partner is not None
        headers = {
            "X-API-Key": partner.key,
            "SOAPAction": f'"{action}"',
            "Content-Type": "text/xml; charset=utf-8",
        }
        body = ENVELOPE.format("<s:Header/>").encode() + raw(signed(document)) + END
        reply = await self.inside.call(Call("POST", f"/20170526/{service}.svc", headers, body))
        assert reply.status == 200, reply.body[:1000]
        found = document_in(xml.parse(reply.body))
        check_reply(found)
        return found

    async def outcome(self, delivery_id: str) -> tuple[list[str], Any]:
        """The statuses that it was told one after the other, and the last reply."""
        told: list[str] = []
        reply: Any = None
        began, partner = self.clock.time, self.exchange.directory.get(EMPLOYER)
        assert partner is not None
        for minutes in POLLED_AFTER_MINUTES:
            self.clock.time = began + minutes * MINUTE
            reference = f"<DeliveryId>{delivery_id}</DeliveryId>"
            question = etree.fromstring(status_request(partner.business_id, "100", reference))
            reply = await self.post("StatusService", "GetDeliveryDataStatus", question)
            told.append(status_of(reply))
            if told[-1] not in ("0", "2"):
                break
        return told, reply

    def wages(self, name: str, reports: int = 3) -> Any:
        """A deferred delivery of wage reports that are paid today."""
        partner = self.exchange.directory.get(EMPLOYER)
        assert partner is not None
        payer = partner.business_id
        batch = generate.Batch(payer, payer, DAY, name, reports, False)
        return etree.fromstring(generate.wage_delivery(random.Random(3), batch))

    async def send(self, document: Any) -> str:
        """The status of the acknowledgement."""
        return status_of(await self.post("WageReportService", "SendWageReports", document))


async def client(folder: Path, **processing: Any) -> AsyncIterator[PayrollClient]:
    """A client of an exchange as shipped, but for when it tells outcomes."""
    clock, transport = Hand(f"{DAY}T08:00:00+02:00"), Straight()
    exchange = Exchange(
        Settings(storage={"url": f"sqlite:///{folder}/exchange.db"}, processing=processing),
        clock=clock,
        transport=transport,
    )
    await exchange.open(deliver=False)
    inside = InsideEndpoints(
        exchange.channels.values(), exchange.desk, exchange.directory, exchange.requests
    )
    yield PayrollClient(exchange, clock, inside)
    await exchange.close()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, ["3"]), (130, ["2", "3"]), (600, ["2", "2", "3"]), (3000, ["2", "2", "2", "3"])],
)
async def test_it_sends_polls_is_refused_and_corrects(
    tmp_path: Path, seconds: int, told: list[str]
) -> None:
    async for payroll in client(tmp_path, seconds=seconds):
        wrong = payroll.wages("OCA-1")
        report = wrong.findall(".//Report")[1]
        report.find("Transactions/Transaction/TransactionBasic/TransactionCode").text = "999"
        assert await payroll.send(wrong) == "2"
        statuses, reply = await payroll.outcome("OCA-1")
        assert statuses == told
        assert (codes(reply), items(reply, "InvalidItems")) == (
            ["IR4002"],
            [("OCA-1-0002", None)],
        )
        anew = payroll.wages("OCA-2")
        for other in (0, 2):
            report = anew.findall(".//Report")[other]
            report.find("ReportData/ActionCode").text = "2"
            report.find("ReportData/ReportId").text = f"OCA-1-000{other + 1}"
        anew.findall(".//Report")[1].find("ReportData/ReportId").text = "OCA-1-0002"
        assert await payroll.send(anew) == "2"
        statuses, reply = await payroll.outcome("OCA-2")
        assert (statuses, codes(reply)) == (told, [])
        assert [version for _, version in items(reply, "ValidItems")] == ["2", "1", "2"]


async def test_a_question_that_is_lost_is_asked_again(tmp_path: Path) -> None:
    async for payroll in client(tmp_path, status_lost_one_in=3):
        seen = []
        for number in range(12):
            assert await payroll.send(payroll.wages(f"L-{number}", 1)) == "2"
            statuses, _ = await payroll.outcome(f"L-{number}")
            assert set(statuses[:-1]) <= {"0"}
            seen += statuses
        assert {"0", "3"} == set(seen), seen


async def test_what_got_no_acknowledgement_is_sent_again(tmp_path: Path) -> None:
    async for payroll in client(tmp_path, seconds=600):
        first = await payroll.post("WageReportService", "SendWageReports", payroll.wages("A-1"))
        again = await payroll.post("WageReportService", "SendWageReports", payroll.wages("A-1"))
        assert raw(first) == raw(again), "the same bytes, the same acknowledgement"
        other = payroll.wages("A-1")
        other.find("DeliveryData/Timestamp").text = f"{DAY}T06:02:00Z"
        told = await payroll.post("WageReportService", "SendWageReports", other)
        assert (status_of(told), codes(told)) == ("4", ["IR2101"]), "another delivery of that id"
        assert (await payroll.outcome("A-1"))[0] == ["2", "2", "3"]


async def test_an_error_of_the_header_is_told_at_once_and_corrected(tmp_path: Path) -> None:
    async for payroll in client(tmp_path, seconds=600):
        wrong = payroll.wages("H-1")
        wrong.find("DeliveryData/FaultyControl").text = "7"
        assert await payroll.send(wrong) == "4"
        assert (await payroll.outcome("H-1"))[0] == ["0"] * 4, "it can't be asked after"
        assert await payroll.send(payroll.wages("H-1")) == "2"


@pytest.mark.parametrize(
    ("envelope", "code"),
    [(ENVELOPE.format("").replace("schemas.xmlsoap.org/soap/envelope/", TWELVE), "VersionMismatch")]
    + [
        (
            ENVELOPE.format(
                f'<s:Header><a:x xmlns:a="urn:a" s:mustUnderstand="1"{actor}/></s:Header>'
            ),
            code,
        )
        for actor, code in (
            ("", "MustUnderstand"),
            (' s:actor="http://schemas.xmlsoap.org/soap/actor/next"', "MustUnderstand"),
            (' s:actor="urn:somebody-else"', ""),
        )
    ]
    + [(ENVELOPE.format('<s:Header><a:x xmlns:a="urn:a" s:mustUnderstand="0"/></s:Header>'), "")],
)
async def test_envelopes_are_answered_as_the_standard_says(
    tmp_path: Path, envelope: str, code: str
) -> None:
    async with running(tmp_path) as gateway:
        partner = gateway.exchange.directory.get(EMPLOYER)
        assert partner is not None
        payer = partner.business_id
        batch = generate.Batch(payer, payer, DAY, "E-1")
        body = envelope.encode() + generate.wage_delivery(random.Random(1), batch) + END
        for path in ("/20170526", "/income-register/20170526"):
            status, _, reply = await gateway.post(
                f"{path}/WageReportService.svc",
                body,
                EMPLOYER,
                SOAPAction='"SendWageReport"',
                Content_Type="text/xml",
            )
            fault = etree.fromstring(reply).find(".//faultcode")
            found = "" if fault is None else str(fault.text).partition(":")[2]
            assert (status, found) == (500 if code else 200, code), reply[:500]


async def test_the_recipe_of_the_channels_page_signs_and_is_taken(tmp_path: Path) -> None:
    page = (Path(income_register.__file__).parent / "README.md").read_text(encoding="utf-8")
    recipe = page.partition("```python\n")[2].partition("```")[0]
    async with running(tmp_path, rules={"unsigned_deliveries": "refuse"}) as gateway:
        partner = gateway.exchange.directory.get(EMPLOYER)
        assert partner is not None
        assert f'"{partner.key}"' in recipe, "the key is the employer's"
        batch = generate.Batch(partner.business_id, partner.business_id, DAY, "R-1")
        (tmp_path / "report.xml").write_bytes(generate.wage_delivery(random.Random(1), batch))
        key, certificate = key_and_certificate()
        (tmp_path / "key.pem").write_bytes(key)
        (tmp_path / "certificate.pem").write_bytes(certificate)
        script = tmp_path / "send.py"
        script.write_text(recipe.replace("http://127.0.0.1:8080", gateway.url), encoding="utf-8")
        run = await asyncio.create_subprocess_exec(
            sys.executable, str(script), cwd=tmp_path, stdout=PIPE, stderr=STDOUT
        )
        told, _ = await asyncio.wait_for(run.communicate(), 60)
        assert told.decode().split() == ["DeliveryDataStatus", "3", "later", "3"], told.decode()

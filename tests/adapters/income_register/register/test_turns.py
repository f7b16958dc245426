"""Deliveries are taken in as they come: what refers to an earlier report finds it though the sender
did not wait for the acknowledgement, and new reports wait for nobody.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange.adapters.income_register.endpoints import wsdl
from exchange.adapters.income_register.listen import submit
from exchange.adapters.income_register.register.turns import turn
from exchange.ports import Inbound
from exchange.schemas.call import Call
from tests.adapters.income_register.clients import parsed, raw
from tests.adapters.income_register.endpoints.test_services import (
    EMPLOYER,
    invalidation_of,
    status_of,
)
from tests.adapters.income_register.judging import EMPLOYER as SENDER
from tests.adapters.income_register.register.test_versions import (
    ask,
    codes,
    delivery,
    items,
    replaced,
)
from tests.journeys.running import Running, running

REPORTS = 40


async def take(gateway: Running, service: str, operation: str, document: bytes) -> Any:
    """A delivery that has come in whole; the reply's document."""
    envelope = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        + document
        + b"</s:Body></s:Envelope>"
    )
    headers = {"SOAPAction": operation, "Content-Type": "text/xml"}
    call = Call("POST", f"/20170526/{service}.svc", headers, envelope)
    exchange = gateway.exchange
    partner = exchange.directory.get(EMPLOYER)
    assert partner is not None
    desk = exchange.desk(exchange.channels["income-register"])
    reply = await submit(wsdl.SERVICES[service], call, partner, desk)
    assert reply.status == 200, reply.body[:500]
    return parsed(reply.body)


@pytest.mark.parametrize("beside_the_loop", [True, False])
async def test_what_refers_to_a_report_finds_it_before_the_first_acknowledgement(
    tmp_path: Path, beside_the_loop: bool
) -> None:
    limits = {"loop_bytes_max": 0 if beside_the_loop else 10_000_000}
    async with running(tmp_path, limits=limits) as gateway:
        first = delivery(gateway, "T-1", reports=REPORTS, real_time=False)
        corrected = delivery(gateway, "T-2", reports=1, real_time=False)
        again = delivery(gateway, "T-3", reports=1, real_time=False)
        # (What may not change is that of the first one's first report.)
        report = first.find(".//Report")
        for each in (corrected, again):
            each.find(".//Report").getparent().replace(
                each.find(".//Report"), etree.fromstring(raw(report))
            )
        owner = first.findtext(".//DeliveryDataOwner/Code")
        sends = [
            ("WageReportService", "SendWageReports", raw(first)),
            ("WageReportService", "SendWageReports", replaced(corrected, "T-1-0001")),
            ("WageReportService", "SendWageReports", replaced(again, "T-1-0001")),
            (
                "InvalidationService",
                "SendInvalidation",
                invalidation_of(owner, "T-4", "105", "T-1-0001"),
            ),
        ]
        replies = await asyncio.gather(*(take(gateway, *each) for each in sends))
        assert [status_of(each) for each in replies] == ["2", "2", "2", "3"]
        told = [*[await ask(gateway, name) for name in ("T-1", "T-2", "T-3")], replies[3]]
        assert [(status_of(each), codes(each)) for each in told] == [("3", [])] * 4
        versions = [items(each, "ValidItems")[0] for each in told]
        assert versions == [("T-1-0001", str(number)) for number in (1, 2, 3, 4)]
        assert gateway.verify().clean


async def test_new_reports_wait_for_nobody_and_what_fails_holds_nobody_up() -> None:
    new = Inbound(SENDER, b"<ActionCode>1</ActionCode>", "")
    refers = Inbound(SENDER, b"<ActionCode >2</ActionCode>", "")
    inside: list[str] = []
    first, second = asyncio.Event(), asyncio.Event()

    async def be(name: str, inbound: Inbound, until: asyncio.Event) -> None:
        async with turn(inbound):
            inside.append(name)
            await until.wait()
            if name == "first":
                raise ValueError(name)

    tasks = [
        asyncio.create_task(be("first", new, first)),
        asyncio.create_task(be("refers", refers, second)),
        asyncio.create_task(be("gone", refers, second)),
        asyncio.create_task(be("new", new, second)),
    ]
    await asyncio.sleep(0.01)
    assert inside == ["first", "new"]
    tasks[2].cancel()
    first.set()
    await asyncio.sleep(0.01)
    assert inside == ["first", "new", "refers"], "of another that came after it waits for nobody"
    second.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in done] == [
        ValueError,
        type(None),
        asyncio.CancelledError,
        type(None),
    ]

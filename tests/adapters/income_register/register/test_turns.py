"""Deliveries are taken in as they come: what refers to an earlier report finds it though the sender
did not wait for the acknowledgement, and new reports wait for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lxml import etree

from exchange.adapters.income_register.endpoints import wsdl
from exchange.adapters.income_register.listen import submit
from exchange.adapters.income_register.register.turns import invalidates, replaces
from exchange.assembly import Exchange
from exchange.journey import turns
from exchange.journey.turns import Turns
from exchange.schemas.call import Call
from exchange.settings import Settings
from exchange.storage.proof.verify import verify
from tests.adapters.income_register.clients import UNSIGNED, parsed, raw
from tests.adapters.income_register.endpoints.test_services import (
    EMPLOYER,
    invalidation_of,
    status_of,
)
from tests.adapters.income_register.hand_out.test_extraction import Straight
from tests.adapters.income_register.register.test_versions import (
    ask,
    codes,
    delivery,
    items,
    replaced,
)
from tests.journeys.running import Running, running
from tests.postgresql import LocalServer

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
    order, inside = Turns(None), list[str]()
    new, refers = False, True
    first, second = asyncio.Event(), asyncio.Event()

    async def be(name: str, refers: bool, until: asyncio.Event) -> None:
        async with order.turn("income-register", EMPLOYER, refers):
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


def test_what_refers_to_earlier_reports_is_told_from_the_bytes() -> None:
    new = b"<ActionCode>1</ActionCode>"
    assert not replaces(new * 3)
    assert not invalidates(new * 3)
    for other in (b"<ActionCode >2<", b"<ActionCode>2</ActionCode>", b"<ActionCode/>"):
        assert replaces(new + other + new)
    assert invalidates(b"<i:InvalidationsRequestToIR")


@pytest.fixture(params=["sqlite", "postgresql"])
async def workers(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: LocalServer
) -> AsyncIterator[list[Running]]:
    """Two workers on one ledger, each with turns of its own."""
    url = f"sqlite:///{tmp_path}/exchange.db"
    if request.param == "postgresql":
        url = postgresql.ledger().url
    settings = Settings(
        storage={"url": url},
        server={"workers": 2},
        rules=UNSIGNED,
        limits={"loop_bytes_max": 0},
    )
    opened: list[Any] = [
        SimpleNamespace(exchange=Exchange(settings, worker=number, transport=Straight()))
        for number in range(2)
    ]
    for each in opened:
        await each.exchange.open(deliver=False)
    yield opened
    for each in opened:
        await each.exchange.close()


async def there_are(turns: int, ledger: Any) -> None:
    """Wait until so many messages are being taken in by all workers together."""
    async with asyncio.timeout(20):
        while True:
            [(found,)] = await ledger.read(
                lambda connection: connection.execute("SELECT COUNT(*) FROM turn").fetchall()
            )
            if found == turns:
                return
            await asyncio.sleep(0.001)


async def test_a_replacement_waits_for_what_another_worker_takes_in(
    workers: list[Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = workers
    first = delivery(one, "W-1", reports=2, real_time=False)
    corrected, again = (delivery(one, f"W-{n}", reports=1, real_time=False) for n in (2, 3))
    for each in (corrected, again):
        report = etree.fromstring(raw(first.find(".//Report")))
        each.find(".//Report").getparent().replace(each.find(".//Report"), report)
    owner = first.findtext(".//DeliveryDataOwner/Code")
    service = ("WageReportService", "SendWageReports")
    invalidation = invalidation_of(owner, "W-4", "105", "W-1-0001")
    sends = [
        (one, *service, raw(first)),
        (other, *service, replaced(corrected, "W-1-0001")),
        (one, *service, replaced(again, "W-1-0001")),
        (other, "InvalidationService", "SendInvalidation", invalidation),
    ]
    judged, accept = asyncio.Event(), one.exchange.acceptance.accept

    async def late(*told: Any) -> Any:
        """As where much is judged."""
        await judged.wait()
        return await accept(*told)

    monkeypatch.setattr(one.exchange.acceptance, "accept", late)
    taking = []
    for number, (worker, *each) in enumerate(sends, 1):
        taking.append(asyncio.create_task(take(worker, *each)))
        await there_are(number, one.exchange.ledger)
    await asyncio.sleep(0.1)
    assert not any(each.done() for each in taking), "the first delivery is still being judged"
    judged.set()
    replies = await asyncio.gather(*taking)
    assert [status_of(each) for each in replies] == ["2", "2", "2", "3"]
    assert items(replies[3], "ValidItems") == [("W-1-0001", "4")]
    await there_are(0, one.exchange.ledger)
    told = await asyncio.to_thread(verify, one.exchange.ledger.where)
    assert told.clean


async def test_what_a_killed_worker_left_is_not_waited_for_for_ever(
    workers: list[Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = workers
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.1)
    given = delivery(one, "K-1", real_time=False)
    service = ("WageReportService", "SendWageReports")
    assert status_of(await take(one, *service, raw(given))) == "2"
    await one.exchange.ledger.take_turn("income-register", EMPLOYER)
    changed = delivery(one, "K-2", real_time=False)
    assert status_of(await take(other, *service, replaced(changed, "K-1-0001"))) == "2"
    await there_are(0, one.exchange.ledger)
    await one.exchange.ledger.take_turn("income-register", EMPLOYER)
    await one.exchange.close()
    await one.exchange.open(deliver=False)
    await there_are(0, other.exchange.ledger)

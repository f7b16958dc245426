"""Subscriptions: when they are due, and that their subscriber is delivered the reports of the span,
over a clock of the test's own.
"""

from __future__ import annotations

import asyncio
import datetime
import random
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange.adapters import income_register
from exchange.adapters.income_register import generate
from exchange.adapters.income_register.hand_out.extent import Extent
from exchange.adapters.income_register.orders.subscription import due_at, span
from exchange.adapters.income_register.partner import STUB
from exchange.assembly import Exchange, own_endpoints
from exchange.partners.stub import Situation
from exchange.ports import Inbound
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import EMPTY, Envelope
from exchange.settings import Settings
from exchange.web.figures.overview import Snapshots
from tests.adapters.income_register.clients import UNSIGNED, check_reply, raw

SAMPLES = Path(income_register.__file__).parent / "samples" / "valid"
KELA, EMPLOYER, BENEFITS = "kela.income-data", "employer.demo-oy", "kela.benefits"


def at(text: str) -> int:
    """A time as milliseconds."""
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)


class Hand:
    """A clock that the test sets."""

    def __init__(self, text: str) -> None:
        self.time = at(text)

    def now(self) -> int:
        self.time += 1
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += int(seconds * 1000)
        await asyncio.sleep(0)  # others go on meanwhile, as with every clock


class Straight:
    """Calls go to the stubs in this process; what was delivered is kept."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Call]] = []
        self.exchange: Exchange | None = None

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        assert self.exchange is not None
        self.calls.append((partner.id, call))
        served = STUB.serve(
            partner,
            call,
            Situation(random.Random(1), self.exchange.clock.now(), 1, self.exchange.directory),
        )
        assert served is not None
        return served.reply

    def extracts(self) -> list[Any]:
        """The FromIR documents that Kela was delivered, each checked."""
        found = [
            etree.fromstring(call.body)
            for partner, call in self.calls
            if partner == KELA and call.path.endswith("/from-ir")
        ]
        for document in found:
            check_reply(document)
        return found


SCHEDULES = {
    "daily": (
        {"times": [[18_000, 61_200, 2]]},
        ["2026-03-02T05:00:00+02:00", "2026-03-02T22:00:00+02:00", "2026-03-03T05:00:00+02:00"],
    ),
    "weekly": (
        {"times": [[75_600, 1, 1]], "weekdays": [4]},
        ["2026-03-06T21:00:00+02:00", "2026-03-13T21:00:00+02:00"],
    ),
    "monthly": (
        {"times": [[79_200, 1, 1]], "days": [15, 32], "months": [2, 6]},
        [
            "2026-06-15T22:00:00+03:00",
            "2026-06-30T22:00:00+03:00",
            "2027-02-15T22:00:00+02:00",
            "2027-02-28T22:00:00+02:00",
        ],
    ),
    "summer time begins": (
        {"times": [[12_600, 1, 1]], "weekdays": [6]},
        ["2026-03-08T03:30:00+02:00", "2026-03-15T03:30:00+02:00"],
    ),
}


def subscription(schedule: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A remembered subscription."""
    base = {
        "type": "2",
        "from": "2026-03-02",
        "to": "",
        "start": 0,
        "end": 0,
        "until": 0,
        "received": 0,
        "invalidated": False,
    }
    return {**base, "schedule": schedule, **more}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_followed_in_finnish_time(name: str) -> None:
    schedule, expected = SCHEDULES[name]
    data = subscription(schedule)
    for text in expected:
        assert due_at(data, at(text) - 1) == 0, text
        assert due_at(data, at(text)) == at(text), text
        data["until"] = at(text)


def test_spans_meet_without_gap_or_overlap_and_end_with_the_subscription() -> None:
    data = subscription(
        {"times": [[79_200, 1, 1]]}, start=at("2026-01-01T00:00:00+02:00"), to="2026-03-03"
    )
    spans = []
    for hour in range(24 * 14):
        if due := due_at(data, at("2026-03-02T08:30:00+02:00") + hour * 3_600_000):
            spans.append(span(data, due))
            data["until"] = due
    assert [start for start, _ in spans] == [at("2026-01-01T00:00:00+02:00"), spans[0][1]]
    assert [end for _, end in spans] == [
        at("2026-03-02T22:00:00+02:00"),
        at("2026-03-03T22:00:00+02:00"),
    ]


def test_an_extraction_from_before_the_clock_stepped_back_does_not_hold_the_next_one_up() -> None:
    day, ahead = at("2026-03-03T05:00:00+02:00"), at("2026-03-06T22:00:00+02:00")
    for more in ({"until": ahead}, {"received": ahead}):
        data = subscription({"times": [[18_000, 61_200, 2]]}, **more)
        assert due_at(data, day + 1000) == day
        start, end = span(data, day)
        assert start <= end == day
        assert due_at({**data, "until": day}, day + 1000) == 0


def test_what_was_received_before_the_clock_stepped_back_is_not_left_for_days() -> None:
    def received(number: int, at: int) -> Envelope:
        return Envelope(
            number, "", "", EMPLOYER, "", received_at=at, content_type="", position=number
        )

    extent = Extent((100, 200), 0, 9, 0, True, made_at=250)
    assert [extent.covers(received(1, 150)), extent.covers(received(2, 5000))] == [True, True]
    assert extent.left == 9
    assert not extent.covers(received(3, 220))
    assert extent.left == 2


def test_one_time_subscriptions_are_extracted_once_and_invalidated_ones_never() -> None:
    once = subscription(
        {"times": [[43_200, 1, 1]]},
        type="1",
        start=at("2026-01-01T00:00:00Z"),
        end=at("2026-02-01T00:00:00Z"),
    )
    late = at("2026-04-01T00:00:00Z")
    due = due_at(once, late)
    assert due == at("2026-03-02T12:00:00+02:00")
    assert span(once, due) == (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"))
    assert due_at({**once, "until": due}, late) == 0
    assert due_at({**once, "invalidated": True}, late) == 0
    assert (
        due_at(subscription({"times": [[43_200, 1, 1]], "days": [31], "months": [2]}), late) == 0
    ), "no February has 31 days"


def test_times_that_were_missed_are_made_up_for_at_once() -> None:
    data = subscription({"times": [[0, 10, 8640]]}, until=at("2026-03-02T08:00:00+02:00"))
    due = due_at(data, at("2026-03-04T12:00:07+02:00"))
    assert due == at("2026-03-04T12:00:00+02:00")
    assert span(data, due) == (at("2026-03-02T08:00:00+02:00"), due)


async def accept(exchange: Exchange, partner: str, body: bytes) -> Any:
    """Take a deferred delivery in."""
    sender = exchange.directory.get(partner)
    assert sender is not None
    outcome = await exchange.desk(exchange.channels["income-register"]).accept(
        Inbound(sender, body, "text/xml", "deferred")
    )
    assert outcome.kind == "accepted", [violation.as_text() for violation in outcome.violations]
    return outcome


def order(exchange: Exchange, kind: str, profile: str = "") -> bytes:
    """Kela's subscription: daily at five, from 2026-03-02 on."""
    kela = exchange.directory.get(KELA)
    assert kela is not None
    root = etree.parse(
        str(SAMPLES / "income-register.subscriptions--all-wage-reports-daily.xml")
    ).getroot()
    for code in root.iterfind("DeliveryData/*/Code"):
        code.text = kela.business_id
    root.find("DeliveryData/Timestamp").text = "2026-03-02T06:00:00Z"
    root.find("DeliveryData/DeliveryId").text = f"order-{kind}"
    main = root.find("DeliveryData/MainSubscription")
    main.find("MainSubscriptionId").text = f"main-{kind}"
    main.find("ValidFrom").text = "2026-03-02"
    part = main.find("Subscriptions/Subscription")
    part.find("QueryDataType").text = kind
    if profile:
        element = etree.Element("QueryProfile")
        element.text = profile
        part.insert(2, element)
    return raw(root)


async def counted_as_handed_on(exchange: Exchange, wages: int, benefits: int) -> None:
    """What Kela was handed is counted by its reports, and comes in by the watch alone."""
    totals = await exchange.ledger.totals(("message_type", "receiver", "kind"))
    handed_on = {
        key[0]: number
        for key, _, number, _ in totals
        if key[1:] == (KELA, "delivered") and key[0].endswith("from-ir")
    }
    assert handed_on == {
        "income-register.wage-reports-from-ir": wages,
        "income-register.benefit-reports-from-ir": benefits,
    }
    received = {
        key[:2]: key[2]
        for key, *_ in await exchange.ledger.totals(("message_type", "endpoint", "kind"))
        if key[2] == "received"
    }
    own = {endpoint for name, endpoint in own_endpoints() if name == "income-register"}
    assert {kind for kind, endpoint in received if endpoint in own} == set(handed_on), (
        "nobody else comes in by the watch's endpoint"
    )
    assert not {kind for kind, endpoint in received if endpoint not in own} & set(handed_on)


async def test_kela_is_delivered_what_it_subscribed_to(tmp_path: Path) -> None:
    clock, transport = Hand("2026-03-02T08:00:00+02:00"), Straight()
    exchange = Exchange(
        Settings(storage={"url": f"sqlite:///{tmp_path}/exchange.db"}, rules=UNSIGNED),
        clock=clock,
        transport=transport,
    )
    transport.exchange = exchange
    await exchange.open(deliver=False)
    await accept(exchange, KELA, order(exchange, "300", "benefit-decision"))
    await accept(exchange, KELA, order(exchange, "315"))
    employer, payer = exchange.directory.get(EMPLOYER), exchange.directory.get(BENEFITS)
    assert employer is not None
    assert payer is not None
    day = datetime.date(2026, 3, 2)

    def wages(name: str, count: int) -> bytes:
        batch = generate.Batch(employer.business_id, employer.business_id, day, name, count, False)
        return generate.wage_delivery(random.Random(name), batch)

    await accept(exchange, EMPLOYER, wages("one", 4))
    batch = generate.Batch(payer.business_id, payer.business_id, day, "ben", 2, False)
    await accept(exchange, BENEFITS, generate.benefit_delivery(random.Random(1), batch, "kela"))
    await exchange.watching.once()
    assert transport.extracts() == [], "nothing is due yet"
    clock.time = at("2026-03-03T05:00:10+02:00")
    exchange.dispatcher.start()
    await exchange.watching.once()
    await exchange.watching.once()
    await settled(exchange)
    first = {
        document.findtext("Subscription/QueryDataType"): document
        for document in transport.extracts()
    }
    assert {kind: document.findtext("Summary/NrOfReports") for kind, document in first.items()} == {
        "300": "4",
        "315": "2",
    }
    assert len(transport.extracts()) == 2, "each is extracted once"
    report = first["300"].find("Reports/Report")
    assert report.find("IncomeEarner/PensionInsurance") is None, "the profile leaves it out"
    assert report.find("IncomeEarner/IncomeEarnerIds") is not None
    assert first["300"].findtext("Query/QueryTimespanEnd") == "2026-03-03T03:00:00.000Z"
    await accept(exchange, EMPLOYER, wages("two", 3))
    clock.time = at("2026-03-04T05:00:10+02:00")
    await exchange.watching.once()
    await settled(exchange)
    second = [
        document
        for document in transport.extracts()[2:]
        if document.findtext("Subscription/QueryDataType") == "300"
    ]
    names = [each.text for each in second[0].iterfind("Reports/Report/ReportData/ReportId")]
    assert names == ["two-0001", "two-0002", "two-0003"]
    await counted_as_handed_on(exchange, 7, 2)
    by_process = await exchange.ledger.totals(("message_type", "process", "kind"))
    delivered = {key[:2]: count for key, count, *_ in by_process if key[2] == "delivered"}
    assert delivered == {
        ("income-register.benefit-reports", ""): 1,
        ("income-register.wage-reports-from-ir", ""): 2,
        ("income-register.benefit-reports-from-ir", ""): 1,
        ("income-register.benefit-reports-from-ir", EMPTY): 1,
    }, "an extraction without a report is told apart"
    snapshot = await Snapshots(exchange.ledger, clock, ("income-register",)).current()
    shown = snapshot.channels["income-register"]
    assert (shown["delivered"], shown["empty"]) == (5, 1)
    await exchange.close()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<NrOfReports>1", "<NrOfReports>x"),
        ("<ReportVersion>1", "<ReportVersion>x"),
        ("</Reports>", "</Reports><More/>"),
    ],
    ids=["before the reports", "in a report", "after the reports"],
)
async def test_what_the_register_renders_wrong_is_told_where_it_stands(
    tmp_path: Path, right: str, wrong: str
) -> None:
    exchange = Exchange(
        Settings(storage={"url": f"sqlite:///{tmp_path}/exchange.db"}, rules=UNSIGNED)
    )
    await exchange.open(deliver=False)
    register = exchange.directory.get("income-register")
    assert register is not None
    text = (SAMPLES / "income-register.wage-reports-from-ir--one-report.xml").read_text(
        encoding="utf-8"
    )
    before, _, after = text.partition(right)
    hints = {"subscription": "1" * 32, "receiver": KELA, "until": ""}
    desk = exchange.desk(exchange.channels["income-register"])
    own = [
        Inbound(register, each.encode(), "text/xml", "subscription", hints)
        for each in (before + wrong + after, text)
    ]
    rejected, accepted = [await desk.accept(each) for each in own]
    await exchange.close()
    assert (rejected.kind, accepted.kind, accepted.envelope.items) == ("rejected", "accepted", 1)
    assert {violation.line for violation in rejected.violations} == {before.count("\n") + 1}


async def settled(exchange: Exchange) -> None:
    """Let the dispatcher make what waits."""
    for _ in range(2000):
        if not any((await exchange.ledger.waiting_by_channel()).values()):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("deliveries still wait")

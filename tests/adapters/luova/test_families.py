"""The families over Luova the whole way: what the stubs send is taken, answered and counted in its
row, and what is wrong is told.
"""

from __future__ import annotations

import datetime
import functools
import random
from pathlib import Path

import pytest

from exchange.adapters.luova import discovery
from exchange.adapters.luova.families.bilateral.generate import RECORDS, message
from exchange.adapters.luova.families.pension import partner as partner_pension
from exchange.adapters.luova.families.pension.generate import DECISIONS, UNPAID_PERIODS, decisions
from exchange.adapters.luova.families.tax.partner import REQUESTS_2024, RESPONSES_2024, is_answered
from exchange.adapters.luova.routing import ROUTES
from exchange.assembly import checking
from exchange.partners.stub import Situation
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Partner, load
from exchange.schemas.violation import Violation
from exchange.statistics import rows
from exchange.statistics.count import DIMENSIONS, Period, count
from tests.journeys.running import Running, running

DAY = datetime.date(2024, 5, 2)
NOON = 1_714_644_000_000
#: Row of the statistics -> the type that it counts.
COUNTED = {
    "bilateral.circumstance-changes": "bilateral.circumstance-changes",
    "bilateral.insurance": "bilateral.insurance",
    "bilateral.supplementary-pensions": "bilateral.supplementary-pensions",
    "pension.decisions-received": "pension.decisions",
    "pension.work-history-queries": "pension.work-history-query",
    "pension.unpaid-periods-sent": "pension.unpaid-periods",
    "pension.accident-data-queries": "pension.accident-data-query",
    "payments.messages-sent": "payments.credit-transfers",
    "payments.payments-in-messages": "payments.credit-transfers",
    "certificates.received": "certificates.document",
    "tax.requests-sent": "tax.request",
    "tax.responses-received": "tax.response",
}
#: The stubs of the families that `COUNTED` and `ANSWERS` name.
STUBS = [
    discovery.parts("partner")[family]
    for family in ("bilateral", "certificates", "payments", "pension", "tax")
]
ANSWERS = {"pension.work-history", "pension.accident-data", "tax.response"}
judge = functools.cache(checking)


def check(type_name: str, body: bytes, sender: str) -> list[Violation]:
    partner = load().get(sender)
    assert partner is not None
    return judge().check(body, type_name, partner).violations


def partner(name: str) -> Partner:
    found = load().get(name)
    assert found is not None
    return found


async def lines_of(run: Running) -> dict[str, float | None]:
    totals = await run.exchange.ledger.totals(DIMENSIONS)
    known = [each.name for each in Catalogue.load()]
    counted = count(rows.load(), [(run.exchange.directory, totals)], known, Period(2024))
    return {line.row.id: line.counted for line in counted}


async def test_every_flow_is_taken_delivered_answered_and_counted_in_its_row_alone(
    tmp_path: Path,
) -> None:
    """One call of each flow, and nothing else: each row has what was sent of its type, to the item,
    and no other row has any.
    """
    directory = load()
    sent: dict[str, list[int]] = {}
    async with running(tmp_path) as run:
        flows = [flow for family in STUBS for flow in family.flows(directory)]
        for serial, flow in enumerate(flows, 1):
            sending = flow.make(Situation(random.Random(serial), NOON, serial, directory))
            headers = {
                name.replace("-", "_"): value for name, value in sending.call.headers.items()
            }
            status, _, body = await run.post(sending.call.path, sending.call.body, "", **headers)
            assert status == 202, (flow.name, body)
            sent.setdefault(flow.message_type, []).append(sending.items)
        await run.settled()
        await run.settled()  # what was sent in answer is delivered too
        lines = await lines_of(run)
        counts = await run.counts("luova")
        assert run.verify().clean
    queries = (
        len(sent["pension.work-history-query"])
        + len(sent["pension.accident-data-query"])
        + len(sent["tax.request"])
    )
    assert counts["accepted"] == counts["delivered"] == len(flows) + queries
    expected: dict[str, float] = {}
    for row in rows.load().rows:
        if row.id in COUNTED:
            items = sent.get(COUNTED[row.id], [1])
            expected[row.id] = sum(items) if row.measure == "items" else len(items)
    per_day = sum(expected.values()) - expected["payments.payments-in-messages"]
    # Answers that no row counts are messages that Luova carries, too.
    per_day += len(sent["pension.work-history-query"]) + len(sent["pension.accident-data-query"])
    expected["luova.messages-per-day"] = per_day / Period(2024).days
    assert {name: counted for name, counted in lines.items() if counted} == expected
    assert None not in lines.values(), "every row of the statistics has a type"


def test_the_weights_of_the_flows_are_the_published_figures() -> None:
    per_message = {
        **RECORDS,
        "pension.decisions": DECISIONS,
        "pension.unpaid-periods": UNPAID_PERIODS,
    }
    published = {row.id: row.published[2024] for row in rows.load().rows}
    sent: dict[str, float] = {}
    for family in STUBS:
        for flow in family.flows(load()):
            sent[flow.message_type] = sent.get(flow.message_type, 0) + flow.weight
    for row, message_type in COUNTED.items():
        if row == "payments.payments-in-messages" or message_type in ANSWERS:
            continue
        mean = sum(per_message.get(message_type, (1, 1))) / 2
        assert sent[message_type] * mean == pytest.approx(published[row]), row


def test_of_any_first_requests_the_published_share_is_answered() -> None:
    published = {row.id: row.published[2024] for row in rows.load().rows if row.section == "tax"}
    assert published == {
        "tax.requests-sent": REQUESTS_2024,
        "tax.responses-received": RESPONSES_2024,
    }
    answered = 0
    for number in range(1, 20_001):
        answered += is_answered(number)
        assert abs(answered - number * RESPONSES_2024 / REQUESTS_2024) <= 1
    assert answered == 19_948


def test_a_second_delivery_of_a_query_gets_the_same_answer() -> None:
    directory = load()
    query = next(
        flow
        for flow in partner_pension.flows(directory)
        if flow.message_type == "pension.work-history-query"
    )
    stub = partner_pension.ANSWERS[query.message_type]
    sending = query.make(Situation(random.Random(1), NOON, 1, directory))
    service = partner("etk.authority-service")
    first, second = (
        stub(service, sending.call, "0" * 32, Situation(random.Random(n), NOON, n, directory))
        for n in (1, 2)
    )
    assert first[0].call == second[0].call


@pytest.mark.parametrize("name", sorted({*COUNTED.values(), *ANSWERS}))
def test_each_type_says_what_it_is(name: str) -> None:
    found = Catalogue.load().get(name)
    assert found is not None
    assert found.basis == ("published" if name.startswith("payments.") else "modelled")
    assert found.item
    assert name in ROUTES


async def test_a_sector_that_may_not_send_a_type_is_told_so(tmp_path: Path) -> None:
    directory = load()
    async with running(tmp_path) as run:
        for family in STUBS:
            flow = family.flows(directory)[0]
            sending = flow.make(Situation(random.Random(1), NOON, 1, directory))
            headers = {
                name.replace("-", "_"): value
                for name, value in sending.call.headers.items()
                if name != "X-API-Key"
            }
            status, _, body = await run.post(
                sending.call.path, sending.call.body, "employer.demo-oy", **headers
            )
            assert status == 403, body
            assert b"luova.sender" in body


async def test_data_between_two_foreign_institutions_or_within_finland_is_no_bilateral_exchange(
    tmp_path: Path,
) -> None:
    american, swede, kela = (
        partner("foreign.us.ssa"),
        partner("eessi.se.fk"),
        partner("kela.international"),
    )
    async with running(tmp_path) as run:
        for sender, receiver, claimed in (
            (american, swede, (american, swede)),
            (american, swede, (american, kela)),
            (american, kela, (swede, kela)),
            (partner("kela.benefits"), kela, (kela, swede)),
        ):
            made = message("bilateral.insurance", random.Random(1), DAY, 1, *claimed)
            sent = {
                "X_Message_Type": "bilateral.insurance",
                "X_Message_Id": "m",
                "X_Receiver": receiver.id,
            }
            status, _, body = await run.post("/luova/v1/messages", made.body, sender.id, **sent)
            assert (status, b"bilateral.ends" in body) == (422, True), body


def test_an_institution_speaks_for_itself_only() -> None:
    made = decisions(random.Random(1), DAY, 1, partner("pension.elo"))
    assert check("pension.decisions", made.body, "pension.elo") == []
    assert [each.rule for each in check("pension.decisions", made.body, "pension.varma")] == [
        "pension.institution"
    ]


def test_a_violation_in_a_record_says_which() -> None:
    made = decisions(random.Random(1), DAY, 1)
    body = made.body.replace(b"<DecidedOn>2024", b"<DecidedOn>2025")
    violations = check("pension.decisions", body, "pension.elo")
    told = [each for each in violations if each.rule == "pension.decided-later"]
    assert [each.item for each in told] == list(range(made.items))

"""The shapes of what partners report, measured on the messages in the ledger beside the published
ones: sizes, transactions, replacements, punctuality.

Sources: Statistics Finland (wages of a year; benefits of January to April 2021), the Incomes
Register Unit (punctuality in early 2020, replacements of 2022).
"""

from __future__ import annotations

import asyncio
import datetime
import random
import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import pytest

from exchange import discovery
from exchange.adapters.income_register.partner import STUB
from exchange.partners.stub import Flow, Situation, Wanted
from exchange.schemas import directory
from exchange.schemas.call import Reply
from exchange.simulation.plan import plan
from exchange.simulation.workload import load
from exchange.statistics.days import FINLAND
from tests.adapters.income_register.data_user import World
from tests.adapters.income_register.hand_out.test_extraction import at

#: A Wednesday, in the year that is planned.
DAY = "2024-03-13"
WAGES, BENEFITS = "income-register.wage-reports", "income-register.benefit-reports"
#: Messages that partners are let send of each type.
ARRIVALS = {WAGES: 600, BENEFITS: 150}
#: Deliveries that nobody plans; one of benefits is as large as forty of wages.
UNPLANNED = {WAGES: 400, BENEFITS: 100}
#: Per delivery, per report, and shares of reports: as published, with the room that so few
#: messages need.
PUBLISHED: dict[str, dict[str, tuple[float, float]]] = {
    WAGES: {
        "reports a delivery": (5, 0.5),
        "transactions a report": (6, 0.3),
        "replacements": (0.042, 0.012),
        "before the payment": (0.621, 0.05),
        "one to five days after": (0.211, 0.05),
    },
    BENEFITS: {
        "reports a delivery": (177, 15),
        "transactions a report": (1.7, 0.1),
        "replacements": (0.013, 0.011),
    },
}


def planned(message_type: str) -> Iterator[tuple[Flow, Wanted]]:
    """What a year at a fifth plans for that day, with how many reports each message is to hold."""
    flows = [flow for stub in discovery.stubs() for flow in stub.flows(directory.load())]
    found = plan(load(), flows, 2024, Fraction(1, 5), 1)
    everybody = frozenset(each.flow.partner for each in found.planned)
    day = datetime.date.fromisoformat(DAY).timetuple().tm_yday - 1
    for arrival in found.arrivals(day, everybody):
        flow = found.flow(arrival.planned)
        if flow.message_type == message_type:
            yield flow, {message_type: arrival.items}.get


@pytest.mark.drill
@pytest.mark.parametrize("message_type", [WAGES, BENEFITS])
async def test_messages_have_the_shapes_that_were_published(
    world: World, message_type: str
) -> None:
    world.clock.time = at(f"{DAY}T08:00:01+02:00")
    await world.begin()
    sendings = [
        flow.make(world.situation(wanted))
        for flow, wanted in islice(planned(message_type), ARRIVALS[message_type])
    ]
    statuses = await asyncio.gather(*(world.carry([sending]) for sending in sendings))
    assert {status for each in statuses for status in each} == {200}
    found = await shapes(world, message_type)
    for name, (published, _) in PUBLISHED[message_type].items():
        print(f"{message_type}: {name}: published {published}, simulated {found[name]:.3f}")
    for name, (published, room) in PUBLISHED[message_type].items():
        assert abs(found[name] - published) <= room, name
    assert await received(world, message_type) == found["reports"], "each version is handed on"


@pytest.mark.parametrize("message_type", [WAGES, BENEFITS])
def test_deliveries_that_nobody_plans_are_as_large(message_type: str) -> None:
    everybody = directory.load()
    flows = [flow for flow in STUB.flows(everybody) if flow.message_type == message_type]
    sizes: list[int] = []
    for number in range(UNPLANNED[message_type]):
        situation = Situation(random.Random(number), at(DAY), number, everybody)
        sending = flows[number % len(flows)].make(situation)
        sizes.append(sending.items)
        if sending.then is not None:
            following = sending.then(Reply(200, b""), situation)
            sizes += [each.items for each in following if each.items]
    published, room = PUBLISHED[message_type]["reports a delivery"]
    assert abs(sum(sizes) / len(sizes) - published) <= room


async def shapes(world: World, message_type: str) -> dict[str, float]:
    """The shapes of the messages of a type that the ledger holds."""
    desk = world.exchange.desk(world.exchange.channels["income-register"])
    deliveries = reports = transactions = replacements = before = after = 0
    last = await desk.position()
    while page := await desk.stored((message_type,), 0, last, 100, newest_first=True):
        for envelope, body in page:
            count = len(re.findall(rb"<Report>", body))
            assert count == envelope.items
            sent = datetime.datetime.fromtimestamp(envelope.received_at / 1000, FINLAND).date()
            paid = re.search(rb"<PaymentDate>([0-9-]{10})<", body)
            assert paid is not None
            days = (sent - datetime.date.fromisoformat(paid[1].decode())).days
            deliveries += 1
            reports += count
            transactions += len(re.findall(rb"<Transaction>", body))
            replacements += len(re.findall(rb"<ActionCode>2<", body))
            before += count * (days < 0)
            after += count * (1 <= days <= 5)
        last = page[-1][0].position - 1
    return {
        "reports": reports,
        "reports a delivery": reports / deliveries,
        "transactions a report": transactions / reports,
        "replacements": replacements / reports,
        "before the payment": before / reports,
        "one to five days after": after / reports,
    }


async def received(world: World, message_type: str) -> int:
    """How many reports of a type Kela is handed."""
    await world.until(f"{DAY}T09:00:00+02:00")
    kind = "300" if message_type == WAGES else "315"
    return sum(
        int(document.findtext("Summary/NrOfReports"))
        for document in world.transport.extracts()
        if document.findtext("Subscription/QueryDataType") == kind
    )

"""Kela as a user of the register's data: its stub subscribes by itself, employers report, the clock
moves, and what is handed on is counted.
"""

from __future__ import annotations

import random

import pytest

from exchange.adapters.income_register.hand_out.extraction import REPORTS_MAX
from exchange.adapters.income_register.partner import STUB
from exchange.adapters.income_register.partner.data_user import (
    EXTRACTS,
    READ_WHOLE_ONE_IN,
    SERVICE,
    SUBSCRIPTIONS,
    subscription,
)
from exchange.adapters.income_register.partner.payroll import _call
from exchange.assembly import statistics_report
from exchange.partners.stub import Sending, Situation
from exchange.schemas.call import Call
from exchange.simulation.endpoints import InsideEndpoints
from exchange.storage.proof.verify import verify
from tests.adapters.income_register.data_user import DAY, World
from tests.adapters.income_register.endpoints.test_services import invalidation_of
from tests.adapters.income_register.hand_out.test_extraction import (
    BENEFITS,
    EMPLOYER,
)


async def test_kela_subscribes_by_itself_and_what_it_is_handed_is_counted(world: World) -> None:
    assert await world.begin() == [200, 200, 200, 200], "it asks, then subscribes"
    await world.report(EMPLOYER, "one", 4)
    await world.report("fund.ytk", "ben", 2, "fund")
    await world.report(BENEFITS, "own", 3, "kela")
    assert await world.until(f"{DAY}T08:00:04+02:00") == [], "nothing is due yet"
    handed = await world.until(f"{DAY}T08:00:13+02:00")
    assert [sorted(each) for each in handed] == [
        [f"one-{number:04d}" for number in range(1, 5)],
        ["ben-0001", "ben-0002", "own-0001", "own-0002", "own-0003"],
    ], "Kela's own reports come back to it"
    await world.report(EMPLOYER, "two", 1, two_0001="one-0002")
    employer = world.exchange.directory.get(EMPLOYER)
    assert employer is not None
    await world.take(
        EMPLOYER,
        invalidation_of(employer.business_id, "inv", "105", "one-0003").replace(
            b"InvalidationRequest", b"InvalidationsRequest"
        ),
    )
    wages, benefits = await world.until(f"{DAY}T08:00:23+02:00")
    assert wages == {"one-0002": ("300", "1", "2"), "one-0003": ("300", "2", "2")}, (
        "what changed, wherever it was given"
    )
    assert benefits == {}, "a material without reports says that nothing changed"

    assert await world.begin() == [200, 200], "what is there is not subscribed to again"
    totals = await world.exchange.ledger.totals(("message_type", "kind"))
    counts = {key: (number, items) for key, number, items, _ in totals}
    assert counts["income-register.subscriptions", "accepted"][0] == len(SUBSCRIPTIONS)
    assert counts["income-register.wage-reports-from-ir", "delivered"] == (2, 6)
    assert counts["income-register.benefit-reports-from-ir", "delivered"] == (2, 5)
    path = world.exchange.ledger.path
    await world.exchange.close()
    lines = {line.row.id: line.counted for line in statistics_report(path, 2024).lines}
    assert lines["income.wage-reports-received"] == 6
    assert lines["income.benefit-reports-received"] == 5
    assert lines["income.benefit-reports-sent"] == 3
    result = verify(path)
    assert result.clean, [(check.name, check.broken) for check in result.checks if check.broken]


EXTRACT = (
    b"<e><Summary><NrOfReports>2</NrOfReports></Summary><Report>1</Report><Report>2</Report></e>"
)


@pytest.mark.parametrize(
    ("body", "serial", "status"),
    [
        (EXTRACT, 0, 200),
        (EXTRACT, 1, 200),
        (EXTRACT[:-4], READ_WHOLE_ONE_IN, 400),
        (EXTRACT.replace(b">2</Nr", b">3</Nr"), 0, 400),
        (EXTRACT.replace(b">2</Nr", b">3</Nr"), 1, 400),
        (b"", 1, 400),
    ],
)
def test_kela_counts_what_it_is_handed_and_reads_some_of_it_whole(
    world: World, body: bytes, serial: int, status: int
) -> None:
    directory = world.exchange.directory
    kela = directory.serving("income-data")
    assert kela is not None
    served = STUB.serve(
        kela, Call("POST", EXTRACTS, {}, body), Situation(random.Random(1), 0, serial, directory)
    )
    assert served is not None
    assert served.reply.status == status, served.reply.body


async def test_a_report_that_was_changed_within_a_span_is_told_once_where_that_is_asked(
    world: World,
) -> None:
    await subscribe_to_newest(world)
    await world.report(EMPLOYER, "one", 3)
    await world.report(EMPLOYER, "two", 1, two_0001="one-0001")
    employer = world.exchange.directory.get(EMPLOYER)
    assert employer is not None
    for name, kind, item in (("i1", "105", "one-0002"), ("i2", "109", "one")):
        outcome = await by_soap(world, invalidation_of(employer.business_id, name, kind, item))
        assert b"<DeliveryDataStatus>3<" in outcome
    wages, _ = await world.until(f"{DAY}T08:00:13+02:00")
    assert wages == {
        "one-0001": ("300", "2", "3"),
        "one-0002": ("300", "2", "2"),
        "one-0003": ("300", "2", "2"),
    }
    contents = world.transport.extracts()[0].findall("Reports/Report")
    assert all(each.find("IncomeEarner") is not None for each in contents), (
        "with the contents of the version before"
    )


async def subscribe_to_newest(world: World) -> None:
    """Subscribe to the last version of each report in a span, not to every one as Kela's stub."""
    kela = world.exchange.directory.serving(SERVICE)
    assert kela is not None
    for name in SUBSCRIPTIONS:
        document = subscription(kela, name, world.clock.now())
        asked = b"<IncludeAllVersions>%b</IncludeAllVersions>"
        assert asked % b"true" in document
        newest = document.replace(asked % b"true", asked % b"false")
        call = _call(kela, "SubscriptionService", "ProcessSubscription", newest)
        assert await world.carry([Sending(call)]) == [200]


async def by_soap(world: World, document: bytes) -> bytes:
    """The reply to a real-time invalidation by the employer."""
    inside = InsideEndpoints(
        world.exchange.channels.values(),
        world.exchange.desk,
        world.exchange.directory,
        world.exchange.requests,
    )
    employer = world.exchange.directory.get(EMPLOYER)
    assert employer is not None
    return (
        await inside.call(_call(employer, "InvalidationService", "SendInvalidation", document))
    ).body


async def test_many_reports_are_handed_on_in_several_documents(world: World) -> None:
    await world.begin()
    for number in range(5):
        await world.report(EMPLOYER, f"many{number:02d}", 180)
    handed = await world.until(f"{DAY}T08:00:13+02:00")
    assert [len(each) for each in handed] == [REPORTS_MAX] * 3 + [150, 0]
    assert len({name for each in handed for name in each}) == 900

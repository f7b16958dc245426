"""What a worker commits late, after others with later ids, is found and handed on all the same: the
index and the subscriptions go on by positions, not by ids or times.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from exchange.adapters.income_register.document import WAGE_REPORTS
from exchange.adapters.income_register.hand_out import extraction
from exchange.adapters.income_register.orders.conditions import of_data
from exchange.adapters.income_register.orders.subscription import ALL
from exchange.adapters.income_register.register import index
from exchange.adapters.income_register.register_records import subscription_key
from exchange.assembly import Exchange
from exchange.ports.ledger import Record, Recorded, Remember
from exchange.settings import Settings
from tests.adapters.income_register.clients import UNSIGNED
from tests.adapters.income_register.data_user import DAY, World
from tests.adapters.income_register.hand_out.test_extraction import EMPLOYER, at
from tests.adapters.income_register.orders.test_query_data_type import (
    CODE,
    OTHER,
    deliveries,
    reports_of,
)
from tests.adapters.income_register.register.test_index import found, of_earner

LATE = ("late-a", "late-b", "late-c")
#: Three seconds as the clock of the exchange tells them, at its own pace and at 600 times that.
LATER = {"1x": f"{DAY}T08:00:16+02:00", "600x": f"{DAY}T08:30:13+02:00"}


@dataclass
class Slow:
    """Another worker on the same ledger, whose commits wait for `may`."""

    world: World
    may: asyncio.Event = field(default_factory=asyncio.Event)
    taken_in: int = 0

    async def begin(self) -> list[asyncio.Task[Any]]:
        """Let it take reports in, ids and all, and not commit them."""
        tasks = [asyncio.create_task(self.world.report(EMPLOYER, name, 1)) for name in LATE]
        async with asyncio.timeout(10):
            while self.taken_in < len(LATE):
                await asyncio.sleep(0.005)
        return tasks


@asynccontextmanager
async def slow_worker(world: World) -> AsyncIterator[Slow]:
    """A second worker, which commits late."""
    settings = Settings(
        storage={"url": f"sqlite:///{world.exchange.ledger.path}"},
        server={"workers": 2},
        rules=UNSIGNED,
    )
    exchange = Exchange(settings, 1, clock=world.clock, transport=world.transport)
    await exchange.open(deliver=False)
    slow = Slow(World(exchange, world.clock, world.transport, world.serial))
    commit = exchange.ledger.record

    async def late(record: Record) -> Recorded:
        slow.taken_in += 1
        await slow.may.wait()
        return await commit(record)

    exchange.ledger.record = late  # type: ignore[method-assign]
    yield slow
    await exchange.close()


def told(documents: list[dict[str, Any]]) -> list[str]:
    """The reports in some documents."""
    return sorted(report for each in documents for report in each)


@pytest.mark.parametrize("pace", LATER)
async def test_reports_committed_late_are_handed_to_their_subscriber_and_found(
    world: World, pace: str
) -> None:
    await world.begin()
    desk = world.exchange.desk(world.exchange.channels["income-register"])
    async with slow_worker(world) as slow:
        waiting = await slow.begin()
        world.clock.time += 1
        await world.report(EMPLOYER, "on-time", 1)
        assert told(await world.until(f"{DAY}T08:00:13+02:00")) == ["on-time-0001"]
        [held] = await deliveries(world, WAGE_REPORTS)
        earner = reports_of(held)[0].findtext(CODE)
        assert await found(desk, of_earner(earner)) == [held.envelope.id], "the index has gone on"
        world.clock.time = at(LATER[pace])
        slow.may.set()
        await asyncio.gather(*waiting)
        handed = told(await world.until(f"{DAY}T08:45:03+02:00"))
        assert handed == [f"{name}-0001" for name in LATE]
        every = await deliveries(world, WAGE_REPORTS)
        assert len(every) == 1 + len(LATE)
        for each in every:
            code = reports_of(each)[0].findtext(CODE)
            assert each.envelope.id in await found(desk, of_earner(code))
    assert told(await world.until(f"{DAY}T09:00:03+02:00")) == [], "once"


async def test_what_came_in_after_an_extractions_end_is_left_for_the_next(world: World) -> None:
    await world.begin()
    await world.report(EMPLOYER, "before", 1)
    world.clock.time = at(f"{DAY}T08:00:12+02:00")
    await world.report(EMPLOYER, "after", 1)
    world.clock.time = at(f"{DAY}T08:00:09+02:00")
    await world.report(EMPLOYER, "set-back", 1)
    assert told(await world.until(f"{DAY}T08:00:13+02:00")) == ["before-0001", "set-back-0001"]
    assert told(await world.until(f"{DAY}T08:00:23+02:00")) == ["after-0001"]
    assert told(await world.until(f"{DAY}T08:00:33+02:00")) == []


async def test_an_extraction_that_was_broken_off_is_made_again_of_the_same_messages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.begin()
    await world.report(EMPLOYER, "one", 3)
    monkeypatch.setattr(extraction, "REPORTS_MAX", 2)
    accept, serial = type(world.exchange.acceptance).accept, itertools.count()

    async def breaks(*arguments: Any) -> Any:
        if next(serial) == 1:
            raise ZeroDivisionError("broken off")
        return await accept(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(type(world.exchange.acceptance), "accept", breaks)
        world.clock.time = at(f"{DAY}T08:00:13+02:00")
        with pytest.raises(ZeroDivisionError):
            await world.exchange.watching.once()
    world.clock.time = at(f"{DAY}T08:00:09+02:00")
    await world.report(OTHER, "meanwhile", 1)
    again = told(await world.until(f"{DAY}T08:00:14+02:00"))
    assert {"one-0003", "one-0001"} & set(again)
    assert "meanwhile-0001" not in again
    handed = [
        each.text
        for document in world.transport.extracts()
        for each in document.iterfind("Reports/Report/ReportData/ReportId")
    ]
    assert sorted(handed) == ["one-0001", "one-0002", "one-0003"], "each once"
    assert told(await world.until(f"{DAY}T08:00:23+02:00")) == ["meanwhile-0001"]


async def test_what_was_remembered_before_there_were_positions_is_gone_on_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "SEGMENT_MESSAGES", 2)
    await world.begin()
    desk = world.exchange.desk(world.exchange.channels["income-register"])
    await world.report(EMPLOYER, "one", 1)
    await world.report(EMPLOYER, "two", 1)
    await world.until(f"{DAY}T08:00:13+02:00")
    held = await deliveries(world, WAGE_REPORTS)
    code = reports_of(held[0])[0].findtext(CODE)
    expected = await found(desk, of_earner(code))
    state = (await desk.recall(["i/state"]))["i/state"]
    earlier = {"segments": state.value["segments"], "last": held[-1].envelope.id}
    assert await desk.note([Remember("i/state", earlier, state.version)])
    for register_id in (await desk.recall([ALL]))[ALL].value:
        known = (await desk.recall([subscription_key(register_id)]))[subscription_key(register_id)]
        assert min(known.value["position"], known.value["until"]) > 0
        for name in ("position", "left", "begun"):
            del known.value[name]
        await desk.note([Remember(subscription_key(register_id), known.value, known.version)])
    other = world.exchange.desk(world.exchange.channels["income-register"])
    assert await found(other, of_earner(code)) == expected
    await world.report(EMPLOYER, "three", 1)
    assert told(await world.until(f"{DAY}T08:00:23+02:00")) == ["three-0001"]
    messages = [each.envelope.id for each in await deliveries(world, WAGE_REPORTS)]
    assert await found(other, of_data({}, "400")) == messages[::-1], "each once"

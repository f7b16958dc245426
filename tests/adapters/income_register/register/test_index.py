"""The index of deliveries: what it finds is what a look at everything finds, whoever wrote its
segments, and a question reads only what is new.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from exchange.adapters.income_register.document import WAGE_REPORTS
from exchange.adapters.income_register.hand_out import changed_reports
from exchange.adapters.income_register.hand_out.changed_reports import fitting
from exchange.adapters.income_register.orders.conditions import Conditions, of_data
from exchange.adapters.income_register.register import index, unindexed
from exchange.adapters.income_register.register.index import Index
from exchange.adapters.income_register.register.unindexed import Unindexed, terms_in
from exchange.ports import Remember
from tests.adapters.income_register.data_user import World
from tests.adapters.income_register.hand_out.test_extraction import EMPLOYER
from tests.adapters.income_register.hand_out.test_render import delivery, generated, spelled, wanted
from tests.adapters.income_register.orders.test_query_data_type import (
    CODE,
    OTHER,
    deliveries,
    reports_of,
)


def of_earner(code: str | None) -> Conditions:
    """Reports of one earner."""
    return of_data({"ids": {"7": [["2", code]]}}, "400")


async def found(desk: Any, conditions: Conditions) -> list[int]:
    """The messages that the index tells."""
    return [each.envelope.id async for each in Index(desk).look_up(WAGE_REPORTS, conditions)]


async def check(world: World, desk: Any) -> None:
    """What the index tells of each earner is what the deliveries say, the newest first."""
    held = await deliveries(world, WAGE_REPORTS)
    by_code: dict[str, set[int]] = {}
    for each in held:
        for report in reports_of(each):
            by_code.setdefault(report.findtext(CODE), set()).add(each.envelope.id)
    for code, messages in by_code.items():
        told = await found(desk, of_earner(code))
        assert told == sorted(set(told), reverse=True)
        assert set(told) == messages


async def give(world: World, first: int, last: int) -> None:
    """Deliveries first to last; each third pays the same persons."""
    for number in range(first, last):
        await world.report(EMPLOYER if number % 3 else OTHER, f"d{number}", 4)


async def test_two_workers_that_ask_by_turns_share_their_segments(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "SEGMENT_MESSAGES", 4)
    channel = world.exchange.channels["income-register"]
    one, other = world.exchange.desk(channel), world.exchange.desk(channel)
    for last in range(0, 12, 3):
        await give(world, last, last + 3)
        await check(world, one)
        await check(world, other)
        await check(world, one)
    state = (await one.recall(["i/state"]))["i/state"].value
    assert state["segments"] == 3
    segments = await one.recall([f"i/{number}" for number in (1, 2, 3)])
    messages = [message for number in (1, 2, 3) for message in segments[f"i/{number}"].value]
    assert messages == sorted(each.envelope.id for each in await deliveries(world, WAGE_REPORTS)), (
        "each in one segment"
    )


async def test_workers_that_ask_at_once_write_each_segment_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "SEGMENT_MESSAGES", 2)
    await give(world, 0, 9)
    channel = world.exchange.channels["income-register"]
    desks = [world.exchange.desk(channel) for _ in range(3)]
    await asyncio.gather(
        *(found(desk, of_earner("010280-952L")) for desk in desks for _ in range(3))
    )
    state = (await desks[0].recall(["i/state"]))["i/state"].value
    assert state["segments"] == 4
    for desk in desks:
        await check(world, desk)


async def test_a_question_reads_only_what_is_new_and_what_answers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give(world, 0, 8)
    desk = world.exchange.desk(world.exchange.channels["income-register"])
    first = (await deliveries(world, WAGE_REPORTS))[0]
    conditions = of_earner(reports_of(first)[0].findtext(CODE))
    await found(desk, conditions)
    read: list[int] = []
    stored = desk.stored

    async def watched(*arguments: Any) -> Any:
        page = await stored(*arguments)
        read.extend(envelope.id for envelope, _ in page)
        return page

    monkeypatch.setattr(desk, "stored", watched)
    assert await found(desk, conditions) == read == [first.envelope.id]
    await give(world, 8, 9)
    await found(desk, conditions)
    assert len(set(read)) == 2, "the one that answers, and the new one"


async def test_large_deliveries_close_a_segment_early_and_are_read_on_a_thread(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index, "SEGMENT_TERMS", 10)
    monkeypatch.setattr(index, "LARGE_BYTES", 100)
    monkeypatch.setattr(index, "PAGE_BYTES", 1)
    await give(world, 0, 5)
    desk = world.exchange.desk(world.exchange.channels["income-register"])
    await check(world, desk)
    assert (await desk.recall(["i/state"]))["i/state"].value["segments"] >= 2


async def test_an_old_index_tells_each_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SEGMENT_MESSAGES", 4)
    await give(world, 0, 6)
    channel = world.exchange.channels["income-register"]
    desk = world.exchange.desk(channel)
    await check(world, desk)
    known = await desk.recall(["i/state", "i/1"])
    # As it was written before there were positions: a later commit may have a smaller id.
    state = {"segments": 1, "last": known["i/1"].value[2]}
    await desk.note([Remember("i/state", state, known["i/state"].version)])
    await check(world, world.exchange.desk(channel))


async def test_a_term_is_found_only_where_an_entry_begins() -> None:
    places = [
        index._ENTRY.pack(term, place)
        for term, place in ((0x01020304, 5), (0x03040005, 6), (0x00050304, 7), (0x01020304, 300))
    ]
    packed = index.base64.b64encode(b"".join(places)).decode()
    assert list(index._places(packed, 0x01020304)) == [5, 300]
    assert list(index._places(packed, 0x03040005)) == [6], (
        "not the end of one entry with the place behind it"
    )
    assert list(index._places(packed, 0x0A0B0C0D)) == []


def test_a_tail_begins_where_the_last_segment_ends() -> None:
    kept = Unindexed()
    for message, position, terms in ((7, 3, {1, 2}), (5, 5, {2}), (6, 9, {3})):
        kept.add(message, position, terms)
    assert kept.found([{2}]) == [5, 7]
    assert kept.found([{1, 3}, {2, 3}]) == [6, 7]
    kept.begin_after(5)
    assert (kept.messages, kept.size, kept.read_until) == ([6], 1, 9)
    kept.begin_after(12)
    assert (kept.messages, kept.size, kept.read_until) == ([], 0, 12)


@pytest.mark.parametrize("number", range(7))
def test_reports_cut_out_for_an_earner_are_those_that_the_tree_gives(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_type, body = list(generated())[number]
    codes = [report.findtext(CODE) for report in reports_of(delivery(message_type, body))]
    rng = random.Random(number)
    for form in (body, *spelled(body).values()):
        for code in rng.sample(codes, 3):
            conditions = of_data({"ids": {"7": [["2", code], ["2", codes[0]]]}}, "400")
            held = delivery(message_type, form, (3,))
            if form is body:
                assert (
                    changed_reports._by_chunks(held, wanted(held), conditions, conditions.earners())
                    is not None
                )
            by_chunks = fitting(held, wanted(held), conditions)
            with monkeypatch.context() as patched:
                patched.setattr(changed_reports, "_by_chunks", lambda *_: None)
                assert by_chunks == fitting(held, wanted(held), conditions)


def test_terms_are_the_same_however_a_delivery_is_written() -> None:
    body = next(generated())[1]
    for name, form in spelled(body).items():
        assert terms_in(form) == terms_in(body), name
    assert len(body) < unindexed.LARGE_BYTES

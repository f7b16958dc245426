"""Ordered deliveries over two dispatchers on one ledger file: whatever comes when, of a
conversation one is out at a time, in the order of positions, and none is lost.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.assembly import Exchange
from exchange.journey.deliver import ordered
from exchange.journey.deliver.lanes import NumberedLanes, SocketWakes
from exchange.journey.mailbox import Mailboxes
from exchange.ports import Actor, Inbound, Operator
from exchange.ports.lanes import LANES, Wakes, lane_of
from exchange.ports.ledger import Place
from exchange.schemas.call import Reply
from exchange.settings import Settings
from exchange.storage.dead_letters import LedgerDeadLetters
from exchange.storage.sqlite import SqliteLedger
from tests.exchange.journey import way as made
from tests.exchange.journey.two_workers import (
    CLOCK,
    IDS,
    SERIAL,
    Lossy,
    Receivers,
    Step,
    Worker,
    ended,
    ordered_record,
)
from tests.exchange.journey.way import FIRST, SECOND
from tests.waiting import WAIT_SECONDS

STEPS = st.builds(
    Step,
    st.integers(0, 1),
    st.sampled_from([FIRST, SECOND]),
    st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from([0, 0, 0, 1, 2]),
)


@settings(max_examples=25, deadline=None)
@given(
    groups=st.lists(st.lists(STEPS, min_size=1, max_size=8), min_size=1, max_size=6),
    ready_max=st.sampled_from([1, 3, 4096]),
    wakes=st.sampled_from(["sockets", "lost", "none"]),
    seed=st.integers(0, 1000),
    crash=st.sampled_from([None, 0, 1]),
)
def test_of_a_conversation_the_next_is_never_out_before_the_one_before_has_ended(
    groups: Sequence[Sequence[Step]], ready_max: int, wakes: str, seed: int, crash: int | None
) -> None:
    asyncio.run(play(groups, ready_max, wakes, random.Random(seed), crash))


async def play(
    groups: Sequence[Sequence[Step]],
    ready_max: int,
    kind: str,
    rng: random.Random,
    crash: int | None,
) -> None:
    """Commit the groups, each message by its worker, and offer them in any order; a worker that
    crashes starts again.
    """
    receivers = Receivers()
    sockets = SocketWakes(2)
    wakes: Wakes | None = {"sockets": sockets, "lost": Lossy(), "none": None}[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exchange.db"

        def worker(number: int) -> Worker:
            return Worker(path, number, receivers, ready_max, wakes)

        workers = [worker(0), worker(1)]
        for each in workers:
            await each.open()
        for group in groups:
            named = {f"m-{next(SERIAL)}": step for step in group}
            receivers.steps.update(named)
            records = await asyncio.gather(
                *(workers[step.worker].commit(message, step) for message, step in named.items())
            )
            offered = list(zip(records, group, strict=True))
            rng.shuffle(offered)
            for record, step in offered:
                await workers[step.worker].offer(record)
            await asyncio.sleep(rng.choice([0, 0.002]))
            if crash is not None and rng.random() < 0.5:
                await workers[crash].close(grace_seconds=0)
                workers[crash] = worker(crash)
                await workers[crash].open()
        await ended(workers[0].ledger)
        positions = await positions_of(workers[0].ledger)
        for each in workers:
            await each.close()
        sockets.close()
    check(receivers, positions, crash is not None)


async def positions_of(ledger: SqliteLedger) -> dict[str, int]:
    """The position of each message, by its sender's id."""
    rows = await ledger.stored("luova", ("population.births",), 0, 1 << 62, 1000)
    return {row.sender_message_id: row.position for row, _ in rows}


def check(receivers: Receivers, positions: dict[str, int], crashed: bool) -> None:
    """What the journal must say."""
    assert sorted(set(receivers.taken)) == sorted(receivers.steps), "nothing is lost"
    assert receivers.at_once == []
    for calls in receivers.calls.values():
        assert calls == sorted(calls, key=positions.__getitem__), "in the order of positions"
    if not crashed:
        assert len(receivers.taken) == len(receivers.steps), "nothing is delivered twice"
        for key, calls in receivers.calls.items():
            for message in set(calls):
                assert calls.count(message) == receivers.steps[message].failures + 1, key


async def test_what_another_worker_commits_is_woken_for_and_not_polled(tmp_path: Path) -> None:
    receivers, wakes = Receivers(), SocketWakes(2)
    workers = [Worker(tmp_path / "a.db", number, receivers, 100, wakes) for number in range(2)]
    for each in workers:
        each.dispatcher._ordered._poll_seconds = 3600.0
        await each.open()
    await asyncio.sleep(0.05)
    for number in range(16):
        step = Step(number % 2, FIRST, f"c{number // 2}", 0)
        receivers.steps[f"w-{number}"] = step
        taker = workers[step.worker]
        await taker.offer(await taker.commit(f"w-{number}", step))
    await ended(workers[0].ledger)
    assert len(receivers.taken) == 16
    for each in workers:
        await each.close()
    wakes.close()


async def test_a_message_after_one_that_is_committed_but_not_told_of_waits_for_it(
    tmp_path: Path,
) -> None:
    receivers = Receivers()
    step, other = Step(0, FIRST, "c", 0), Step(1, FIRST, "c", 0)
    receivers.steps.update({"first": step, "second": other})
    workers = [Worker(tmp_path / "a.db", number, receivers, 100, None) for number in range(2)]
    for each in workers:
        await each.open()
        each.dispatcher._ordered._polling = False
    await workers[0].commit("first", step)
    await workers[1].offer(await workers[1].commit("second", other))
    await ended(workers[0].ledger)
    assert receivers.calls[FIRST, "c"] == ["first", "second"]
    for each in workers:
        await each.close()


async def test_what_a_dead_letter_held_up_comes_before_what_is_new_once_it_is_skipped(
    tmp_path: Path,
) -> None:
    receivers = Receivers()
    receivers.steps = {name: Step(0, FIRST, "c", 0) for name in ("second", "third")}
    receivers.steps["first"] = Step(0, FIRST, "c", 0, deaths=1)
    worker = Worker(tmp_path / "a.db", 0, receivers, 100, None, workers=1)
    # What nobody told of would be found by a poll.
    worker.dispatcher._ordered._poll_seconds = 3600.0
    await worker.open()
    for name in ("first", "second"):
        await worker.offer(await worker.commit(name, receivers.steps[name]))
    async with asyncio.timeout(WAIT_SECONDS):
        while not (dead := await worker.ledger.dead(10)) or worker.dispatcher.held:
            await asyncio.sleep(0.005)
        boxes = Mailboxes(
            worker.ledger, LedgerDeadLetters(worker.ledger), CLOCK, IDS[0], Settings().deliveries
        )
        await boxes.skip([dead[0].delivery.id], Actor(Operator("ann", "operator"), "127.0.0.1"))
        await worker.offer(await worker.commit("third", receivers.steps["third"]))
        while "third" not in receivers.taken:
            await asyncio.sleep(0.005)
    assert receivers.calls[FIRST, "c"] == ["first", "second", "third"]
    await worker.close()


async def test_slow_receivers_of_ordered_deliveries_leave_room_for_others(tmp_path: Path) -> None:
    all_sent, well = asyncio.Event(), asyncio.Event()

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        await (all_sent if receiver == SECOND else well).wait()
        return Reply(200)

    # (Room that is made is used at once, not at the next poll.)
    limits = {"ready_max": 16, "concurrent_max": 12, "poll_seconds": 3600}
    async with made.way(tmp_path, made.Script(answer), deliveries=limits) as running:
        for number in range(60):
            await running.send(f"slow-{number}", conversation=f"s{number % 4}")
        for number in range(20):
            # (Together they hold more than half of the memory.)
            await running.send(f"other-{number}", "kela.benefits", conversation=f"o{number % 4}")
        for number in range(40):
            await running.send(f"quick-{number}", SECOND, conversation=f"q{number % 8}")
        all_sent.set()
        await running.until(
            lambda: sum(receiver == SECOND for receiver, _ in running.script.taken) == 40
        )
        assert running.exchange.dispatcher.held <= 16, "memory stays bounded"
        well.set()
        await running.settled()
        for prefix, sent in (("slow", 60), ("other", 20), ("quick", 40)):
            taken = [each for _, each in running.script.taken if each.startswith(prefix)]
            assert len(taken) == len(set(taken)) == sent
            for conversation in range(8):
                numbers = [
                    number
                    for each in taken
                    if (number := int(each.rpartition("-")[2])) % 8 == conversation
                ]
                assert numbers == sorted(numbers)


async def test_a_retry_waits_for_its_time_also_after_a_restart(tmp_path: Path) -> None:
    async def down(receiver: str, message_id: str, attempt: int) -> Reply:
        return Reply(503)

    async with made.way(
        tmp_path, made.Script(down), deliveries={"first_backoff_seconds": 60}
    ) as running:
        message = await running.send("a", conversation="c")
        await running.send("b", conversation="c")
        await running.until(lambda: bool(running.script.calls))
        while not (await running.exchange.ledger.deliveries(message))[0].attempts:
            await asyncio.sleep(0.01)
    script = made.Script()
    async with made.way(tmp_path, script) as running:
        await running.until(lambda: running.exchange.dispatcher.held == 2)
        await running.send("d", conversation="d")
        await running.until(lambda: bool(script.taken))
        assert script.calls == [(FIRST, "d")], "neither the one that waits nor what follows it"


def test_a_lane_is_the_same_in_every_process() -> None:
    assert lane_of("kela.core-data", "luova", "c-1") == 223
    assert {lane_of("a", "luova", str(number)) for number in range(5000)} == set(range(LANES))
    own = [NumberedLanes(worker, 3).own() for worker in range(3)]
    assert sorted(lane for lanes in own for lane in lanes) == list(range(LANES))
    assert all(NumberedLanes(2, 3).owner(lane) == 2 for lane in own[2])


@pytest.mark.parametrize("conversations", [2, 150])
async def test_ordered_deliveries_are_read_by_page_and_place(
    tmp_path: Path, conversations: int
) -> None:
    ledger = SqliteLedger(tmp_path / "a.db")
    await ledger.open()
    records = [
        ordered_record(0, f"p-{number}", Step(0, FIRST, f"c{number % conversations}", 0))
        for number in range(150)
    ]
    for record in records:
        await ledger.record(record)
    after, found = Place(0, 0), []
    while page := await ledger.ordered(FIRST, after, 1 << 62, 40):
        found += page
        after = page[-1]
    assert [each.delivery_id for each in found] == [each.deliveries[0].id for each in records]
    assert await ledger.ordered(SECOND, Place(0, 0), 1 << 62, 40) == []
    assert await ledger.ordered_receivers() == [FIRST]
    await ledger.close()


async def test_a_restart_ends_no_call_that_another_worker_is_answering(tmp_path: Path) -> None:
    answering, may = asyncio.Event(), asyncio.Event()

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        answering.set()
        await may.wait()
        return Reply(200, b"the answer")

    channel = made.channel()
    storage = {"url": f"sqlite:///{tmp_path / 'exchange.db'}"}
    two = Settings(storage=storage, server={"workers": 2})

    def worker(number: int) -> Exchange:
        return Exchange(
            two, number, channels={channel.name: channel}, transport=made.Script(answer)
        )

    first, other = worker(0), worker(1)
    await first.open()
    await other.open()
    sender = other.directory.get(made.SENDER)
    assert sender is not None
    hints = {
        "type": "population.births",
        "id": "asked",
        "receiver": FIRST,
        "mode": "ask",
        "conversation": "c",
    }
    asked = Inbound(sender, made.BODY, "application/json", "api", hints)
    call = asyncio.create_task(other.asking.ask(channel, asked, 10.0))
    await answering.wait()
    await first.close()
    first = worker(0)
    await first.open()
    may.set()
    outcome, reply = await call
    assert reply == b"the answer"
    [row] = await first.ledger.deliveries(outcome.envelope.id)
    assert (row.state, row.lane, row.ordered) == ("delivered", 1, 0)
    await first.close()
    await other.close()


async def test_a_long_queue_of_another_worker_is_not_read_again_at_each_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered, "ROWS_A_POLL", 50)
    monkeypatch.setattr(ordered, "PAGE_DELIVERIES", 20)
    receivers = Receivers()
    other = next(name for name in "abcdefgh" if lane_of(FIRST, "luova", name) % 2 == 1)
    mine = next(name for name in "abcdefgh" if lane_of(FIRST, "luova", name) % 2 == 0)
    worker = Worker(tmp_path / "a.db", 0, receivers, 100, None)
    await worker.open()
    for number in range(500):
        await worker.commit(f"o-{number}", Step(1, FIRST, other, 0))
    read, real = 0, worker.ledger.ordered

    async def watched(*arguments: Any) -> list[Place]:
        nonlocal read
        page = await real(*arguments)
        read += len(page)
        return page

    monkeypatch.setattr(worker.ledger, "ordered", watched)
    step = receivers.steps["mine"] = Step(0, FIRST, mine, 0)
    await worker.commit("mine", step)
    polls, sleep = 0, worker.dispatcher._clock.sleep

    async def counted(seconds: float) -> None:
        nonlocal polls
        polls += 1
        await sleep(seconds / 10)

    monkeypatch.setattr(worker.dispatcher._clock, "sleep", counted)
    async with asyncio.timeout(WAIT_SECONDS):
        while polls < 60 or not receivers.taken:
            await asyncio.sleep(0.005)
    assert receivers.taken == ["mine"]
    assert 1_000 <= read < 500 + 60 * 50, "it is read again, but seldom"
    await worker.close()

"""Large bodies are judged beside the loop: others are taken in meanwhile, and threads that judge at
once explain no other's faults.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from exchange.adapters.luova.families import unemployment
from exchange.assembly import Exchange
from exchange.journey.worker_thread import WorkerThread
from exchange.ports import Identity, Inbound, Parsed
from exchange.schemas import document_limits, xml
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.xml import XmlSchema
from exchange.settings import Limits, Settings, Storage
from tests.exchange.journey import way as made
from tests.exchange.journey.way import BODY, FIRST, SENDER, Script, way

LARGE_BYTES = 200_000
PATIENCE_SECONDS = 20.0


async def test_a_large_message_holds_up_nobody(tmp_path: Path) -> None:
    taken_in = threading.Event()
    on_loop = threading.current_thread()

    def identify(parsed: Parsed) -> Identity:
        if len(parsed.inbound.body) >= LARGE_BYTES:
            assert threading.current_thread() is not on_loop
            assert taken_in.wait(PATIENCE_SECONDS), (
                "no other was taken in while the large one was judged"
            )
        return made.identify(parsed)

    async with way(tmp_path, Script(), identify=identify) as running:
        sender = running.exchange.directory.get(SENDER)
        assert sender is not None
        hints = {"type": "population.births", "id": "large", "receiver": FIRST}
        large = Inbound(sender, BODY + b" " * LARGE_BYTES, "application/json", "api", hints)
        waiting = asyncio.create_task(running.exchange.acceptance.accept(running.channel, large))
        await running.send("small")
        taken_in.set()
        assert (await waiting).kind == "accepted"
        broken = replace(large, body=b"{" * LARGE_BYTES, hints={**hints, "id": "broken"})
        assert (
            await running.exchange.acceptance.accept(running.channel, broken)
        ).kind == "rejected"
        await running.settled()


async def test_small_work_is_done_here_and_an_exception_comes_out_of_either() -> None:
    worker_thread = WorkerThread(9)
    here = threading.current_thread()
    try:
        assert await worker_thread.run("one", 9, threading.current_thread) is here
        assert await worker_thread.run("one", 10, threading.current_thread) is not here
        for size in (9, 10):
            with pytest.raises(ValueError, match="invalid literal"):
                await worker_thread.run("one", size, int, "x")
        assert await worker_thread.run("one", 10, threading.current_thread) is not here
    finally:
        worker_thread.close()


async def test_callers_have_the_thread_in_turn_however_much_each_wants() -> None:
    worker_thread = WorkerThread(0)
    go, done = threading.Event(), list[str]()

    def work(name: str) -> None:
        assert go.wait(PATIENCE_SECONDS)
        done.append(name)

    try:
        many = [
            asyncio.create_task(worker_thread.run("one", 1, work, f"one {number}"))
            for number in range(40)
        ]
        await asyncio.sleep(0)
        others = [
            asyncio.create_task(worker_thread.run(name, 1, work, name)) for name in ("two", "three")
        ]
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(*many, *others)
    finally:
        worker_thread.close()
    assert done[:4] == ["one 0", "one 1", "two", "three"]
    assert done[4:] == [f"one {number}" for number in range(2, 40)]


async def test_who_is_cancelled_while_it_waits_keeps_nobody_from_the_thread() -> None:
    worker_thread = WorkerThread(0)
    go = threading.Event()
    try:
        first = asyncio.create_task(worker_thread.run("one", 1, go.wait, PATIENCE_SECONDS))
        await asyncio.sleep(0)
        waiting = [
            asyncio.create_task(worker_thread.run(name, 1, str)) for name in ("one", "two", "two")
        ]
        await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[1].cancel()
        go.set()
        assert await first
        assert await asyncio.wait_for(waiting[2], PATIENCE_SECONDS) == ""
        # The turn that is given at the moment of the cancellation goes on, too.
        go.clear()
        first = asyncio.create_task(worker_thread.run("one", 1, go.wait, PATIENCE_SECONDS))
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(worker_thread.run(name, 1, str)) for name in ("two", "one")]
        await asyncio.sleep(0)
        first.add_done_callback(lambda _: waiting[0].cancel())
        go.set()
        assert await asyncio.wait_for(waiting[1], PATIENCE_SECONDS) == ""
    finally:
        worker_thread.close()


async def test_what_takes_long_the_first_time_is_done_beside_the_loop() -> None:
    worker_thread = WorkerThread(1_000)
    here, on = threading.current_thread(), list[threading.Thread]()
    message_type = Catalogue.load().get("income-register.echo")
    assert message_type is not None
    schema = XmlSchema(message_type.folder / message_type.schema)
    wrong = xml.parse(
        b'<e:Echo xmlns:e="http://www.tulorekisteri.fi/2017/1/Echo"><Data>x</Data><Wrong/></e:Echo>'
    )

    def check() -> list[str]:
        found = [each.rule for each in schema.check(wrong)]
        on.append(threading.current_thread())
        return found

    try:
        first = await worker_thread.run("one", 10, check)
        assert on != [here], "the first invalid one waits for what explains it, and nobody else"
        assert await worker_thread.run("one", 10, check) == first != []
        assert on[1:] == [here]
    finally:
        worker_thread.close()


async def test_a_batch_is_explained_thoroughly_up_to_a_bound_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = Path(unemployment.__file__).parent / "samples/invalid"
    body = (sample / "unemployment.earnings-data--schema-faults.xml").read_bytes()
    elements = sum(1 for _ in xml.parse(body).iter("*"))
    monkeypatch.setattr(document_limits, "EXPLAINED_CALL_ELEMENTS_MAX", 3 * elements)
    for loop_bytes_max in (0, 10 * len(body)):
        url = f"sqlite:///{tmp_path / str(loop_bytes_max)}"
        exchange = Exchange(
            Settings(storage=Storage(url=url), limits=Limits(loop_bytes_max=loop_bytes_max)),
            transport=Script(),
        )
        await exchange.open(deliver=False)
        try:
            luova, sender = exchange.channels["luova"], next(iter(exchange.directory))
            batch = [
                Inbound(sender, body, "text/xml", "batch", {"type": "", "id": f"m{number}"})
                for number in range(6)
            ]
            told = await exchange.acceptance.accept_many(luova, batch)
            alone = await exchange.acceptance.accept(luova, batch[0])
        finally:
            await exchange.close()
        found = [[(each.rule, each.message) for each in outcome.violations] for outcome in told]
        assert {outcome.kind for outcome in told} == {"rejected"}
        assert found[:3] == [[(each.rule, each.message) for each in alone.violations]] * 3
        assert found[3:] == [found[3]] * 3
        assert found[3] != found[0], "libxml2 alone tells it in other words"


def test_threads_that_check_at_once_tell_their_own_faults() -> None:
    schema = Catalogue.load().schema("income-register.echo")
    assert isinstance(schema, XmlSchema)
    namespace = "http://www.tulorekisteri.fi/2017/1/Echo"
    documents = [
        f'<e:Echo xmlns:e="{namespace}"><Data>x</Data><Wrong{number}/></e:Echo>'.encode()
        for number in range(8)
    ]

    def told(document: bytes) -> list[str]:
        found = schema.check(xml.parse(document))
        return [str(etree.QName(each.at).localname) + each.found for each in found]

    expected = [told(document) for document in documents]
    assert all(expected)
    with ThreadPoolExecutor(8) as threads:
        for _ in range(5):
            assert list(threads.map(told, documents)) == expected

"""Large bodies are judged beside the loop: others are taken in meanwhile, and threads that judge at
once explain no other's faults.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from lxml import etree

from exchange.journey.worker_thread import WorkerThread
from exchange.ports import Identity, Inbound, Parsed
from exchange.schemas import xml
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.xml import XmlSchema
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
    try:
        assert await worker_thread.run(9, threading.current_thread) is threading.current_thread()
        assert (
            await worker_thread.run(10, threading.current_thread) is not threading.current_thread()
        )
        for size in (9, 10):
            try:
                await worker_thread.run(size, int, "x")
            except ValueError:
                continue
            raise AssertionError("an exception was lost")
    finally:
        worker_thread.close()


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

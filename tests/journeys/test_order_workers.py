"""Two real workers on one ledger, and a receiver with a journal of its own: conversations come in
their order, one message at a time, also when a worker is killed.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
from aiohttp import web

from exchange import discovery
from exchange.cli.serving.port import bind
from exchange.schemas import directory
from exchange.storage.connection import connect
from exchange.storage.proof.verify import verify

CONVERSATIONS, MESSAGES = 8, 10
TYPE = "population.births"


class Journal:
    """A receiver that notes what it is sent, refuses each third message once, and takes its
    time.
    """

    def __init__(self) -> None:
        #: By conversation: the ids of messages as their calls came in.
        self.came: dict[str, list[str]] = defaultdict(list)
        self.taken: dict[str, list[str]] = defaultdict(list)
        self.at_once: list[str] = []
        self._open: set[str] = set()
        self._rng = random.Random(6)

    async def take(self, request: web.Request) -> web.Response:
        """Note a delivery."""
        message = request.headers["X-Message-Id"]
        key = request.headers["X-Conversation-Id"]
        if key in self._open:
            self.at_once.append(key)
        self._open.add(key)
        first = message not in self.came[key]
        self.came[key].append(message)
        try:
            await asyncio.sleep(self._rng.uniform(0.001, 0.01))
        finally:
            self._open.discard(key)
        if first and int(message.rpartition("-")[2]) % 3 == 1:
            return web.Response(status=503)
        self.taken[key].append(message)
        return web.Response(status=200)


@asynccontextmanager
async def receiver(journal: Journal) -> AsyncIterator[str]:
    """The journal behind a port; its address."""
    app = web.Application()
    app.router.add_post("/{path:.*}", journal.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def server(ledger: Path, partners: str) -> AsyncIterator[tuple[str, int]]:
    """Two workers; their address and the supervisor's process id."""
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = ["-m", "exchange", "serve", "--workers", "2", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        "--ledger",
        f"sqlite:///{ledger}",
        env={
            **os.environ,
            "EXCHANGE_PARTNERS__ADDRESS": partners,
            "EXCHANGE_DELIVERIES__FIRST_BACKOFF_SECONDS": "0.02",
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while len(await workers_ready(url)) < 2:
            assert process.returncode is None, "the server ended by itself"
            assert time.monotonic() < until, "the server did not start"
            await asyncio.sleep(0.05)
        yield url, process.pid
    finally:
        process.terminate()
        await process.wait()


async def workers_ready(url: str) -> set[int]:
    """Which workers answer, as far as a few calls tell."""
    found = set()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        for _ in range(12):
            try:
                async with session.get(url + "/health/ready") as response:
                    if response.status == 200:
                        found.add((await response.json())["worker"])
            except aiohttp.ClientError:
                return set()
    return found


def children(process: int) -> list[int]:
    """The worker processes of a supervisor."""
    tasks = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    workers = []
    for child in map(int, tasks.split()):
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            workers.append(child)
    return workers


async def send(url: str, key: str, conversation: str) -> None:
    """Send a conversation, each message after the receipt of the one before, each on a connection
    of its own, so that now this worker takes it and now that one.
    """
    generator, rng = discovery.generators()[TYPE], random.Random(conversation)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        for number in range(MESSAGES):
            made = generator(rng, datetime.date(2026, 3, 2), number + 1)
            headers = {
                "X-API-Key": key,
                "X-Message-Type": TYPE,
                "X-Message-Id": f"{conversation}-{number}",
                "X-Conversation-Id": conversation,
                "X-Ordered": "true",
                "Content-Type": made.content_type,
            }
            while True:
                try:
                    async with session.post(
                        url + "/luova/v1/messages", data=made.body, headers=headers
                    ) as response:
                        assert response.status in (200, 202), await response.text()
                        break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.02)


async def all_delivered(ledger: Path) -> None:
    """Wait until nothing waits."""
    until = time.monotonic() + 60
    waiting = "SELECT COUNT(*) FROM delivery WHERE state='waiting'"
    with closing(connect(ledger, read_only=True)) as connection:
        while connection.execute(waiting).fetchone()[0]:
            assert time.monotonic() < until, "deliveries still wait"
            await asyncio.sleep(0.05)


async def test_ordered_conversations_keep_their_order_over_two_workers(tmp_path: Path) -> None:
    journal, ledger = Journal(), tmp_path / "exchange.db"
    dvv = directory.load().get("dvv")
    assert dvv is not None
    async with receiver(journal) as partners, server(ledger, partners) as (url, supervisor):
        names = [f"c{number}" for number in range(CONVERSATIONS)]
        await asyncio.gather(*(send(url, dvv.key, name) for name in names))
        await all_delivered(ledger)
        for name, taken in journal.taken.items():
            assert taken == [f"{name}-{number}" for number in range(MESSAGES)], (
                "once each, in order"
            )
        assert journal.at_once == []
        killed = [f"k{number}" for number in range(CONVERSATIONS)]
        sending = asyncio.gather(*(send(url, dvv.key, name) for name in killed))
        victims = children(supervisor)
        assert len(victims) == 2
        while sum(len(journal.taken[name]) for name in killed) < CONVERSATIONS:
            await asyncio.sleep(0.01)
        os.kill(victims[0], signal.SIGKILL)
        await sending
        await all_delivered(ledger)
    with closing(connect(ledger, read_only=True)) as connection:
        owners = connection.execute("SELECT COUNT(DISTINCT lane%2) FROM delivery").fetchone()
    assert owners == (2,), "both workers own some of the conversations"
    for name in killed:
        came = journal.came[name]
        # What was out when the worker was killed is made again, and nothing before it.
        assert list(dict.fromkeys(came)) == [f"{name}-{number}" for number in range(MESSAGES)]
        assert came == sorted(came, key=lambda each: int(each.rpartition("-")[2]))
    assert verify(ledger).clean

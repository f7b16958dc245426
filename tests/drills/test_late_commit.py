"""A worker's commit comes three seconds late: its reports, whose ids are older than what others
committed meanwhile, still come to the subscriber of the Incomes Register, each once. (On a server
nobody commits meanwhile: nodes take turns, and the turn is the late one's.)
"""

from __future__ import annotations

import asyncio
import datetime
import os
import random
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
from aiohttp import web

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.partner import STUB
from exchange.partners.stub import Sending, Situation
from exchange.schemas import directory
from exchange.schemas.call import Call, Reply
from exchange.storage.postgresql_server.locks import WRITING
from exchange.storage.postgresql_server.session import connected
from tests.drills.client import Client
from tests.drills.conftest import Ledger, Record
from tests.drills.drill import FULL, Row
from tests.drills.server import Server, workers_of

LATE_SECONDS = 3.0
DELIVERIES = 16
ROUNDS = 5 if FULL else 1
#: The stub's subscription is extracted each ten seconds of the exchange: each second of ours.
CLOCK = "10x"
EMPLOYER = "employer.demo-oy"
REPORT_ID = re.compile(rb"<ReportId>([^<]+)</ReportId>")


class Subscriber:
    """Takes what the register hands on, and counts each report's arrivals."""

    def __init__(self) -> None:
        self.reports: Counter[str] = Counter()
        self._runner: web.AppRunner

    async def start(self) -> str:
        """Listen; the base address."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{partner}/{rest:.*}", self.take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def take(self, request: web.Request) -> web.Response:
        """A delivery; what else than extracts comes is taken too."""
        body = await request.read()
        if request.path.endswith("/from-ir"):
            self.reports.update(found.decode() for found in REPORT_ID.findall(body))
        return web.Response(status=202)


class Late:
    """The exchange with two workers and its subscriber."""

    def __init__(self, server: Server, client: Client, subscriber: Subscriber) -> None:
        self.server, self.client, self.subscriber = server, client, subscriber
        self.accepted: set[str] = set()
        self._partners = directory.load()

    async def call(self, call: Call) -> Reply:
        """A call on a connection of its own, so that both workers get some."""
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                call.method, self.server.url + call.path, data=call.body, headers=call.headers
            ) as response,
        ):
            return Reply(response.status, await response.read(), response.content_type)

    async def subscribe(self) -> None:
        """Let Kela subscribe as its stub does."""
        situation = Situation(random.Random(1), time.time_ns() // 1_000_000, 1, self._partners)
        waiting: list[Sending] = list(STUB.begin(self._partners, situation))
        while waiting:
            sending = waiting.pop(0)
            reply = await self.call(sending.call)
            assert reply.status == 200, reply.body
            waiting += sending.then(reply, situation) if sending.then else []

    async def report(self, number: int) -> None:
        """Report one person's wages; the report is accepted when the register says so."""
        employer = self._partners.get(EMPLOYER)
        assert employer is not None
        code, day = employer.business_id, datetime.date(2026, 3, 2)
        batch = generate.Batch(code, code, day, f"late-{number}", 1, False)
        body = generate.wage_delivery(random.Random(number), batch)
        reply = await self.call(
            STUB.submit(employer, "income-register.wage-reports", batch.delivery_id, body, "")
        )
        assert reply.status == 200, reply.body
        assert b"<DeliveryDataStatus>2<" in reply.body, reply.body
        self.accepted |= {found.decode() for found in REPORT_ID.findall(body)}

    async def round(self, first: int) -> int:
        """Reports that wait for their commit, of which one worker's comes late; how many were."""
        late = workers_of(self.server.pid)[-1]
        async with nobody_writes(self.server):
            reports = [
                asyncio.create_task(self.report(number))
                for number in range(first, first + DELIVERIES)
            ]
            await asyncio.sleep(1)
            os.kill(late, signal.SIGSTOP)
        try:
            await asyncio.sleep(LATE_SECONDS)
            waiting = sum(not each.done() for each in reports)
        finally:
            os.kill(late, signal.SIGCONT)
        await asyncio.gather(*reports)
        return waiting


@asynccontextmanager
async def nobody_writes(server: Server) -> AsyncIterator[None]:
    """Hold what each transaction of a worker waits for: the file's lock, or the turn to write."""
    if server.address is not None:
        connection = await connected(server.address, "a drill")
        try:
            await connection.execute("SELECT pg_advisory_lock($1::int,$2::int)", *WRITING)
            yield
        finally:
            await connection.close()
        return
    with closing(sqlite3.connect(server.ledger, isolation_level=None)) as lock:
        async with asyncio.timeout(10):
            while True:
                try:
                    lock.execute("BEGIN IMMEDIATE")
                    break
                except sqlite3.OperationalError:
                    await asyncio.sleep(0.01)
        yield
        lock.execute("ROLLBACK")


async def test_a_commit_three_seconds_late(tmp_path: Path, ledger: Ledger, record: Record) -> None:
    subscriber = Subscriber()
    server = Server(
        tmp_path,
        await subscriber.start(),
        workers=2,
        ledger=ledger,
        options=("--clock", CLOCK),
    )
    try:
        async with Client(server.url) as client:
            ready = await server.start(client.session)
            late = Late(server, client, subscriber)
            await late.subscribe()
            waited = made = 0
            # On a server whoever waits for the turn of the late one is late as well.
            apart = 1 if server.address is None else 0
            # Which worker gets a connection is the kernel's to say: sometimes one gets them all.
            for number in range(ROUNDS + 5):
                waited += await late.round(number * DELIVERIES)
                made += DELIVERIES
                if number + 1 >= ROUNDS and 0 < waited <= made - apart:
                    break
            assert 0 < waited <= made - apart, "some were late, and in a file some were not"
            until = time.monotonic() + 30
            while missing := late.accepted - set(subscriber.reports):
                assert time.monotonic() < until, f"{len(missing)} reports were never handed on"
                await asyncio.sleep(0.1)
            again = sum(times - 1 for times in subscriber.reports.values())
            assert again == 0, f"{again} reports were handed on again"
            await server.signal(signal.SIGTERM)
            code, said = await server.verify()
            assert code == 0, said
    finally:
        await server.clear()
        await subscriber.close()
    accepted = len(late.accepted)
    record(
        Row(
            drill=server.named("a worker's commit 3 s late (reports and their subscriber)"),
            acknowledged=accepted,
            stored=accepted,
            delivered=len(subscriber.reports),
            counted=accepted,
            repeated=again,
            ready=round(ready, 1),
            seen=f"{waited} of {accepted} were late",
        )
    )

"""No receipt before commit: the real server is killed in mid-traffic, again and again, and nothing
acknowledged is lost or counted twice.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import random
import signal
import sys
import time
from pathlib import Path

import aiohttp

from exchange import discovery
from exchange.cli.port import bind
from exchange.partners.faults import Faults
from exchange.partners.server import serve_stubs
from exchange.schemas import directory
from exchange.storage.connection import connect
from exchange.storage.verify import verify

#: Kills in one run; `DRILLS` asks for more.
KILLS = int(os.environ.get("DRILLS", "20"))
SENDERS = 8
TYPE = "population.births"


class Drill:
    """The server as a process of its own, and senders that remember every receipt."""

    def __init__(self, folder: Path, stubs_address: str, port: int) -> None:
        self.ledger = folder / "exchange.db"
        self.url = f"http://127.0.0.1:{port}"
        self._command = [
            sys.executable,
            "-m",
            "exchange",
            "serve",
            "--port",
            str(port),
            "--ledger",
            f"sqlite:///{self.ledger}",
        ]
        self._environment = {
            **os.environ,
            "EXCHANGE_PARTNERS__ADDRESS": stubs_address,
            "EXCHANGE_DELIVERIES__POLL_SECONDS": "0.05",
            "EXCHANGE_DELIVERIES__FIRST_BACKOFF_SECONDS": "0.05",
        }
        self.process: asyncio.subprocess.Process | None = None
        self.receipts: dict[str, str] = {}
        self.sending = True
        self.serial = 0

    async def start(self, session: aiohttp.ClientSession) -> None:
        """Start the server and wait until it answers."""
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            assert self.process.returncode is None, "the server ended by itself"
            try:
                async with session.get(self.url + "/health/ready") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
        raise AssertionError("the server did not start")

    async def kill(self, number: int) -> None:
        """End the server that this drill started, without a word."""
        assert self.process is not None
        self.process.send_signal(number)
        await self.process.wait()

    async def send(self, session: aiohttp.ClientSession, key: str) -> None:
        """Send new messages, each again until it has a receipt."""
        generator = discovery.generators()[TYPE]
        rng = random.Random(1)
        while self.sending:
            self.serial += 1
            made = generator(rng, datetime.date(2026, 3, 2), self.serial)
            headers = {
                "X-API-Key": key,
                "X-Message-Type": TYPE,
                "X-Message-Id": made.message_id,
                "Content-Type": made.content_type,
            }
            while self.sending:
                try:
                    async with session.post(
                        self.url + "/luova/v1/messages", data=made.body, headers=headers
                    ) as response:
                        receipt = await response.json()
                        assert response.status in (200, 202), receipt
                        self.receipts[made.message_id] = receipt["id"]
                        break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.01)


async def test_kill_9_loses_nothing_acknowledged_and_counts_nothing_twice(tmp_path: Path) -> None:
    everybody = directory.load()
    dvv = everybody.get("dvv")
    assert dvv is not None
    stubs = await serve_stubs(discovery.stubs(), everybody, "127.0.0.1", 0, Faults(), 1)
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    drill = Drill(tmp_path, f"http://127.0.0.1:{stubs.addresses[0][1]}", port)
    chance = random.Random(20)
    try:
        async with aiohttp.ClientSession() as session:
            await drill.start(session)
            senders = [asyncio.create_task(drill.send(session, dvv.key)) for _ in range(SENDERS)]
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(0.05, 0.4))
                await drill.kill(signal.SIGKILL)
                await drill.start(session)
            drill.sending = False
            await asyncio.gather(*senders)
            await all_delivered(drill.ledger)
            await drill.kill(signal.SIGTERM)
    finally:
        if drill.process is not None and drill.process.returncode is None:
            await drill.kill(signal.SIGKILL)
        await stubs.cleanup()
    assert len(drill.receipts) > KILLS, "the drill sent something between the kills"
    accounted(drill)


async def all_delivered(ledger: Path) -> None:
    """Wait until nothing waits."""
    connection = connect(ledger, read_only=True)
    until = time.monotonic() + 30
    while connection.execute("SELECT COUNT(*) FROM delivery WHERE state='waiting'").fetchone()[0]:
        assert time.monotonic() < until, "deliveries still wait"
        await asyncio.sleep(0.05)
    connection.close()


def accounted(drill: Drill) -> None:
    """Every receipt is in the ledger, delivered, and counted once."""
    connection = connect(drill.ledger, read_only=True)
    stored = dict(
        connection.execute(
            "SELECT sender_message_id, printf('%032x', id) FROM message WHERE state='accepted'"
        )
    )
    assert {key: stored.get(key) for key in drill.receipts} == drill.receipts
    states = connection.execute("SELECT state, COUNT(*) FROM delivery GROUP BY state").fetchall()
    assert states == [("delivered", len(stored))]
    counted = dict(connection.execute("SELECT kind, SUM(count) FROM counter GROUP BY kind"))
    assert (counted["accepted"], counted["delivered"]) == (len(stored), len(stored))
    connection.close()
    verification = verify(drill.ledger)
    assert verification.clean, [check.examples for check in verification.checks]

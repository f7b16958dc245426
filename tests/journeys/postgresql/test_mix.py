"""The published mix of traffic with a ledger on PostgreSQL: what the partners were told is accepted
is stored, delivered and counted, and the commands read it.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys

import aiohttp
from typer.testing import CliRunner

from exchange.cli import app
from exchange.client import luova
from exchange.client.connection import AsyncClient
from exchange.schemas import directory
from exchange.storage.proof.verify import verify
from tests.journeys.shell import free_port
from tests.journeys.test_one_owner import Served, start
from tests.postgresql import LocalServer

RATE, SECONDS = 30, 2.5
END_SECONDS = 30.0


async def traffic(address: str, rate: float, seconds: float, *options: str) -> str:
    """What the partners tell of the calls that they sent."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "exchange", "partners", "--exchange", address, "--port", "0",
        "--rate", str(rate), "--duration", str(seconds), *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode == 0, told
    return told.decode()


def accepted(told: str, all_answered: bool = True) -> int:
    """How many of the calls that were sent were accepted: all, or all that were answered."""
    calls = re.search(r"(\d+) calls sent: (\d+) accepted, 0 rejected, (\d+) failed", told)
    assert calls is not None, told
    assert int(calls[1]) == int(calls[2]) + int(calls[3]), told
    assert not (all_answered and int(calls[3])), told
    return int(calls[2])


async def waiting(address: str) -> int:
    """How many deliveries wait, as the exchange there counts."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{address}/api/v1/snapshot") as told,
    ):
        return sum(counts["waiting"] for counts in (await told.json())["channels"].values())


async def deliver_all(address: str) -> None:
    """Wait until nothing waits; what lies in a mailbox is fetched by whose mailbox it is."""
    while await waiting(address):
        for partner in directory.load():
            if partner.delivery == "mailbox":
                async with AsyncClient(address, partner.key) as client:
                    async for letter in luova.letters(client):
                        assert letter.body
        await asyncio.sleep(0.1)


async def end(process: asyncio.subprocess.Process) -> int:
    """End a process in order; what it ended with."""
    process.send_signal(signal.SIGTERM)
    return await process.wait()


async def test_the_published_mix_is_accepted_delivered_and_counted(
    postgresql: LocalServer,
) -> None:
    where, port, stubs = postgresql.ledger(), free_port(), free_port()
    address = f"http://127.0.0.1:{port}"
    environment = os.environ | {"EXCHANGE_PARTNERS__ADDRESS": f"http://127.0.0.1:{stubs}"}
    serving = await start("serve", "--port", str(port), "--ledger", where.url, env=environment)
    # These answer until the end; those that send go before all is delivered.
    partners = await start("partners", "--exchange", address, "--port", str(stubs))
    try:
        async with aiohttp.ClientSession() as session:
            await Served(serving, address).ready(session)
        told = await traffic(address, RATE, SECONDS)
        calls = accepted(told)
        assert calls > RATE
        async with asyncio.timeout(END_SECONDS):
            await deliver_all(address)
        assert await end(serving) == 0
        await end(partners)
    finally:
        for process in (serving, partners):
            if process.returncode is None:
                process.kill()
                await process.wait()
    found = await asyncio.to_thread(verify, where)
    assert found.clean, [check for check in found.checks if check.broken]
    assert {"luova", "kelmu", "income-register", "eessi"} <= found.channels.keys()
    assert sum(sums["accepted"] for sums in found.channels.values()) >= calls
    assert not any(sums.get("dead-lettered") for sums in found.channels.values())
    for command, said in (("verify", "verify: clean"), ("statistics", "Kelmu")):
        arguments = [command, "--ledger", where.url]
        result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
        assert result.exit_code == 0, result.output
        assert said in result.output

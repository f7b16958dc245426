"""The published mix of traffic with a ledger on PostgreSQL: what the partners were told is accepted is
stored, delivered and counted, and the commands read it.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys

import aiohttp

from exchange.storage.proof.verify import verify
from tests.journeys.shell import free_port
from tests.journeys.test_one_owner import Served, start
from tests.postgresql import LocalServer

RATE, SECONDS = 15, 6
END_SECONDS = 90.0


async def output(*arguments: str) -> str:
    """What a command prints; it must end well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "exchange", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode == 0, told
    return told.decode()


async def test_the_published_mix_is_accepted_delivered_and_counted(
    postgresql: LocalServer,
) -> None:
    where, port, stubs = postgresql.ledger(), free_port(), free_port()
    name = where.url.partition("@/")[2].partition("?")[0]
    address = f"http://127.0.0.1:{port}"
    playing = ("partners", "--exchange", address, "--port", str(stubs))
    environment = os.environ | {"EXCHANGE_PARTNERS__ADDRESS": f"http://127.0.0.1:{stubs}"}
    serving = await start("serve", "--port", str(port), "--ledger", where.url, env=environment)
    try:
        async with aiohttp.ClientSession() as session:
            await Served(serving, address).ready(session)
        told = await output(*playing, "--rate", str(RATE), "--duration", str(SECONDS))
        calls = re.search(r"(\d+) calls sent: (\d+) accepted, 0 rejected, 0 failed", told)
        assert calls is not None, told
        assert int(calls[2]) == int(calls[1]) > RATE
        # The stubs ended with their traffic: others answer for what is still to be delivered.
        partners = await start(*playing)
        try:
            async with asyncio.timeout(END_SECONDS):
                while await asyncio.to_thread(
                    postgresql.ask, "SELECT 1 FROM delivery WHERE state='waiting' LIMIT 1", name
                ):
                    await asyncio.sleep(0.1)
        finally:
            partners.send_signal(signal.SIGTERM)
            await partners.wait()
        serving.send_signal(signal.SIGTERM)
        assert await serving.wait() == 0
    finally:
        if serving.returncode is None:
            serving.kill()
            await serving.wait()
    found = await asyncio.to_thread(verify, where)
    assert found.clean, [check for check in found.checks if check.broken]
    assert {"luova", "kelmu", "income-register", "eessi"} <= found.channels.keys()
    assert sum(sums["accepted"] for sums in found.channels.values()) >= int(calls[2])
    assert not any(sums.get("dead-lettered") for sums in found.channels.values())
    assert "verify: clean" in await output("verify", "--ledger", where.url)
    assert "Kelmu" in await output("statistics", "--ledger", where.url)

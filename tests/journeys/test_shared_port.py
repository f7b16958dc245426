"""Several workers at one address: connections are spread evenly over them, nobody else can listen
there, and one that was killed leaves its share to the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from exchange.cli.serving.port import SPREADS, bind, bind_each, leave_to_others
from exchange.errors import Owned
from tests.journeys.shell import free_port
from tests.journeys.test_one_owner import children, complaint, served

CALLS = 120


def spread(every: list[socket.socket]) -> list[int]:
    """How many of `CALLS` connections each socket gets."""
    taken = [0] * len(every)
    with contextlib.ExitStack() as stack:
        for _ in range(CALLS):
            stack.enter_context(socket.create_connection(every[0].getsockname(), 5))
            for number, each in enumerate(every):
                with contextlib.suppress(OSError):
                    stack.enter_context(each.accept()[0])
                    taken[number] += 1
    return taken


def test_connections_are_spread_and_the_address_is_nobody_elses() -> None:
    with contextlib.ExitStack() as stack:
        every = bind_each("127.0.0.1", 0, 3)
        if not SPREADS:
            assert len(set(every)) == 1
            return
        for each in every:
            stack.enter_context(each).setblocking(False)
        port = every[0].getsockname()[1]
        for workers in (1, 2):
            with pytest.raises(Owned):
                bind_each("127.0.0.1", port, workers)
        assert min(spread(every)) > CALLS / 10
        leave_to_others(every[0], every)
        taken = spread(every)
        assert taken[0] == 0 < CALLS / 5 < min(taken[1:])
        leave_to_others(every[1], every)
        leave_to_others(every[2], every)
        assert spread(every) == [0, 0, CALLS], "the last one goes on listening"
        with pytest.raises(Owned):
            bind("127.0.0.1", port)
        every[0].listen()
        assert min(spread(every)[::2]) > CALLS / 5, "who listens again has its share again"


async def workers(url: str, calls: int = CALLS) -> Counter[int]:
    """Which workers serve so many calls, each on a connection of its own."""
    found: Counter[int] = Counter()
    for _ in range(calls):
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url}/health/ready") as response,
        ):
            found[(await response.json())["worker"]] += 1
    return found


def worker_of(supervisor: int) -> int:
    """The process of a worker."""
    return next(
        child
        for child in children(supervisor)
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    )


async def test_a_killed_worker_leaves_its_connections_to_the_other(tmp_path: Path) -> None:
    if not SPREADS:
        return
    async with served(tmp_path / "a.db", free_port(), workers=2) as exchange:
        async with aiohttp.ClientSession() as session:
            await exchange.ready(session)
        until = time.monotonic() + 60
        while len(await workers(exchange.url, 10)) < 2:
            assert time.monotonic() < until
        assert min((await workers(exchange.url)).values()) > CALLS / 5
        second = ("serve", "--port", exchange.url.rpartition(":")[2], "--workers", "2")
        code, said = await complaint(*second, "--ledger", f"sqlite:///{tmp_path / 'b.db'}")
        assert (code, f"process {exchange.process.pid} " in said) == (2, True), said
        os.kill(worker_of(exchange.process.pid), signal.SIGKILL)
        await asyncio.sleep(0.1)
        served_by = await asyncio.wait_for(workers(exchange.url, 20), 20)
        assert served_by.total() == 20, "nobody waits for the one that is gone"
        until = time.monotonic() + 60
        while len(await workers(exchange.url, 10)) < 2:
            assert time.monotonic() < until, "it is back, and has its share"

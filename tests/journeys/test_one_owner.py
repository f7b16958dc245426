"""One owner of a port and a ledger, as real processes: whoever comes second is told, what an owner
started ends with it, and a service whose ledger is gone ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from exchange.cli.serving.port import bind
from exchange.schemas import directory
from exchange.storage.proof.verify import verify
from tests.exchange.journey.way import BODY, SENDER
from tests.journeys.shell import free_port

START_SECONDS = 60.0


class Served:
    """`exchange serve`, or another command that serves, as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.key = getattr(directory.load().get(SENDER), "key", "")

    async def ready(self, session: aiohttp.ClientSession, status: int = 200) -> str:
        """Wait until `/health/ready` has that status; what it says."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(self.url + "/health/ready") as response:
                    if response.status == status:
                        return await response.text()
            await asyncio.sleep(0.05)
        raise AssertionError(f"never {status}")

    async def send(self, session: aiohttp.ClientSession, message_id: str) -> int:
        """Send a message; the status, 0 for no answer."""
        headers = {
            "X-API-Key": self.key, "X-Message-Type": "population.births",
            "X-Message-Id": message_id, "Content-Type": "application/json",
        }  # fmt: skip
        try:
            async with session.post(
                self.url + "/luova/v1/messages", data=BODY, headers=headers
            ) as response:
                return response.status
        except aiohttp.ClientError:
            return 0


async def start(*arguments: str, **more: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "exchange", *arguments, "--parent", str(os.getpid()),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, **more,
    )  # fmt: skip


@asynccontextmanager
async def served(ledger: Path | str, port: int, workers: int = 1) -> AsyncIterator[Served]:
    """`exchange serve` over a ledger in a file, or at an address."""
    address = ledger if isinstance(ledger, str) else f"sqlite:///{ledger}"
    process = await start(
        "serve", "--port", str(port), "--workers", str(workers), "--ledger", address
    )
    try:
        yield Served(process, f"http://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def complaint(*arguments: str) -> tuple[int, str]:
    """The exit code of a command that can't do what it was asked, and what it says."""
    process = await start(*arguments)
    _, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


def children(process: int) -> list[int]:
    """The processes that a process started."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(each) for each in text.split()]


def is_uninterrupted(process: int) -> bool:
    """Whether a process never gets SIGINT."""
    status = Path(f"/proc/{process}/status").read_text()
    blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
    return bool(blocked >> (signal.SIGINT - 1) & 1)


def lives(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


async def all_ended(processes: list[int]) -> None:
    until = time.monotonic() + START_SECONDS
    while left := [each for each in processes if lives(each)]:
        assert time.monotonic() < until, f"{left} live on"
        await asyncio.sleep(0.02)


async def test_whoever_comes_second_is_told_and_workers_end_with_their_supervisor(
    tmp_path: Path,
) -> None:
    port, ledger = free_port(), tmp_path / "exchange.db"
    async with aiohttp.ClientSession() as session, served(ledger, port, workers=2) as first:
        await first.ready(session)
        pid = first.process.pid
        (code, said), (other_code, other_said) = await asyncio.gather(
            complaint("serve", "--port", str(port), "--ledger", f"sqlite:///{tmp_path}/b.db"),
            complaint("serve", "--port", "0", "--ledger", f"sqlite:///{ledger}"),
        )
        assert (code, other_code) == (2, 2)
        for each in (said, other_said):
            assert len(each.splitlines()) == 1, each
            assert f"process {pid} (" in each
            assert "exchange serve" in each
            assert " since 20" in each
        assert f"port {port} is taken" in said
        assert f"{ledger} is owned" in other_said
        assert not (tmp_path / "b.db").exists()
        assert verify(ledger).clean, "which reads it while it is in use"
        workers = children(pid)
        assert sum(map(is_uninterrupted, workers)) == 2, "Ctrl-C ends them through their supervisor"
        first.process.kill()
        await first.process.wait()
        await all_ended(workers)
        async with served(ledger, port) as second:
            await second.ready(session)
            assert await second.send(session, "m") in (200, 202)


async def test_an_exchange_ends_with_the_run_that_started_it(tmp_path: Path) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "EXCHANGE_STORAGE__URL": f"sqlite:///{tmp_path}/exchange.db",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "exchange", "run", "--port", str(port), "--partners-port", str(free_port()),
        "--rate", "1", env=environment, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with aiohttp.ClientSession() as session:
        await Served(process, f"http://127.0.0.1:{port}").ready(session)
    started = children(process.pid)
    assert started
    process.kill()
    await process.wait()
    await all_ended(started)
    bind("127.0.0.1", port).close()


async def test_a_disk_that_fails_is_told_and_a_ledger_that_is_deleted_ends_the_service(
    tmp_path: Path,
) -> None:
    ledger = tmp_path / "exchange.db"
    async with aiohttp.ClientSession() as session, served(ledger, free_port()) as running:
        await running.ready(session)
        assert await running.send(session, "before") in (200, 202)
        # No file of its may grow: a write beyond its end fails, as it does on a failing disk.
        log_bytes = ledger.with_name("exchange.db-wal").stat().st_size
        resource.prlimit(
            running.process.pid, resource.RLIMIT_FSIZE, (log_bytes, resource.RLIM_INFINITY)
        )
        assert await running.send(session, "meanwhile") == 503
        assert "the disk failed" in await running.ready(session, 503)
        resource.prlimit(
            running.process.pid,
            resource.RLIMIT_FSIZE,
            (resource.RLIM_INFINITY, resource.RLIM_INFINITY),
        )
        began = time.monotonic()
        await running.ready(session)
        assert time.monotonic() - began < 5
        assert await running.send(session, "meanwhile") in (200, 202)
        ledger.unlink()
        assert await running.send(session, "after") in (503, 0)
        _, said = await asyncio.wait_for(running.process.communicate(), 20)
    assert running.process.returncode == 3
    assert said.decode().splitlines()[-1] == (
        f"exchange: {ledger} was deleted while it was in use; the exchange ends"
    )
    assert ledger.with_name("exchange.db-wal").stat().st_size, "what was written last is kept"


async def test_a_worker_that_is_killed_comes_back_and_a_lost_ledger_ends_all(
    tmp_path: Path,
) -> None:
    ledger = tmp_path / "exchange.db"
    async with aiohttp.ClientSession() as session, served(ledger, free_port(), 2) as running:
        await running.ready(session)
        before = children(running.process.pid)
        os.kill(before[-1], signal.SIGKILL)
        await all_ended(before[-1:])
        await running.ready(session)
        ledger.with_name("exchange.db-wal").unlink()
        _, said = await asyncio.wait_for(running.process.communicate(), 30)
    assert running.process.returncode == 3
    assert said.decode().splitlines()[-1] == (
        f"exchange: the ledger {ledger} was deleted or replaced while it was in use; the exchange "
        "ends"
    )

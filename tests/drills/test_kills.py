"""kill -9 in mid-traffic, of everything that runs: nothing acknowledged is lost, and what a dead
process started ends with it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from tests.drills.conftest import BY_CLOCK, Ledger, Record
from tests.drills.drill import FULL, KILLS, PAUSE_SECONDS, REPEATED_MAX, drilling
from tests.drills.server import ROOT, children, free_port, lives, workers_of

#: A part of all kills, for the kinds that the first drill covers already.
FEWER = max(1, KILLS // 10)
#: How often a worker is frozen (a beginning one has half a minute for its first sign of life, which
#: is too long for the short form), and after how many seconds its supervisor ends it.
FROZEN, SILENT_SECONDS_MAX = (max(1, FEWER // 5) if FULL else 0), 5
#: Something is always on its way when a process is killed.
PAUSE = 0.0 if FULL else PAUSE_SECONDS


@BY_CLOCK
async def test_serve_is_killed(tmp_path: Path, ledger: Ledger, record: Record) -> None:
    chance = random.Random(20)
    async with drilling(tmp_path, ledger=ledger, pause_seconds=PAUSE) as drill:
        drill.client.begin()
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            await drill.kill()
        record(await drill.account(f"kill -9 of serve, {KILLS} times", "", REPEATED_MAX * KILLS))


async def test_one_worker_of_two_is_killed_or_frozen(
    tmp_path: Path, ledger: Ledger, record: Record
) -> None:
    """One that is stopped (SIGSTOP) still has the connections that the kernel gives it."""
    chance = random.Random(21)
    frozen = {"EXCHANGE_SERVER__SILENT_SECONDS_MAX": str(SILENT_SECONDS_MAX)}
    async with drilling(
        tmp_path, workers=2, environment=frozen, ledger=ledger, pause_seconds=PAUSE
    ) as drill:
        drill.client.begin()
        for what in (*[signal.SIGKILL] * FEWER, *[signal.SIGSTOP] * FROZEN):
            await drill.client.until(20)
            workers = workers_of(drill.server.pid)
            assert len(workers) == 2
            drill.server.note()
            os.kill(chance.choice(workers), what)
            async with asyncio.timeout(60):
                while workers_of(drill.server.pid) == workers or (
                    len(workers_of(drill.server.pid)) < 2
                ):
                    await asyncio.sleep(0.02)
        await drill.client.until(20)
        row = await drill.account(
            f"kill -9 of one worker of two, {FEWER} times; frozen, {FROZEN} times",
            "started again",
            REPEATED_MAX * (FEWER + FROZEN),
        )
    assert drill.server.log.read_text(errors="replace").count("no sign of life") == FROZEN
    record(row)


@BY_CLOCK
async def test_the_supervisor_is_killed(tmp_path: Path, ledger: Ledger, record: Record) -> None:
    async with drilling(tmp_path, workers=2, ledger=ledger, pause_seconds=PAUSE) as drill:
        drill.client.begin()
        for _ in range(FEWER):
            await drill.client.until(20)
            started = children(drill.server.pid)
            await drill.server.signal(signal.SIGKILL)
            await drill.server.gone(started)
            await drill.start()
        row = await drill.account(
            f"kill -9 of the supervisor of two workers, {FEWER} times",
            "its workers end with it",
            2 * REPEATED_MAX * FEWER,
        )
    record(row)


async def test_the_partners_are_killed(tmp_path: Path, ledger: Ledger, record: Record) -> None:
    port = free_port()
    command = ["-m", "tests.drills.receiver", str(port), str(tmp_path / "arrivals.jsonl")]

    async def start() -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        return process

    chance = random.Random(22)
    partners = await start()
    try:
        address = f"http://127.0.0.1:{port}"
        async with drilling(
            tmp_path, partners=address, ledger=ledger, pause_seconds=PAUSE
        ) as drill:
            drill.client.begin()
            for _ in range(FEWER):
                await asyncio.sleep(chance.uniform(0.05, 0.4))
                partners.kill()
                await partners.wait()
                partners = await start()
            row = await drill.account(
                f"kill -9 of the partners, {FEWER} times", "", 2 * REPEATED_MAX * FEWER
            )
    finally:
        partners.kill()
        await partners.wait()
    record(row)


async def test_run_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    command = ["run", "--port", str(ports[0]), "--partners-port", str(ports[1])]
    # A file and not a pipe: what is started holds a pipe open, and then nobody sees the end.
    with (tmp_path / "run.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "exchange",
            *command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    started: list[int] = []
    try:
        async with asyncio.timeout(60):
            while b"The page:" not in (tmp_path / "run.log").read_bytes():
                await asyncio.sleep(0.05)
        started = children(process.pid)
        assert len(started) == 2
        process.kill()
        await process.wait()
        async with asyncio.timeout(60):
            while any(lives(pid) for pid in started):
                await asyncio.sleep(0.02)
    finally:
        for pid in started or children(process.pid):
            if lives(pid):
                os.kill(pid, signal.SIGKILL)
        if process.returncode is None:
            process.kill()
            await process.wait()

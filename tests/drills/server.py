"""The exchange of a drill: a process of its own with its log in a file, started, killed and asked
from outside.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from exchange.storage.postgresql_server.address import Server as Address
from exchange.storage.snapshot import Where

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
#: Short waits, so that a drill needs no long ones.
SETTINGS = {
    "EXCHANGE_RULES__UNSIGNED_DELIVERIES": "take",
    "EXCHANGE_DELIVERIES__POLL_SECONDS": "0.05",
    "EXCHANGE_DELIVERIES__FIRST_BACKOFF_SECONDS": "0.05",
    "EXCHANGE_DELIVERIES__BACKOFF_SECONDS_MAX": "0.5",
    "EXCHANGE_DELIVERIES__PROBE_SECONDS_MAX": "0.5",
    "EXCHANGE_DELIVERIES__ATTEMPTS_MAX": "1000",
}


def busy() -> bool:
    """Whether other work takes so much of the machine that the clock measures that as well; tests
    that run beside this one are other work.
    """
    beside = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1
    return beside or os.getloadavg()[0] > 2 * (os.cpu_count() or 1)


#: In how many seconds a busy machine must have done it.
BUSY_SECONDS = 120.0


def within(seconds: float) -> float:
    """The promise, or, where others take the machine, that it happens at all."""
    return BUSY_SECONDS if busy() else seconds


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> list[int]:
    """The processes that a process started and that still live."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(entry.name))
    return sorted(found)


def began(pid: int) -> int:
    """When a process began (ticks since the machine's start), 0 when it is none or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    return began(pid) > 0


def process_seconds(pid: int) -> float:
    """Processor time of a process so far (by its clock: clock_getcpuclockid(3)).

    Raises:
        OSError: there is none.
    """
    return time.clock_gettime((~pid << 3) | 2)


def family_seconds(pid: int) -> float:
    """Processor time of a process and its children so far, also of those that have ended.

    Source: proc_pid_stat(5), cutime and cstime.
    """
    spent = 0.0
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        spent = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    for each in (pid, *children(pid)):
        with suppress(OSError):
            spent += process_seconds(each)
    return spent


def workers_of(pid: int) -> list[int]:
    """Those children that are workers: multiprocessing's own tracker is none."""
    found = []
    for child in children(pid):
        with suppress(OSError):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


class Server:
    """`exchange serve` on a port and a ledger of its own; `before` stands before the command, and
    `module` is what Python starts.
    """

    def __init__(
        self,
        folder: Path,
        partners: str,
        workers: int = 1,
        before: Sequence[str] = (),
        module: str = "exchange",
        environment: Mapping[str, str] | None = None,
        ledger: Where | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.address = ledger if isinstance(ledger, Address) else None
        self.ledger = ledger if isinstance(ledger, Path) else folder / "exchange.db"
        self.log = folder / "serve.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.workers = workers
        self.options = options
        self._program = [*before, sys.executable, "-m", module]
        self.environment = {
            **os.environ,
            **SETTINGS,
            "PYTHONPATH": str(ROOT),
            "EXCHANGE_PARTNERS__ADDRESS": partners,
            **(environment or {}),
        }
        self.process: asyncio.subprocess.Process | None = None
        #: Every process that the drill started or saw its server start, and when it began, so that
        #: none is left over and no other one that got its number is ended.
        self._started: dict[int, int] = {}

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self.process is not None
        return self.process.pid

    @property
    def where(self) -> Where:
        """Its ledger."""
        return self.ledger if self.address is None else self.address

    @property
    def ledger_url(self) -> str:
        """The setting that names it."""
        return f"sqlite:///{self.ledger}" if self.address is None else self.address.url

    def named(self, drill: str) -> str:
        """What the table calls a drill on its ledger."""
        return drill if self.address is None else f"PostgreSQL: {drill}"

    def command(self) -> list[str]:
        """The command that serves."""
        chosen = ("--port", str(self.port), "--ledger", self.ledger_url)
        return [*self._program, "serve", *chosen, "--workers", str(self.workers), *self.options]

    async def start(self, session: aiohttp.ClientSession) -> float:
        """Start and wait until it is ready; how many seconds that took."""
        since = time.monotonic()
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command(),
                env=self.environment,
                cwd=self.log.parent,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while time.monotonic() < since + START_SECONDS:
            assert self.process.returncode is None, self.log.read_text(errors="replace")[-2000:]
            if (await self.ready(session))[0] == 200:
                self.note()
                return time.monotonic() - since
            await asyncio.sleep(0.02)
        raise AssertionError("the server did not come to be ready")

    async def ready(self, session: aiohttp.ClientSession) -> tuple[int, str]:
        """What `/health/ready` says; status 0 when nobody answers."""
        try:
            async with session.get(
                self.url + "/health/ready", timeout=aiohttp.ClientTimeout(total=10)
            ) as response:
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""

    async def until_ready(
        self, session: aiohttp.ClientSession, wanted: int, seconds: float = 60.0
    ) -> str:
        """Wait until `/health/ready` has that status; what it then says."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            status, text = await self.ready(session)
            if status == wanted:
                return text
            await asyncio.sleep(0.05)
        raise AssertionError(f"/health/ready did not come to {wanted}: {await self.ready(session)}")

    async def snapshot(self, session: aiohttp.ClientSession) -> dict[str, int]:
        """What the exchange has counted on Luova."""
        async with session.get(self.url + "/api/v1/snapshot") as response:
            read: dict[str, Any] = await response.json()
        counts: dict[str, int] = read["channels"]["luova"]
        return counts

    async def signal(self, number: int) -> None:
        """Send the started process a signal and wait for its end."""
        assert self.process is not None
        self.note()
        if self.process.returncode is None:
            self.process.send_signal(number)
        await asyncio.wait_for(self.process.wait(), 60)

    async def gone(self, pids: Sequence[int], seconds: float = 60.0) -> None:
        """Wait until none of these processes lives."""
        until = time.monotonic() + seconds
        while left := [pid for pid in pids if lives(pid)]:
            assert time.monotonic() < until, f"{len(left)} processes live on"
            await asyncio.sleep(0.02)

    def note(self) -> None:
        """Remember the processes that live now."""
        self._started |= {pid: began(pid) for pid in (self.pid, *children(self.pid))}

    async def clear(self) -> None:
        """End what is left of what the drill started."""
        if self.process is None:
            return
        self.note()
        for pid, since in self._started.items():
            if since and began(pid) == since:
                os.kill(pid, signal.SIGKILL)
        await self.process.wait()

    def spent_seconds(self) -> float:
        """Processor time that the started process and its children have used so far."""
        return family_seconds(self.pid)

    def resident_bytes(self) -> int:
        """The memory of the started process that is in use."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def mapped_bytes(self) -> int:
        """The addresses that the started process has taken, in use or not."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def verify(self) -> tuple[int, str]:
        """Exit code and words of `exchange verify` on the ledger."""
        return await run("verify", "--ledger", self.ledger_url, cwd=self.log.parent)


async def run(*arguments: str, cwd: Path) -> tuple[int, str]:
    """Run `exchange ARGUMENTS`; exit code and everything that it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "exchange",
        *arguments,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 120)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, said.decode(errors="replace")

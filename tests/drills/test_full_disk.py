"""The disk fills up under the ledger, the log, both, and under a PostgreSQL server: calls get 503,
deliveries stop, and with room again everything goes on by itself.

The small disk is a tmpfs in a mount namespace of the server's own. Where that may not be made, the
kernel refuses what would make a file larger (RLIMIT_FSIZE), and the row says so; the drill of a
PostgreSQL server is left out.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.drills.conftest import Record
from tests.drills.drill import FULL, REPEATED_MAX, Drill, drilling
from tests.drills.server import busy, children
from tests.postgresql import LocalServer

#: Four times what SQLite writes to its WAL before it begins anew (4,000 pages), and a small one.
LEDGER_MEBIBYTES, LOG_MEBIBYTES = 64, 8
#: What a new PostgreSQL server takes, and as much again.
SERVER_MEBIBYTES = 128
#: How long the disk stays at most, whatever becomes of the drill.
DISK_SECONDS = 300
BLOCK = b"\0" * 65_536
#: Each alone at full length, one after another in the short form.
CASES = [["ledger"], ["log"], ["both"]] if FULL else [["ledger", "log", "both"]]
#: Within so many seconds of room everything goes on by itself.
ROOM_SECONDS = 5.0 if FULL and not busy() else 30.0


def namespaces() -> list[str]:
    """The options by which this machine lets us mount a disk of our own; none when it does not."""
    for options in (["-m"], ["-r", "-m"]):
        tried = ["unshare", *options, "sh", "-c", "mount -t tmpfs none /mnt"]
        try:
            if subprocess.run(tried, capture_output=True, check=False, timeout=10).returncode == 0:
                return options
        except (OSError, subprocess.TimeoutExpired):
            pass
    return []


class Disk:
    """A disk of a running process: full, or with room again. `seen` is where everybody finds it;
    None: it is not the process's own, which may only write no more.
    """

    def __init__(self, pid: int, seen: Path | None) -> None:
        self._pid = pid
        self._filler = seen / "filler" if seen else None

    def fill(self) -> None:
        """Leave no byte."""
        if self._filler is None:
            resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            return
        with self._filler.open("wb", buffering=0) as filler:
            size = len(BLOCK)
            while size:
                try:
                    filler.write(BLOCK[:size])
                except OSError:
                    size //= 2

    def empty(self) -> None:
        """Make room again."""
        if self._filler is not None:
            self._filler.unlink()
        else:
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(self._pid, resource.RLIMIT_FSIZE, unlimited)


class ServerOnSmallDisk(LocalServer):
    """A PostgreSQL server whose files are on a disk of their own."""

    def __init__(self, options: Sequence[str]) -> None:
        folder = Path(tempfile.mkdtemp(prefix="exchange-pg-"))
        # The disk is there as long as this process, which everybody may look into who is who it is
        # (so it tells that the disk is there only when it is nobody).
        user = (
            "setpriv --reuid=nobody --regid=nogroup --clear-groups" if "-r" not in options else ""
        )
        script = (
            f"mkdir {folder}/disk && mount -t tmpfs -o size={SERVER_MEBIBYTES}m,mode=777 none "
            f"{folder}/disk && exec {user} sh -c 'echo mounted && exec sleep {DISK_SECONDS}'"
        )
        self._holder = subprocess.Popen(
            ["unshare", *options, "sh", "-c", script], stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        with self._holder.stdout as told:
            mounted = told.readline()
        self.seen = Path(f"/proc/{self._holder.pid}/root{folder}/disk")
        try:
            assert mounted == b"mounted\n"
            super().__init__(folder, max_wal_size="32MB")
        except BaseException:
            self._unmount()
            raise

    @property
    def data(self) -> Path:
        """Where its files are."""
        return self.seen / "data"

    def remove(self) -> None:
        """End it, and its disk."""
        self.stop(at_once=True)
        self._unmount()
        super().remove()

    def _unmount(self) -> None:
        self._holder.kill()
        self._holder.wait()


def script(ledger: Path, log: Path) -> str:
    """Mount a disk for the ledger and one for the log, and become the server."""
    mounts = " && ".join(
        f"mount -t tmpfs -o size={size}m none {folder}"
        for folder, size in ((ledger, LEDGER_MEBIBYTES), (log, LOG_MEBIBYTES))
    )
    return f'{mounts} && {{ sleep {DISK_SECONDS} & exec "$@" >>{log}/serve.log 2>&1; }}'


async def fill(
    drill: Drill, disks: Sequence[Disk], ledger: bool, again: Callable[[], None] = lambda: None
) -> None:
    """Fill disks, see what the exchange does, make room again and do what is to be done then."""
    await drill.client.until(50)
    refused = drill.client.journal.refused
    before = refused.copy()
    for disk in disks:
        disk.fill()
    if ledger:
        assert (await drill.server.until_ready(drill.client.session, 503)).strip()
        arrived = len(drill.arrivals())
        await asyncio.sleep(1)
        assert refused["503"] > before["503"], refused
        assert refused["500"] + refused["hung"] == 0, refused
        assert len(drill.arrivals()) - arrived <= REPEATED_MAX, "deliveries go on"
    else:
        # What goes to the log is lost; no reply waits for it.
        await provoke(drill)
        await drill.client.until(100)
        assert refused == before, refused
    for disk in disks:
        disk.empty()
    await asyncio.to_thread(again)
    await drill.server.until_ready(drill.client.session, 200, ROOM_SECONDS)
    await drill.client.until(50)


@pytest.mark.by_clock
@pytest.mark.parametrize("cases", CASES, ids=", ".join)
async def test_the_disk_is_full(cases: Sequence[str], tmp_path: Path, record: Record) -> None:
    folders = {"ledger": tmp_path / "ledger", "log": tmp_path / "log"}
    for folder in folders.values():
        folder.mkdir()
    options = namespaces()
    before = ["unshare", *options, "sh", "-c", script(*folders.values()), "sh"] if options else []
    if not options:
        # The limit holds for every file of the process: it can't be the log's alone.
        cases = [case for case in cases if case != "log"]
    async with drilling(tmp_path, before=before, ledger=folders["ledger"] / "exchange.db") as drill:
        pid = drill.server.pid
        # Any process that sees the disk shows it: the one that only sleeps.
        root = Path(f"/proc/{children(pid)[0]}/root") if options else None
        seen = {name: Path(f"{root}{folder}") if root else None for name, folder in folders.items()}
        disks = {name: Disk(pid, where) for name, where in seen.items()}
        drill.client.begin()
        for case in cases:
            full = list(disks.values()) if case == "both" else [disks[case]]
            await fill(drill, full, ledger=case != "log")

        def fetch() -> None:
            """Copy what is on the disk of a stopped server to where everybody can read it."""
            if seen["ledger"]:
                kept = tmp_path / "kept"
                shutil.copytree(seen["ledger"], kept)
                drill.server.ledger = kept / drill.server.ledger.name

        # A drill's receiver is told again of what it got when the ledger could not note it.
        row = await drill.account(
            f"disk full: {', '.join(cases)}",
            f"{drill.client.journal.refused['503']} calls got 503; "
            + ("a tmpfs each" if options else "RLIMIT_FSIZE"),
            2 * REPEATED_MAX * len(cases),
            fetch,
        )
    record(row)


@pytest.mark.by_clock
@pytest.mark.drill
@pytest.mark.parametrize(
    "options", [found] if (found := namespaces()) and shutil.which("setpriv") else []
)
async def test_the_disk_of_a_postgresql_server_is_full(
    options: Sequence[str], tmp_path: Path, record: Record
) -> None:
    server = await asyncio.to_thread(ServerOnSmallDisk, options)
    try:
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(server.make_template)
        ended: list[bool] = []

        def again() -> None:
            """Start it where it ended by itself."""
            ended.append(not server.runs)
            if not server.runs:
                server.start()

        async with drilling(tmp_path, ledger=server.ledger()) as drill:
            drill.client.begin()
            await fill(drill, [Disk(server.pid, server.seen)], ledger=True, again=again)
            row = await drill.account(
                "disk of the server full",
                f"{drill.client.journal.refused['503']} calls got 503; the server "
                + ("ended, and was started again" if any(ended) else "went on"),
                2 * REPEATED_MAX,
            )
        record(row)
    finally:
        await asyncio.to_thread(server.remove)


async def provoke(drill: Drill) -> None:
    """Calls that make a server say something in its log."""
    for _ in range(50):
        reader, writer = await asyncio.open_connection("127.0.0.1", drill.server.port)
        writer.write(
            b"POST /luova/v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        )
        async with asyncio.timeout(10):
            await reader.read(4096)
        writer.close()

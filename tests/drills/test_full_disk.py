"""The disk fills up under the ledger, under the log, under both: calls get 503, deliveries stop,
and with room again everything goes on by itself.

The small disk is a tmpfs in a mount namespace of the server's own. Where that may not be made, the
kernel refuses what would make a file larger (RLIMIT_FSIZE), and the row says so.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.drills.conftest import Record
from tests.drills.drill import FULL, REPEATED_MAX, Drill, drilling
from tests.drills.server import children

DISK_MEBIBYTES = 16
#: How long the disk stays at most, whatever becomes of the drill.
DISK_SECONDS = 300
BLOCK = b"\0" * 65_536
#: Within so many seconds of room everything goes on by itself.
ROOM_SECONDS = 5.0 if FULL else 30.0


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
    """The disk of a running server: full, or with room again."""

    def __init__(self, drill: Drill, folder: Path, own: bool) -> None:
        self._server = drill.server
        self._pid = drill.server.pid
        #: The disk is there as long as any process that sees it: the one that only sleeps.
        self._seen = Path(f"/proc/{children(self._pid)[0]}/root{folder}") if own else folder
        self._filler = self._seen / "filler"
        self._own = own

    def fill(self) -> None:
        """Leave no byte."""
        if not self._own:
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
        if self._own:
            self._filler.unlink()
        else:
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(self._pid, resource.RLIMIT_FSIZE, unlimited)

    def fetch(self) -> None:
        """Copy what is on the disk of a stopped server to where everybody can read it."""
        if self._own and self._server.ledger.parent.name == self._seen.name:
            kept = self._server.log.parent / "kept"
            shutil.copytree(self._seen, kept)
            self._server.ledger = kept / self._server.ledger.name


def script(folder: Path, on_disk: str) -> str:
    """Mount the disk, put the log there if it is to be, and become the server."""
    log = f"{folder}/serve.log" if on_disk != "ledger" else f"{folder.parent}/serve.log"
    return (
        f"mount -t tmpfs -o size={DISK_MEBIBYTES}m none {folder} && touch {log} "
        f'&& {{ sleep {DISK_SECONDS} & exec "$@" >>{log} 2>&1; }}'
    )


@pytest.mark.parametrize("on_disk", ["ledger", "log", "both"])
async def test_the_disk_is_full(on_disk: str, tmp_path: Path, record: Record) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    options = namespaces()
    before = ["unshare", *options, "sh", "-c", script(folder, on_disk), "sh"] if options else []
    async with drilling(
        tmp_path, before=before, ledger=None if on_disk == "log" else folder / "exchange.db"
    ) as drill:
        disk = Disk(drill, folder, bool(options))
        drill.client.begin()
        await drill.client.until(50)
        disk.fill()
        refused = drill.client.journal.refused
        if on_disk == "log":
            # What goes to the log is lost; no reply waits for it.
            await provoke(drill)
            await drill.client.until(100)
            assert not refused, refused
        else:
            assert (await drill.server.until_ready(drill.client.session, 503)).strip()
            arrived = len(drill.arrivals())
            await asyncio.sleep(1)
            assert refused["503"] > 0, refused
            assert refused["500"] + refused["hung"] == 0, refused
            assert len(drill.arrivals()) - arrived <= REPEATED_MAX, "deliveries go on"
        disk.empty()
        await drill.server.until_ready(drill.client.session, 200, ROOM_SECONDS)
        await drill.client.until(50)
        where = "tmpfs of its own" if options else "RLIMIT_FSIZE"
        # A drill's receiver is told again of what it got when the ledger could not note it.
        row = await drill.account(
            f"disk full: {on_disk}",
            f"{refused['503']} calls got 503; {where}",
            2 * REPEATED_MAX,
            disk.fetch,
        )
    record(row)


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

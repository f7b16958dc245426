"""Listening at an address alone: whoever comes second is told who does; what is served there is not
known here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from exchange.errors import Owned, SettingsError
from exchange.schemas.instants import instant
from exchange.web.serving import BACKLOG

PROCESSES = Path("/proc")
LISTENS = "0A"
#: Whether connections to an address are spread over the sockets that listen there.
SPREADS = sys.platform.startswith("linux")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket that nobody else can share, but who inherits it. Whoever calls before it
    is served waits instead of being refused.

    Raises:
        Owned: when another process listens there; says which, where the system tells.
        SettingsError: when there is no such address here, or this user may not have it.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    # For the connections of an earlier server that still linger; it lets nobody listen beside us.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        # Two that are bound only may both be: it is listening that is exclusive.
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise Owned(
                f"port {port} is taken by {listener(port)}; end it first, or choose another port"
            ) from error
        raise SettingsError(
            f"{host}:{port} can't be bound: {error.strerror}; name an address of this machine in "
            "server.host and a port that is free for this user in server.port"
        ) from error
    return bound


def bind_each(host: str, port: int, workers: int) -> list[socket.socket]:
    """A listening socket for each of several workers at one address; the kernel spreads connections
    evenly over those that listen (SO_REUSEPORT). Of one socket whoever wakes up first would take
    most of them. Where the kernel does not spread, all have the same socket.

    Raises:
        Owned, SettingsError: as `bind`; what another process has can't be shared.
    """
    alone = bind(host, port)
    if workers == 1 or not SPREADS:
        return [alone] * workers
    with alone:
        # Now that nobody else listens; somebody always does from here on.
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return [_beside(alone) for _ in range(workers)]


def _beside(other: socket.socket) -> socket.socket:
    beside = socket.socket(other.family, socket.SOCK_STREAM)
    beside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    beside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    beside.bind(other.getsockname())
    beside.listen(BACKLOG)
    return beside


def leave_to_others(mine: socket.socket, every: Sequence[socket.socket]) -> None:
    """Listen no more with the socket of a worker that has ended, unless no other one listens. Its
    next worker listens with it again when it begins to serve.
    """
    if any(each is not mine and _listens(each) for each in every):
        with contextlib.suppress(OSError):
            mine.shutdown(socket.SHUT_RD)


def _listens(bound: socket.socket) -> bool:
    return bool(bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def listener(port: int) -> str:
    """Which process listens at the port and since when, in words."""
    sockets = set(_listening(port))
    found = []
    for folder in PROCESSES.glob("[0-9]*"):
        try:
            if not sockets.isdisjoint(_descriptors(folder)):
                found.append((_started(folder), int(folder.name), _command(folder)))
        except OSError:
            # It has ended, or is another user's.
            continue
    if not found:
        return "another process"
    # Workers have inherited the socket from the one that began first.
    since, process, command = min(found)
    return f"process {process} ({command}) since {instant(since)}"


def _descriptors(folder: Path) -> Iterator[str]:
    """What a process's descriptors are of; one that was closed meanwhile is of nothing."""
    for each in (folder / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(each)


def _listening(port: int) -> Iterator[str]:
    """The sockets that listen at the port, named as descriptors name them."""
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROCESSES / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if columns[3] == LISTENS and int(columns[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{columns[9]}]"


def _started(folder: Path) -> int:
    """When a process began, in milliseconds since 1970 UTC (proc(5): field 22 of `stat`)."""
    ticks = int((folder / "stat").read_text().rpartition(")")[2].split()[19])
    (booted,) = [
        int(line.split()[1])
        for line in (PROCESSES / "stat").read_text().splitlines()
        if line.startswith("btime ")
    ]
    return booted * 1000 + ticks * 1000 // os.sysconf("SC_CLK_TCK")


def _command(folder: Path) -> str:
    words = (folder / "cmdline").read_bytes().rstrip(b"\0").decode(errors="replace").split("\0")
    return " ".join(words)[:200]

"""The heads of a ledger's chain in a file beside it: a line for each commit, written after it and
not waited for. The file may lag behind the ledger and never leads.

A line is `NODE EPOCH NUMBER DIGEST`: which writer, how many commits it made, the digest (32
hexadecimal digits) of its chain so far.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from exchange.storage.proof.chain import Link

#: A file that has grown beyond this is written anew with the newest line of each writer.
BYTES_MAX = 4 << 20
SUFFIX = "-head"
#: (No number is longer: it would be none of the ledger's.)
_LINE = re.compile(rb"(\d{1,18}) (\d{1,18}) (\d{1,18}) ([0-9a-f]{32})")
#: What is left of a line that a full disk or the machine's end cut short.
_BEGUN = re.compile(rb"\d{1,18}( \d{1,18}( \d{1,18}( [0-9a-f]{0,31})?| ?)| ?)|")

#: A writer: node and epoch.
Writer = tuple[int, int]
#: How many commits, and the digest after them.
Head = tuple[int, bytes]


def head_path(ledger: Path) -> Path:
    """Where a ledger's heads are."""
    return ledger.with_name(ledger.name + SUFFIX)


def line_of(link: Link) -> str:
    """A head as a line, without its end."""
    return f"{link.node} {link.epoch} {link.number} {link.digest.hex()}"


@dataclass(slots=True)
class Heads:
    """What a file of heads says: the newest of each writer; what in it can't be so, in words."""

    newest: dict[Writer, Head] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    #: How many lines are incomplete: the disk was full, or the machine stopped.
    torn: int = 0

    def lines(self) -> bytes:
        """The newest heads as a file."""
        return b"".join(
            b"%d %d %d %s\n" % (*writer, number, digest.hex().encode())
            for writer, (number, digest) in sorted(self.newest.items())
        )


def read_heads(path: Path) -> Heads:
    """Read a file of heads, a line at a time.

    Raises:
        OSError: when it can't be read.
    """
    with path.open("rb") as lines:
        return heads_in(lines)


def heads_in(lines: Iterable[bytes]) -> Heads:
    """The heads that lines say."""
    heads = Heads()
    for place, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line.rstrip(b"\n"))
        if found is None and _BEGUN.fullmatch(line.rstrip(b"\n")):
            heads.torn += 1
            continue
        if found is None:
            heads.wrong.append(f"line {place} is no head (NODE EPOCH NUMBER DIGEST)")
            continue
        node, epoch, number, digest = found.groups()
        _take(heads, place, (int(node), int(epoch)), (int(number), bytes.fromhex(digest.decode())))
    return heads


def latest_lines(path: Path) -> list[str]:
    """The heads of the last epoch of each node, as lines.

    Raises:
        OSError: when the file can't be read.
    """
    newest = read_heads(path).newest
    latest = dict(sorted(newest))
    return [
        f"{node} {epoch} {newest[node, epoch][0]} {newest[node, epoch][1].hex()}"
        for node, epoch in latest.items()
    ]


def _take(heads: Heads, place: int, writer: Writer, head: Head) -> None:
    known = heads.newest.get(writer)
    if known is None or head[0] > known[0]:
        heads.newest[writer] = head
    elif head != known:
        heads.wrong.append(
            f"line {place}: writer {writer[0]}/{writer[1]} is at commit {head[0]} after {known[0]}"
        )


def write_heads(path: Path, links: Iterable[Link]) -> None:
    """Write the heads of a ledger that is not in use, durably."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{line_of(link)}\n" for link in links)
        file.flush()
        os.fsync(file.fileno())


class HeadFile:
    """The file that one writer appends to; several writers may have it open."""

    def __init__(self, ledger: Path) -> None:
        self.path = head_path(ledger)
        self._file: int | None = None
        self._torn = False

    def append(self, link: Link) -> bool:
        """Append a head; whether that went. Where it did not (a full disk), the file lags until the
        next.
        """
        try:
            file = self._opened()
            line = f"{line_of(link)}\n".encode()
            whole = b"\n" + line if self._torn else line
            self._torn = os.write(file, whole) != len(whole)
            if not self._torn and os.fstat(file).st_size > BYTES_MAX:
                self._shorten(file)
        except OSError:
            return False
        return not self._torn

    def close(self, durably: bool = True) -> None:
        """Close it."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                if durably:
                    os.fsync(self._file)
            os.close(self._file)
            self._file = None

    def _opened(self) -> int:
        """The file under its name: another writer may have written it anew, somebody removed it."""
        if self._file is not None:
            with contextlib.suppress(FileNotFoundError):
                if os.stat(self.path).st_ino == os.fstat(self._file).st_ino:
                    return self._file
            self.close(durably=False)
        self._file = os.open(
            self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644
        )
        return self._file

    def _shorten(self, file: int) -> None:
        """Write the file anew with the newest heads, unless another writer does or something in it
        is wrong: that is to be seen.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        heads = read_heads(self.path)
        if not heads.wrong:
            new = self.path.with_name(self.path.name + ".new")
            new.write_bytes(heads.lines())
            os.replace(new, self.path)

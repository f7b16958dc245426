"""Whether the files of an open ledger are still those that were opened: not deleted, not replaced,
not written over.
"""

from __future__ import annotations

import os
from pathlib import Path

#: What belongs to a ledger beside its own file: SQLite's log and its index, the owner's lock.
BESIDE = ("-wal", "-shm", ".owner")
#: The header of a database file: its first bytes, and where a counter that only grows, and the
#: number that a ledger was given when it was made, lie in it (sqlite.org/fileformat2.html, 1.3).
MAGIC = b"SQLite format 3\0"
HEADER_BYTES = 100
COUNTER, IDENTITY = slice(24, 28), slice(60, 64)


class Files:
    """The files of a ledger as they were when it was opened; a look costs a few microseconds.

    Without `/proc` (Linux), what was written over in place is known by its smaller size only.
    """

    def __init__(self, path: Path, identity: int) -> None:
        self._path = path
        self._identity = identity
        names = [path, *(path.with_name(path.name + suffix) for suffix in BESIDE)]
        self._known = {str(name): found for name in names if (found := _inode(name)) is not None}
        self._bytes = 0
        self._counter = 0
        self._descriptor = -1
        #: The ledger's number reaches its file with a checkpoint.
        self._identified = False

    def trouble(self) -> str:
        """What became of them, in words; empty when they are as they were."""
        for name, known in self._known.items():
            try:
                found = os.stat(name)
            except (FileNotFoundError, NotADirectoryError):
                return f"{name} was deleted"
            except OSError:
                continue
            if (found.st_dev, found.st_ino) != known:
                return f"{name} was replaced"
            if name == str(self._path):
                if found.st_size < self._bytes:
                    return f"{name} was cut short or written over"
                self._bytes = found.st_size
        # What a checkpoint writes just now may be seen half.
        return (self._written_over() and self._written_over()) or ""

    def _written_over(self) -> str:
        inode = self._known.get(str(self._path))
        if self._descriptor < 0 or _inode(self._descriptor) != inode:
            # The connection that it was borrowed from may have been closed.
            self._descriptor = _borrowed(inode)
        try:
            header = os.pread(self._descriptor, HEADER_BYTES, 0)
        except OSError:
            return ""
        counter, identity = (int.from_bytes(header[at]) for at in (COUNTER, IDENTITY))
        self._identified = self._identified or identity == self._identity
        if (
            not header.startswith(MAGIC)
            or counter < self._counter
            or (self._identified and identity != self._identity)
        ):
            return f"{self._path} was written over"
        self._counter = counter
        return ""


def _inode(file: Path | int) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _borrowed(inode: tuple[int, int] | None) -> int:
    """The descriptor by which SQLite has the file open, -1 when it can't be told.

    One of our own would do harm: to close any descriptor of a file drops all the locks that its
    process holds on it (fcntl(2)).
    """
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return -1
    return next((int(name) for name in names if _inode(int(name)) == inode), -1)

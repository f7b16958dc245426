"""What lies in a folder that a partner fills, looked through a part at a time: the files that are
to be taken, in the order in which they came, and what is never taken. Nothing is read or moved
here.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import stat
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from exchange.ports.files import FileDrop

#: Entries of a folder that are looked at in one go, at some five microseconds each.
ENTRIES_AT_ONCE = 10_000
#: Files that are kept in their order until the folder is looked through again, and as many names
#: of what is never taken.
KEPT_MAX = 2_000
#: Names that are remembered because there was no room for them, or because they were told of.
REMEMBERED_MAX = 50_000
#: After so long without a change a file is not being written any more, under a name that fits and
#: under another one, which may be there to be renamed.
QUIET_SECONDS, UNFIT_SECONDS = 2.0, 60.0


class Version(NamedTuple):
    """What tells a file from a later one under its name: when it was changed (nanoseconds since
    1970), its number and its size.
    """

    changed_at: int
    number: int
    size: int


class Entry(NamedTuple):
    """A file as it was when it was looked at; the one that was changed first is the least."""

    version: Version
    name: str


def version_of(told: os.stat_result) -> Version:
    """A file's version."""
    return Version(told.st_mtime_ns, told.st_ino, told.st_size)


class FileListing:
    """The listing of one folder. Each look goes on where the one before stopped, so that none costs
    more where more lies there; which files came first is known when all were looked at.
    """

    def __init__(self, folder: Path, drop: FileDrop) -> None:
        self._folder = folder
        self._drop = drop
        self._rest: Iterator[tuple[str, os.stat_result]] | None = None
        self._fit: list[Entry] = []
        self._unfit: list[Entry] = []
        self._told: set[Entry] = set()
        self._told_still: set[Entry] = set()
        self._full: set[str] = set()
        #: Whether files were to be taken when all was looked at last; nobody knows at first.
        self._had_some = True
        #: Files to be taken, the oldest first, and what is never taken and was not told of.
        self.waiting: deque[Entry] = deque()
        self.unfit: deque[Entry] = deque()

    def look(self, now: float) -> None:
        """Look at more of the folder, unless something waits still from the last time that all of
        it was looked at. `now` in seconds since 1970.

        Raises:
            OSError: when it can't be read.
        """
        if self.waiting or self.unfit:
            return
        if self._rest is None:
            self._rest = _entries(self._folder)
        try:
            some = list(islice(self._rest, ENTRIES_AT_ONCE))
        except BaseException:
            self._begin_again()
            raise
        fit = []
        for name, told in some:
            entry, age = Entry(version_of(told), name), now - told.st_mtime
            if stat.S_ISREG(told.st_mode) and self._drop.names.fullmatch(name):
                if not 0 <= age < QUIET_SECONDS and name not in self._full:
                    fit.append(entry)
            elif entry in self._told:
                self._told_still.add(entry)
            elif not 0 <= age < UNFIT_SECONDS and len(self._unfit) < KEPT_MAX:
                self._unfit.append(entry)
        self._fit = heapq.nsmallest(KEPT_MAX, chain(self._fit, fit))
        if len(some) < ENTRIES_AT_ONCE:
            self._finish()

    @property
    def goes_on(self) -> bool:
        """Whether a look is in its middle that probably finds more files to be taken."""
        return self._rest is not None and self._had_some

    def no_room(self, entry: Entry) -> None:
        """There was no room for a file: it is left out as long as others wait."""
        if len(self._full) >= REMEMBERED_MAX:
            self._full.clear()
        self._full.add(entry.name)

    def told(self, entry: Entry) -> None:
        """It was told of what is never taken: that is not told again while it lies there."""
        if len(self._told) < REMEMBERED_MAX:
            self._told.add(entry)

    def _finish(self) -> None:
        """All was looked at."""
        self.waiting.extend(self._fit)
        self._had_some = bool(self._fit)
        self.unfit.extend(self._unfit)
        if not self._fit:
            self._full.clear()
        self._told = self._told_still
        self._begin_again()

    def _begin_again(self) -> None:
        self._rest = None
        self._fit, self._unfit, self._told_still = [], [], set()


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """What lies in a folder, each with what it is itself; nothing hidden."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                with contextlib.suppress(FileNotFoundError):
                    yield entry.name, entry.stat(follow_symlinks=False)

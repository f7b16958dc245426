"""What a process tells of itself: how it commits, what it holds, the room on its disk; no counter
of the ledger.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from exchange.ports.rows import Written

#: Commits are told of so many seconds.
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """Commits a second, changes in one and its mean milliseconds, of the last `SECONDS` (None while
    nothing was committed); deliveries in memory; bytes of the ledger and free beside it (None for a
    ledger on a server). `is_wall_clock`: the exchange's time is the wall's.
    """

    commits_a_second: float
    changes_a_commit: float | None
    commit_milliseconds: float | None
    held: int
    ledger_bytes: int | None
    free_bytes: int | None
    is_wall_clock: bool


@dataclass(slots=True)
class ProcessLooks:
    """Takes figures; `now` gives seconds that only grow."""

    written: Callable[[], Written]
    held: Callable[[], int]
    path: Path | None
    is_wall_clock: bool
    now: Callable[[], float]
    _past: deque[tuple[float, Written]] = field(default_factory=deque)

    def take(self) -> ProcessFigures:
        """The figures now."""
        at, written = self.now(), self.written()
        self._past.append((at, written))
        while len(self._past) > 2 and at - self._past[1][0] >= SECONDS:
            self._past.popleft()
        before, earlier = self._past[0]
        commits = written.commits - earlier.commits
        changes, seconds = written.changes - earlier.changes, written.seconds - earlier.seconds
        return ProcessFigures(
            commits_a_second=commits / max(at - before, 1.0),
            changes_a_commit=changes / commits if commits else None,
            commit_milliseconds=1000 * seconds / commits if commits else None,
            held=self.held(),
            ledger_bytes=_bytes(self.path) if self.path is not None else None,
            free_bytes=shutil.disk_usage(self.path.parent).free if self.path is not None else None,
            is_wall_clock=self.is_wall_clock,
        )


def _bytes(path: Path) -> int:
    """What the ledger's file and its log take."""
    files = (path, path.with_name(path.name + "-wal"))
    return sum(each.stat().st_size for each in files if each.exists())

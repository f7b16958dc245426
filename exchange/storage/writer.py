"""The one writer: commits in groups whatever waits, on the event loop; what a commit does to the
tables lives in `group`.

One transaction takes whatever was submitted until a turn of the loop brought nothing more, so that
a group grows with the load and a message that comes alone waits for one turn. On the loop and not
on a thread of its own, since a thread gives up the interpreter's lock at every statement and then
waits for it: measured, a message cost a third more so.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from pathlib import Path
from typing import Any

from exchange.errors import LedgerClosed, LedgerLost, LedgerUnavailable
from exchange.storage.connection import connect
from exchange.storage.group import (
    Change,
    Committed,
    Job,
    resolve,
    told_to_nobody,
    write_group,
)
from exchange.storage.health.writability import Health
from exchange.storage.ownership import Ownership, claim
from exchange.storage.proof.chain import Link, append, last_event, last_given, newest
from exchange.storage.proof.heads_file import HeadFile, read_heads

#: How long another worker may hold the file before what waits here fails, and how often to look, in
#: seconds.
BUSY_SECONDS = 30.0
LOOK_SECONDS = 0.001


class Busy(Exception):
    """Another worker writes just now."""


class Writer:
    """Owns the writing connection. `submit` is called from one event loop; the result comes after
    the commit.
    """

    def __init__(
        self,
        path: Path,
        group_max: int,
        level: int,
        cache_mib: int,
        durable: bool = True,
    ) -> None:
        self._path = path
        self._group_max = group_max
        self._level = level
        self._cache_mib = cache_mib
        self._durable = durable
        self._jobs: deque[Job] = deque()
        self._connection: sqlite3.Connection | None = None
        self._busy_since = 0.0
        #: How many jobs waited at the last look.
        self._seen = 0
        self._head = HeadFile(path)
        #: As whom it writes; the newest link of its chain, None: to be read anew.
        self._ownership: Ownership | None = None
        self._link: Link | None = None
        self.health = Health(path)
        self.committed: Committed = told_to_nobody

    def start(self, node: int, name: str, since: int) -> Ownership:
        """Open the connection, claim the node's next epoch and begin its chain."""
        self.health = Health(self._path)
        connection = connect(self._path, self._cache_mib, durable=self._durable)
        try:
            self._ownership = self._begin_chain(connection, node, name, since)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        # Nobody waits inside SQLite, because the loop would stand still: `_turn` looks again.
        self._connection.execute("PRAGMA busy_timeout=0")
        return self._ownership

    async def stop(self) -> None:
        """Commit what waits, then close the connection; not that of lost files, since SQLite would
        write to what lies in their place.
        """
        while self._jobs:
            await asyncio.wait([self._jobs[-1].future])
            if self._jobs and self._jobs[-1].future.done():
                # Its caller was cancelled before its turn came.
                await asyncio.sleep(0.001)
        if self._connection is not None:
            if not self.health.lost.is_set():
                self._connection.close()
            self._connection = None
            self._head.close(self._durable)

    def _begin_chain(
        self, connection: sqlite3.Connection, node: int, name: str, since: int
    ) -> Ownership:
        # The file of heads remembers what a ledger that was replaced does not.
        known = read_heads(self._head.path).newest if self._head.path.exists() else {}
        epoch_min = max((epoch for each, epoch in known if each == node), default=0) + 1
        connection.execute("BEGIN IMMEDIATE")
        ownership = claim(connection, node, name, since, epoch_min)
        link = newest(connection, node, ownership.epoch)
        ids = last_event(connection)
        self._link = append(connection, link, (ids + 1, ids), {}, 0)
        connection.execute("COMMIT")
        self._head.append(self._link)
        return ownership

    def watch(self) -> None:
        """Watch the files of the ledger, now that the connection has written to them."""
        if self._connection is not None:
            self.health.watch(self._connection)

    def check(self, within_seconds: float | None = None) -> str:
        """Why nothing can be written (see `Health.check`); empty when it can."""
        if self._connection is None:
            return "the ledger is not open"
        return self.health.check(self._connection, within_seconds)

    def heard(self, error: Exception) -> Exception:
        """What a query of another connection ended with, as the ledger's own error."""
        if self._connection is None:
            return LedgerClosed("the ledger is not open")
        return self.health.heard(self._connection, error)

    def submit(self, what: Change) -> asyncio.Future[Any]:
        """A future that resolves after the commit of `what`.

        Raises:
            LedgerClosed: when the ledger is not open.
            LedgerUnavailable: at once, while it can't be written.
        """
        if self._connection is None:
            raise LedgerClosed("the ledger is not open")
        if (refusal := self.health.refusal()) is not None:
            raise refusal
        loop = asyncio.get_running_loop()
        job = Job(what, loop.create_future())
        if not self._jobs:
            # A loop of simulated time knows when all that happens at once has been submitted.
            when_idle = getattr(loop, "call_when_idle", None)
            if when_idle is not None:
                when_idle(self._turn, loop)
            else:
                loop.call_soon(self._look, loop)
        self._jobs.append(job)
        return job.future

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit, unless more has come since the last look: then more may be coming."""
        if self._seen < len(self._jobs) < self._group_max:
            self._seen = len(self._jobs)
            loop.call_soon(self._look, loop)
        else:
            self._seen = 0
            self._turn(loop)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit one group; what is left over gets a turn of its own, so that the loop may do other
        things between them.
        """
        jobs, connection = self._jobs, self._connection
        assert connection is not None, "the connection is closed only when nothing waits"
        group = [jobs.popleft() for _ in range(min(len(jobs), self._group_max))]
        try:
            self._commit(connection, group)
            self._busy_since = 0.0
        except Busy:
            now = time.monotonic()
            self._busy_since = self._busy_since or now
            if now - self._busy_since < BUSY_SECONDS:
                jobs.extendleft(reversed(group))
                loop.call_later(LOOK_SECONDS, self._turn, loop)
                return
            self._busy_since = 0.0
            resolve(
                group,
                LedgerUnavailable(
                    f"another process has held {self._path.name} for {BUSY_SECONDS:.0f} s"
                ),
            )
        if jobs:
            loop.call_soon(self._turn, loop)

    def _commit(self, connection: sqlite3.Connection, group: list[Job]) -> None:
        """Commit a group; if it fails, each job alone, so that one bad job harms nobody else."""
        if (refusal := self.health.refusal()) is not None:
            resolve(group, refusal)
            return
        try:
            self._transact(connection, group)
        except Busy:
            raise
        except Exception as error:
            if len(group) == 1 or isinstance(error, LedgerLost):
                resolve(group, self.health.heard(connection, error))
                return
            for job in group:
                self._alone(connection, job)
            return
        resolve(group, None)

    def _alone(self, connection: sqlite3.Connection, job: Job) -> None:
        try:
            self._commit(connection, [job])
        except Busy:
            # The others of its group have ended already; this one waits for the next turn.
            self._jobs.append(job)

    def _transact(self, connection: sqlite3.Connection, group: list[Job]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise Busy from error
            raise
        try:
            assert self._ownership is not None, "claimed when the connection was opened"
            link = self._link or newest(connection, self._ownership.node, self._ownership.epoch)
            self._link = None
            written = write_group(connection, group, self._level, link, last_given(connection))
            began = time.perf_counter()
            connection.execute("COMMIT")
            seconds = time.perf_counter() - began
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._link = written
        self.committed(len(group), seconds)
        # After the commit: what was written into a deleted file is nowhere.
        self.health.written()
        if written is not link:
            self._head.append(written)

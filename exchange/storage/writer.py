"""The one writer: a thread that commits in groups whatever waits; what a commit does to the tables lives in `commit`."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from exchange.errors import LedgerClosed
from exchange.ports.ledger import Record, Recorded, Settlement
from exchange.storage.commit import Totals, record_all, settle_all
from exchange.storage.connection import connect

#: Any other change: it gets the connection, inside the group's transaction.
Work = Callable[[sqlite3.Connection], Any]


@dataclass(slots=True, eq=False)
class Job:
    """A change that waits for its commit, and who waits for it."""

    what: Record | Settlement | Work
    future: asyncio.Future[Any]
    result: Any = None


class Writer:
    """Owns the writing connection. `submit` may be called from any event loop; the result comes after the commit."""

    def __init__(self, path: Path, group_max: int, level: int, cache_mib: int) -> None:
        self._path = path
        self._group_max = group_max
        self._level = level
        self._cache_mib = cache_mib
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closing = False

    def start(self) -> None:
        """Open the connection and start the thread."""
        connection = connect(self._path, self._cache_mib)
        self._closing = False
        self._thread = threading.Thread(target=self._run, args=(connection,), name="ledger-writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then end the thread and close the connection; blocks until it is done."""
        self._closing = True
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def submit(self, what: Record | Settlement | Work) -> asyncio.Future[Any]:
        """A future that resolves after the commit of `what`.

        Raises:
            LedgerClosed: when the ledger is not open.
        """
        if self._closing or self._thread is None:
            raise LedgerClosed("the ledger is not open")
        job = Job(what, asyncio.get_running_loop().create_future())
        self._jobs.put(job)
        return job.future

    def _run(self, connection: sqlite3.Connection) -> None:
        ending = False
        while not ending:
            first = self._jobs.get()
            group: list[Job] = []
            job = first
            while True:
                if job is None:
                    ending = True
                else:
                    group.append(job)
                if len(group) >= self._group_max:
                    break
                try:
                    job = self._jobs.get_nowait()
                except Empty:
                    break
            if group:
                self._commit(connection, group)
        connection.close()

    def _commit(self, connection: sqlite3.Connection, group: list[Job]) -> None:
        """Commit a group; if it fails, each job alone, so that one bad job harms nobody else."""
        try:
            self._transact(connection, group)
        except Exception as error:
            if len(group) == 1:
                _resolve(group, error)
                return
            for job in group:
                self._commit(connection, [job])
            return
        _resolve(group, None)

    def _transact(self, connection: sqlite3.Connection, group: list[Job]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            totals = Totals()
            records = [job for job in group if isinstance(job.what, Record)]
            settlements = [job for job in group if isinstance(job.what, Settlement)]
            if records:
                _keep(records, record_all(connection, [job.what for job in records], self._level, totals))  # type: ignore[misc]
            if settlements:
                _keep(settlements, settle_all(connection, [job.what for job in settlements], self._level, totals))  # type: ignore[misc]
            for job in group:
                if not isinstance(job.what, (Record, Settlement)):
                    job.result = job.what(connection)
            totals.write(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _keep(jobs: Sequence[Job], results: Sequence[Recorded | bool]) -> None:
    for job, result in zip(jobs, results, strict=True):
        job.result = result


def _resolve(group: list[Job], error: BaseException | None) -> None:
    """Hand the results over, one call into each waiting event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in group:
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_deliver, jobs, error)
        except RuntimeError:
            # The loop is closed: nobody waits any more; what was committed stays committed.
            continue


def _deliver(jobs: list[Job], error: BaseException | None) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(job.result)

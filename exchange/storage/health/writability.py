"""Whether a ledger can be written: what it said last, a probe that tries it, and a look at its
files.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from exchange.errors import LedgerDamaged, LedgerError, LedgerLost, LedgerUnavailable
from exchange.storage.health.errors import UNREADABLE, ledger_error
from exchange.storage.health.files import Files

log = structlog.get_logger(__name__)

#: A change that changes nothing, but has to reach the disk as every other.
SMALL_PROBE = ("UPDATE owner SET name=name",)
#: Two changes after each other that leave nothing, but have to find room: a small one may fit into
#: what SQLite's log has left on a full disk, where no message does. Nobody is node -1.
PROBE_BYTES = 65_536
PROBE = (
    "INSERT OR REPLACE INTO owner(node,epoch,name,since) "
    f"VALUES (-1,0,hex(zeroblob({PROBE_BYTES // 2})),0)",
    "DELETE FROM owner WHERE node=-1",
)
#: How often a ledger that said no is probed at most, however many ask.
PROBE_SECONDS = 0.2
#: After these nothing is tried again until the ledger is opened anew.
FINAL = (LedgerDamaged, LedgerLost)


class Health:
    """What is known of the ledger at `path` since it was opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: Files | None = None
        self._kind: type[LedgerUnavailable] | None = None
        #: Why nothing can be written just now; empty when it can.
        self.why = ""
        self._written_at = self._probed_at = 0.0
        #: Set when the files were deleted or replaced: nothing that is written stays.
        self.lost = asyncio.Event()

    def refusal(self) -> LedgerUnavailable | None:
        """Why nothing can be written just now, as an error that was raised nowhere yet."""
        return self._kind(self.why) if self._kind is not None else None

    def watch(self, connection: sqlite3.Connection) -> None:
        """Watch the files of the ledger, which the connection has written to."""
        (identity,) = connection.execute("PRAGMA user_version").fetchone()
        self._files = Files(self._path, identity)

    def written(self) -> None:
        """A commit has ended.

        Raises:
            LedgerLost: when it went into files that are gone.
        """
        self._look()
        self._written_at = time.monotonic()

    def check(self, connection: sqlite3.Connection, within_seconds: float | None = None) -> str:
        """Why nothing can be written, in one line; empty when it can.

        Where the ledger said no before, it is tried again by a write; with `within_seconds` also
        where nothing was written for as long.
        """
        if self._kind is not None and issubclass(self._kind, FINAL):
            return self.why
        idle_seconds = time.monotonic() - self._written_at
        try:
            self._look()
            if self._kind is not None:
                if time.monotonic() - self._probed_at < PROBE_SECONDS:
                    return self.why
                self._probe(connection, PROBE)
            elif within_seconds is not None and idle_seconds > within_seconds:
                self._probe(connection, SMALL_PROBE)
        except LedgerError as error:
            return str(error)
        return ""

    def heard(self, connection: sqlite3.Connection, error: Exception) -> Exception:
        """What a change or a query ended with, as the ledger's own error. When nothing else can be
        written either, nothing more is tried.
        """
        if not isinstance(error, UNREADABLE):
            return error
        failed = ledger_error(self._path, error)
        failed.__cause__ = error
        if isinstance(failed, LedgerDamaged):
            self._refuse(failed)
        elif isinstance(failed, LedgerUnavailable):
            with contextlib.suppress(LedgerError):
                self._probe(connection, PROBE)
        return failed

    def _refuse(self, error: LedgerUnavailable) -> None:
        if self._kind is None:
            log.error("the ledger can't be written: calls get 503, deliveries wait", why=str(error))
        self._kind, self.why = type(error), str(error)
        if isinstance(error, LedgerLost):
            self.lost.set()

    def _probe(self, connection: sqlite3.Connection, changes: Sequence[str]) -> None:
        """Write something, if there is room for it and more.

        Raises:
            LedgerError: when it can't be written, which is then known to all.
        """
        self._probed_at = time.monotonic()
        try:
            if _free_bytes(self._path.parent) < PROBE_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            for change in changes:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    connection.execute(change)
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
        except (sqlite3.Error, OSError) as error:
            failed = ledger_error(self._path, error)
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                # Another worker writes: so can this one, in a moment.
                return
            if isinstance(failed, LedgerUnavailable):
                self._refuse(failed)
            raise failed from error
        self.written()
        if self._kind is not None:
            log.warning("the ledger can be written again: deliveries go on")
            self._kind, self.why = None, ""

    def _look(self) -> None:
        if self._files is not None and (trouble := self._files.trouble()):
            lost = LedgerLost(f"{trouble} while it was in use")
            self._refuse(lost)
            raise lost


def _free_bytes(folder: Path) -> int:
    """What this user may still write on the folder's disk."""
    found = os.statvfs(folder)
    return found.f_frsize * (found.f_bavail if os.geteuid() else found.f_bfree)

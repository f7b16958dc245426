"""Who may write a ledger: a kernel lock on a file beside it, held for the owner's life, and a row
that gives each writer its node and epoch.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from exchange.errors import LedgerError, Owned
from exchange.schemas.instants import instant
from exchange.schemas.value import value
from exchange.storage.connection import Connection


@value
class Ownership:
    """The right of one process to write a ledger as one node, from its `open` to its end.

    `node` is the number that the ids of the writer carry (a worker's number, 0 to 1023). `epoch`
    rises by one each time the ledger is opened as that node, so (node, epoch) names one life of one
    writer and never comes again in that ledger. `name` says who writes (empty: not said), `since`
    when it began, in milliseconds since 1970 UTC by the exchange's clock.
    """

    node: int
    epoch: int
    name: str
    since: int


def claim(
    connection: Connection, node: int, name: str, since: int, epoch_min: int = 1
) -> Ownership:
    """Become that node's writer, inside the caller's transaction: its epoch rises by one, and to
    `epoch_min` at least.

    Whether somebody else is its writer just now, the lock decides (`own`): the row only names it.
    """
    (epoch,) = connection.execute(
        "INSERT INTO owner(node,epoch,name,since) VALUES (?,?,?,?) "
        "ON CONFLICT(node) DO UPDATE SET epoch=CASE WHEN owner.epoch<excluded.epoch "
        "THEN excluded.epoch ELSE owner.epoch+1 END,name=excluded.name,since=excluded.since "
        "RETURNING epoch",
        (node, epoch_min, name, since),
    ).fetchone()
    return Ownership(node, epoch, name, since)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that this process holds until `release` or its end, whatever ends it.

    A process that is given `descriptor` holds it too: the lock is free when the last of them has
    ended.
    """

    path: Path
    descriptor: int

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __reduce__(self) -> tuple[Any, ...]:
        """Hand it to a process that is being started (`multiprocessing`), which then holds
        it too.
        """
        return _inherited, (self.path, DupFd(self.descriptor))

    def release(self) -> None:
        """Let the next one have it."""
        os.close(self.descriptor)


def _inherited(path: Path, descriptor: Any) -> Lock:
    return Lock(path, descriptor.detach())


def lock_path(ledger: Path) -> Path:
    """The file whose lock decides who owns the ledger at `ledger`."""
    return ledger.with_name(ledger.name + ".owner")


def owner_of(ledger: Path) -> str:
    """Which process owns the ledger, in words; empty where none does. Changes nothing.

    Raises:
        OSError: when the file of the lock can't be read.
    """
    path = lock_path(ledger)
    if not path.exists():
        return ""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _said_by_owner(file.fileno())
    return ""


def own(ledger: Path, what: str, since: int) -> Lock:
    """Own the ledger (or whatever else `ledger` names) for this process's life.

    `what` and `since` (milliseconds since 1970 UTC) are what whoever comes second is told.

    Raises:
        Owned: when another process owns it; says which, since when and what it does.
        LedgerError: when the file of the lock can't be made, or the ledger has another name, by
            which another process could own it.
    """
    path = lock_path(ledger)
    try:
        if ledger.is_file() and ledger.stat().st_nlink > 1:
            raise LedgerError(
                f"{ledger} has another name (a hard link), by which it could be written as well: "
                "remove one of them; `exchange backup` makes a copy"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise LedgerError(f"{ledger} can't be owned: {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = _said_by_owner(descriptor)
        os.close(descriptor)
        raise Owned(f"{ledger} is owned by {said}; end it first") from None
    _say(descriptor, what, since)
    return Lock(path, descriptor)


def _say(descriptor: int, what: str, since: int) -> None:
    text = json.dumps({"pid": os.getpid(), "since": since, "what": what}) + "\n"
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
    except OSError:
        # A full disk: the lock holds all the same, and only who holds it can't be said.
        return


def _said_by_owner(descriptor: int) -> str:
    try:
        said = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {said['pid']} ({said['what']}) since {instant(said['since'])}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"

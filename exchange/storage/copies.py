"""Copies of a ledger file that is in use, and going back to one; backups, which are copies that
were proved.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from exchange.clocks import WallClock
from exchange.errors import LedgerError
from exchange.ports.verification import Verification
from exchange.storage.connection import connect
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.ownership import own
from exchange.storage.proof.chain import heads
from exchange.storage.proof.heads_file import head_path, read_heads, write_heads
from exchange.storage.proof.verify import verify

#: What SQLite keeps beside a file in WAL mode.
BESIDE = ("-wal", "-shm")


def back_up(path: Path, target: Path) -> Verification:
    """Copy the ledger at `path`, which may be in use, to `target`, with its heads beside it, and
    prove the copy against the heads that the ledger had before; durable when it returns.

    Raises:
        LedgerError: when there is something at `target`, when `path` is no ledger of this version,
            or when one can't be read or the other not be written.
    """
    migrate_sqlite(path, create=False)
    if target.exists():
        raise LedgerError(f"{target} is there already: a backup overwrites nothing, name another")
    said = _heads_of(path)
    try:
        copy_ledger(path, target)
        if said is not None:
            head_path(target).write_bytes(said)
        found = verify(target)
        with closing(connect(target, read_only=True)) as connection:
            write_heads(head_path(target), heads(connection))
        _to_disk(target)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"{target} could not be written: {error}") from error
    return found


def restore_backup(backup: Path, path: Path, head: Path | None = None) -> Verification:
    """Put a backup where there is no ledger, once it is proved: against its own heads,
    `head`, and those that stand at the place already. Nothing is put there when something
    is broken.

    Raises:
        Owned: when an exchange serves there, whatever became of its ledger. LedgerError: when there
        is a ledger at `path`, `backup` is none of this version, or one can't
            be read or the other not be written.
    """
    with own(path, "exchange restore", WallClock().now()):
        try:
            return _restore(backup, path, head)
        except OSError as error:
            raise LedgerError(f"{path} could not be written: {error}") from error


def _restore(backup: Path, path: Path, head: Path | None) -> Verification:
    if path.exists():
        raise LedgerError(f"{path} is there already: move it away first")
    said = [each for each in (head, head_path(path)) if each is not None and each.exists()]
    found = verify(backup)
    for each in said:
        if found.clean:
            found = verify(backup, each)
    if not found.clean:
        return found
    for suffix in BESIDE:
        # Of the ledger that was here: SQLite would take them for this one's.
        with contextlib.suppress(FileNotFoundError):
            left = path.with_name(path.name + suffix)
            left.replace(left.with_name(left.name + ".lost"))
    unfinished = path.with_name(path.name + ".part")
    shutil.copyfile(backup, unfinished)
    shutil.copyfile(head_path(backup), head_path(path))
    _to_disk(unfinished)
    os.replace(unfinished, path)
    return found


def _heads_of(path: Path) -> bytes | None:
    try:
        return read_heads(head_path(path)).lines()
    except OSError:
        return None


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def copy_ledger(path: Path, target: Path) -> None:
    """Copy the ledger at `path`, as it is committed now, to `target`, which is either whole or not
    there.

    Raises:
        sqlite3.Error: when the ledger can't be read or the copy not be written.
    """
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(path, timeout=30.0)) as source,
        closing(sqlite3.connect(unfinished)) as copy,
    ):
        copy.execute("PRAGMA synchronous=OFF")
        copy.execute("PRAGMA journal_mode=OFF")
        source.backup(copy)
    os.replace(unfinished, target)


def restore_ledger(copy: Path, path: Path) -> None:
    """Put a copy in the place of the ledger at `path`, which nobody may have open."""
    remove_ledger(path)
    shutil.copyfile(copy, path)


def remove_ledger(path: Path) -> None:
    """Remove a ledger and what stands beside it; nothing when there is none."""
    for name in (path.name, head_path(path).name, *(path.name + suffix for suffix in BESIDE)):
        path.with_name(name).unlink(missing_ok=True)

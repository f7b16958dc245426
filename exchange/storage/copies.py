"""Copies of a ledger file that is in use, and going back to one; nothing that reads what is in
them.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

#: What SQLite keeps beside a file in WAL mode.
BESIDE = ("-wal", "-shm")


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
    for name in (path.name, *(path.name + suffix for suffix in BESIDE)):
        path.with_name(name).unlink(missing_ok=True)

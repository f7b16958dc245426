"""Errors of SQLite and the system about a ledger, turned into the exchange's own: one line that
says what is wrong with which file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zstandard import ZstdError

from exchange.errors import LedgerDamaged, LedgerError, LedgerUnavailable

#: SQLite's primary result codes that are not about what was asked, and what each means.
MEANINGS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_READONLY: "it may only be read",
    sqlite3.SQLITE_CANTOPEN: "it or a file beside it can't be opened",
    sqlite3.SQLITE_PERM: "this user may not",
    sqlite3.SQLITE_AUTH: "this user may not",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_NOLFS: "it is larger than the system allows",
    sqlite3.SQLITE_BUSY: "another process holds it",
    sqlite3.SQLITE_LOCKED: "another process holds it",
    sqlite3.SQLITE_PROTOCOL: "another process holds it",
}
DAMAGES = {
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore a backup",
    sqlite3.SQLITE_NOTADB: "it is no SQLite database, or its beginning is damaged",
}


#: What reading a ledger may end with.
UNREADABLE = (sqlite3.Error, ZstdError)


def ledger_error(path: Path, error: sqlite3.Error | OSError | ZstdError) -> LedgerError:
    """What was raised, as one line about the ledger at `path`.

    `LedgerDamaged` and `LedgerUnavailable` are about the ledger, a plain `LedgerError` is about
    what was asked of it.
    """
    if isinstance(error, ZstdError):
        return LedgerDamaged(f"the ledger {path}: a body in it is damaged: restore a backup")
    if isinstance(error, OSError):
        return LedgerUnavailable(f"the ledger {path}: {error.strerror or error}")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in DAMAGES:
        return LedgerDamaged(f"the ledger {path}: {DAMAGES[code]} ({error})")
    if code in MEANINGS:
        return LedgerUnavailable(f"the ledger {path}: {MEANINGS[code]} ({error})")
    return LedgerError(f"the ledger {path} can't do what was asked: {error}")


@contextmanager
def as_ledger_errors(path: Path) -> Iterator[None]:
    """Raise what goes wrong inside as one line about the ledger at `path`.

    Raises:
        LedgerError: for each `sqlite3.Error`, `OSError` and `ZstdError`.
    """
    try:
        yield
    except (sqlite3.Error, OSError, ZstdError) as error:
        raise ledger_error(path, error) from error

"""Which faults the SQLite library has that Python brings; the ledger's own state is not
looked at.
"""

from __future__ import annotations

import sqlite3

Version = tuple[int, ...]

#: The first release without the WAL-reset fault, and releases of older lines that carry the repair.
FIXED: Version = (3, 51, 3)
REPAIRED: tuple[Version, ...] = ((3, 44, 6), (3, 50, 7))


def wal_reset_fault(version: Version = sqlite3.sqlite_version_info) -> str | None:
    """What to tell whoever starts several workers on this SQLite; None when it has no such fault.

    Two processes that write and checkpoint at the same moment can damage a database in WAL mode
    (3.7.0 to 3.51.2). It is rare, and one worker does not meet it.

    Source: "Write-Ahead Logging", the WAL-reset bug (sqlite.org/wal.html).
    """
    repaired = any(version[:2] == line[:2] and version >= line for line in REPAIRED)
    if version >= FIXED or repaired:
        return None
    said = ".".join(str(part) for part in version[:3])
    return (
        f"SQLite {said} has the WAL-reset fault: several workers that write at the same moment "
        "can, rarely, damage the ledger. Use a Python with SQLite 3.51.3 or later, or one worker "
        "(--workers 1)"
    )

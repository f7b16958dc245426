"""The audit log in the ledger: what operators changed, written with the change and never
dropped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from exchange.ports.operators import AuditRow
from exchange.storage.connection import insert
from exchange.storage.proof.chain import audit_event

COLUMNS = ",".join(AuditRow._fields)


def write(connection: sqlite3.Connection, rows: Sequence[AuditRow]) -> None:
    """Add rows, in the transaction of the change that they tell of, and to the chain."""
    for row in rows:
        [(row_id,)] = insert(connection, f"INSERT INTO audit({COLUMNS})", "RETURNING id", [row])
        audit_event(connection, row_id, row.at, (row_id, *row))


def read(connection: sqlite3.Connection, most: int, before: int) -> list[tuple[int, AuditRow]]:
    """The newest rows with numbers below `before`, each with its number."""
    found = connection.execute(
        f"SELECT id,{COLUMNS} FROM audit WHERE id<? ORDER BY id DESC LIMIT ?", (before, most)
    )
    return [(row[0], AuditRow(*row[1:])) for row in found]

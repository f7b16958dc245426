"""The audit log in the ledger: what operators changed, written with the change and never
dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.ports.operators import AuditRow
from exchange.storage.connection import Connection, insert
from exchange.storage.proof.chain import audit_event

COLUMNS = ",".join(AuditRow._fields)


def write(connection: Connection, rows: Sequence[AuditRow]) -> None:
    """Add rows, in the transaction of the change that they tell of, and to the chain."""
    for row in rows:
        (last,) = connection.execute("SELECT COALESCE(MAX(id),0) FROM audit").fetchone()
        row_id = last + 1
        insert(connection, "audit", f"id,{COLUMNS}", [(row_id, *row)])
        audit_event(connection, row_id, row.at, (row_id, *row))


def read(connection: Connection, most: int, before: int) -> list[tuple[int, AuditRow]]:
    """The newest rows with numbers below `before`, each with its number."""
    found = connection.execute(
        f"SELECT id,{COLUMNS} FROM audit WHERE id<? ORDER BY id DESC LIMIT ?", (before, most)
    )
    return [(row[0], AuditRow(*row[1:])) for row in found]

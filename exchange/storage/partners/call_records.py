"""The operational records of partners' calls over X-Road: a row for each security server that
recorded a call, the newest so many.
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.ports.services import CallRecord
from exchange.storage.connection import Connection, insert
from exchange.storage.ledger import SqlLedger

_LAST = "SELECT COALESCE(MAX(number),0) FROM call_record"
_OF = " AND (client=? OR provider=?)"


class LedgerCallRecords:
    """The port over the ledger."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    async def keep(self, records: Sequence[CallRecord], most: int) -> None:
        """Add rows, and drop the oldest that are too many."""

        def add(connection: Connection) -> None:
            # (Writers take turns: nobody else gives numbers meanwhile.)
            [(last,)] = connection.execute(_LAST).fetchall()
            rows = [(number, *each) for number, each in enumerate(records, last + 1)]
            insert(connection, "call_record", "number,at,client,provider,content", rows)
            kept_from = last + len(rows) - most
            connection.execute("DELETE FROM call_record WHERE number<=?", (kept_from,))

        await self._ledger.change(add)

    async def told(
        self, first: int, end: int, whose: Sequence[str], most: int, newest_first: bool = False
    ) -> list[CallRecord]:
        """Rows by their times; calls of one millisecond in the order of commits."""
        order = "DESC" if newest_first else "ASC"
        statement = (
            f"SELECT at,client,provider,content FROM call_record WHERE at>=? AND at<?"
            f"{_OF * len(whose)} ORDER BY at {order},number {order} LIMIT ?"
        )
        names = [name for each in whose for name in (each, each)]

        def rows(connection: Connection) -> list[CallRecord]:
            found = connection.execute(statement, (first, end, *names, most)).fetchall()
            return [CallRecord(*row) for row in found]

        found: list[CallRecord] = await self._ledger.scan(rows)
        return found

    async def drop(self, before: int) -> int:
        """Drop the rows of an age."""
        dropped: int = await self._ledger.change(
            lambda connection: (
                connection.execute("DELETE FROM call_record WHERE at<?", (before,)).rowcount
            )
        )
        return dropped

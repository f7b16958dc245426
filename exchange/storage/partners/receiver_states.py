"""The receivers' states in the ledger: one row for each that was ever not up."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.ports.operators import AuditRow
from exchange.ports.receiver_states import ReceiverState
from exchange.storage.connection import Connection
from exchange.storage.ledger import SqlLedger
from exchange.storage.operators import audit

COLUMNS = ",".join(ReceiverState._fields)


def _all(connection: Connection) -> list[ReceiverState]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM receiver_state ORDER BY receiver")
    return [ReceiverState(*row) for row in rows]


class LedgerReceivers:
    """The port over the ledger."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    async def all(self) -> Sequence[ReceiverState]:
        """Every row."""
        found: list[ReceiverState] = await self._ledger.read(_all)
        return found

    async def fail(self, receiver: str, now: int, reason: str, next_probe_at: int) -> None:
        """From up to failing."""
        await self._change(
            f"INSERT INTO receiver_state AS kept({COLUMNS}) VALUES (?,'failing',?,?,0,?,0,1) "
            "ON CONFLICT(receiver) DO UPDATE SET state='failing',since=excluded.since,"
            "reason=excluded.reason,failures=0,next_probe_at=excluded.next_probe_at,"
            "outages=kept.outages+1 WHERE kept.state='up'",
            (receiver, now, reason, next_probe_at),
        )

    async def claim(self, receiver: str, now: int, until: int, furthest: int) -> bool:
        """Take the probe that is due."""
        return await self._change(
            "UPDATE receiver_state SET next_probe_at=?,probes=probes+1 "
            "WHERE receiver=? AND state='failing' AND next_probe_at NOT BETWEEN ? AND ?",
            (until, receiver, now + 1, furthest),
        )

    async def probe_failed(self, receiver: str, reason: str, next_probe_at: int) -> None:
        """Stay failing."""
        await self._change(
            "UPDATE receiver_state SET failures=failures+1,reason=?,next_probe_at=? "
            "WHERE receiver=? AND state='failing'",
            (reason, next_probe_at, receiver),
        )

    async def recover(self, receiver: str, now: int) -> None:
        """From failing to up."""
        await self._change(
            "UPDATE receiver_state SET state='up',since=?,reason='',failures=0,next_probe_at=0 "
            "WHERE receiver=? AND state='failing'",
            (now, receiver),
        )

    async def pause(self, receiver: str, now: int, reason: str, audit: AuditRow) -> bool:
        """From up or failing to paused."""
        return await self._change(
            f"INSERT INTO receiver_state AS kept({COLUMNS}) VALUES (?,'paused',?,?,0,0,0,0) "
            "ON CONFLICT(receiver) DO UPDATE SET state='paused',since=excluded.since,"
            "reason=excluded.reason,failures=0,next_probe_at=0 WHERE kept.state!='paused'",
            (receiver, now, reason),
            audit,
        )

    async def resume(self, receiver: str, now: int, audit: AuditRow) -> bool:
        """From paused or failing to up."""
        return await self._change(
            "UPDATE receiver_state SET state='up',since=?,reason='',failures=0,next_probe_at=0 "
            "WHERE receiver=? AND state!='up'",
            (now, receiver),
            audit,
        )

    async def _change(
        self, statement: str, values: tuple[object, ...], row: AuditRow | None = None
    ) -> bool:
        """Whether a row was changed; the audit log says so in the same commit."""

        def change(connection: Connection) -> bool:
            changed = connection.execute(statement, values).rowcount > 0
            if row is not None:
                told = row if changed else row._replace(outcome="nothing to change")
                audit.write(connection, [told])
            return changed

        result: bool = await self._ledger.change(change)
        return result

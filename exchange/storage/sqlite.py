"""The ledger on SQLite, the embedded default: one writer, a reading connection, and threads for
what takes long.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from exchange.errors import LedgerClosed, LedgerLost
from exchange.ports import Clock
from exchange.storage.connection import connect
from exchange.storage.group import Change
from exchange.storage.health.errors import UNREADABLE, as_ledger_errors
from exchange.storage.ledger import SqlLedger
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.scans import Scans
from exchange.storage.writer import Writer

Result = TypeVar("Result")


class SqliteLedger(SqlLedger):
    """Embedded default. Point reads run on the caller's thread (microseconds); scans run on
    another.
    """

    def __init__(
        self,
        path: Path,
        group_max: int = 512,
        compression_level: int = 1,
        cache_mib: int = 16,
        durable: bool = True,
        node: int = 0,
        name: str = "",
        clock: Clock | None = None,
    ) -> None:
        super().__init__(path, node, name, clock)
        self.path = path
        self._cache_mib = cache_mib
        self._writer = Writer(
            path=path,
            group_max=group_max,
            level=compression_level,
            cache_mib=cache_mib,
            durable=durable,
        )
        self._writer.committed = self._committed
        self._reader: sqlite3.Connection | None = None
        self._scans = Scans(path)

    async def open(self) -> None:
        """Migrate, start the writer, claim the node's next epoch."""
        await asyncio.to_thread(migrate_sqlite, self.path)
        try:
            with as_ledger_errors(self.path):
                await self._open()
        except BaseException:
            await self.close()
            raise

    async def _open(self) -> None:
        since = self._clock.now() if self._clock is not None else 0
        self.ownership = self._writer.start(self.ownership.node, self.ownership.name, since)
        self._writer.watch()
        self._reader = connect(self.path, self._cache_mib, read_only=True)
        self._scans.open()

    async def close(self) -> None:
        """Commit what waits and close."""
        await self._writer.stop()
        self._scans.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    @property
    def reader(self) -> sqlite3.Connection:
        """The reading connection, for the event loop's thread only."""
        if self._reader is None:
            raise LedgerClosed("the ledger is not open")
        return self._reader

    @property
    def lost(self) -> asyncio.Event:
        """Set when its files were deleted or replaced while it was open: the service must end."""
        return self._writer.health.lost

    @property
    def loss(self) -> LedgerLost | None:
        """What it was lost by; None while it is not."""
        refusal = self._writer.health.refusal()
        return refusal if isinstance(refusal, LedgerLost) else None

    @property
    def refusal(self) -> str:
        """Why nothing can be written just now; empty when it can, as far as is known."""
        return self._writer.health.why

    async def check(self, within_seconds: float | None = None) -> str:
        """Why it can't be written, found out by writing where that is not known; empty when it
        can.
        """
        return self._writer.check(within_seconds)

    def _submit(self, what: Change) -> asyncio.Future[Any]:
        """A future that resolves after the commit of `what`."""
        return self._writer.submit(what)

    async def read(self, query: Callable[..., Result], *arguments: Any) -> Result:
        """Run a short query, on the caller's thread."""
        reader = self.reader
        try:
            return query(reader, *arguments)
        except UNREADABLE as error:
            raise self._writer.heard(error) from error

    async def pass_on(self, change: Callable[..., Result], *arguments: Any) -> Result:
        """Make a change as any other: a file has one way to be written."""
        result: Result = await self._submit(lambda connection: change(connection, *arguments))
        return result

    async def scan(self, query: Callable[..., Result], *arguments: Any) -> Result:
        """Run a query that may take long, on another thread."""
        try:
            found: Result = await self._scans.run(query, *arguments)
        except UNREADABLE as error:
            raise self._writer.heard(error) from error
        return found

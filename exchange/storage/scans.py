"""Connections for queries that take long, each on a thread of its own; no query."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exchange.storage.connection import connect

#: Connections that are kept, and the page cache of each in MiB: whoever reads much reads most of
#: it once.
KEPT_MAX = 2
CACHE_MIB = 2


class Scans:
    """Runs one query at a time on a connection; a few connections are kept for the next ones."""

    def __init__(self, path: Path) -> None:
        self._path = path
        #: What no query uses just now; None while the ledger is closed.
        self._idle: list[sqlite3.Connection] | None = None

    def open(self) -> None:
        """Begin to keep connections."""
        self._idle = []

    def close(self) -> None:
        """Close what is kept; what is in use is closed when its query ends."""
        idle, self._idle = self._idle, None
        for connection in idle or ():
            connection.close()

    async def run(self, query: Callable[..., Any], *arguments: Any) -> Any:
        """The query's result."""
        kept = self._idle.pop() if self._idle else None

        def look() -> Any:
            connection = kept or connect(self._path, CACHE_MIB, read_only=True)
            try:
                return query(connection, *arguments)
            finally:
                self._put_back(connection)

        return await asyncio.to_thread(look)

    def _put_back(self, connection: sqlite3.Connection) -> None:
        """Keep a connection for the next query, on whatever thread the last one ran."""
        if self._idle is not None and len(self._idle) < KEPT_MAX:
            self._idle.append(connection)
        else:
            connection.close()

"""Wakes between nodes by NOTIFY, after the commit that they tell of and on a session that no commit
waits for; what gets lost is found by polling.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from exchange.errors import LedgerError
from exchange.storage.connection import Connection, execute_with
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql.owner import UNANSWERED
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.session import connected

log = structlog.get_logger(__name__)

#: How long after a session that listened has ended the next one is opened, in seconds.
AGAIN_SECONDS = 1.0
#: What a node listens to, before its number. Source: PostgreSQL's documentation, "NOTIFY".
_NAME = "exchange_node_"
_NOTIFY = f"SELECT pg_notify('{_NAME}'||told.node,told.receiver) FROM told"


class NotifyWakes:
    """See `ports.lanes.Wakes`. What is to be told while a NOTIFY is out goes with the next one."""

    def __init__(self, server: Server, ledger: PostgresLedger) -> None:
        self._server = server
        self._ledger = ledger
        self._told: set[tuple[int, str]] = set()
        self._telling: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None

    def wake(self, worker: int, receiver: str) -> None:
        """Tell a node soon."""
        self._told.add((worker, receiver))
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell())

    def listen(self, worker: int, woken: Callable[[str], None]) -> None:
        """Listen on a session of its own, and on another one when that has ended."""
        self._listening = asyncio.create_task(self._listen(worker, woken), name="wakes")

    def stop(self, worker: int) -> None:
        """Listen no more."""
        if self._listening is not None:
            self._listening.cancel()

    async def _tell(self) -> None:
        try:
            while self._told:
                told, self._told = self._told, set()
                await self._ledger.pass_on(_notify, sorted(told))
        except LedgerError as error:
            self._told.clear()
            log.debug("nodes not woken: they poll", why=str(error))
        finally:
            self._telling = None

    async def _listen(self, worker: int, woken: Callable[[str], None]) -> None:
        while True:
            with contextlib.suppress(LedgerError, *UNANSWERED):
                connection = await connected(self._server, f"exchange listens as node {worker}")
                try:
                    ended = asyncio.Event()
                    connection.add_termination_listener(lambda *_, ended=ended: ended.set())
                    await connection.add_listener(
                        f"{_NAME}{worker}", lambda *said: woken(str(said[-1]))
                    )
                    await ended.wait()
                finally:
                    connection.terminate()
            await asyncio.sleep(AGAIN_SECONDS)


def _notify(connection: Connection, told: list[tuple[int, str]]) -> None:
    execute_with(connection, "told", told, "node bigint,receiver text", _NOTIFY)

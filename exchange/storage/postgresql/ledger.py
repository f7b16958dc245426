"""The ledger on PostgreSQL: one writing session, and a few that read; the statements are the
storage's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.util import await_only, greenlet_spawn

from exchange.errors import LedgerClosed, LedgerLost, LedgerUnavailable
from exchange.ports import Clock
from exchange.ports.ledger import Remembered
from exchange.storage import queries
from exchange.storage.group import Change
from exchange.storage.ledger import SqlLedger
from exchange.storage.postgresql.gathered import Gathered
from exchange.storage.postgresql.writer import ServerWriter
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.connection import ServerConnection, Types
from exchange.storage.postgresql_server.errors import ledger_error
from exchange.storage.postgresql_server.migrate import migrate
from exchange.storage.postgresql_server.session import (
    BY_INDEXES,
    CONNECT_SECONDS,
    STATEMENTS_MAX,
    WRITABLE,
    prepare,
    reached,
    session_settings,
)

Result = TypeVar("Result")

#: Sessions that read; how long a query waits for one, and how long it may take, in seconds.
READERS_MAX = 8
READER_SECONDS = 10.0
READ_SECONDS = 60.0
#: Whoever wants to know more of what a channel remembers than so many keys asks alone.
RECALLED_TOGETHER_MAX = 100


class PostgresLedger(SqlLedger):
    """A database on a server. Whoever reads waits on the loop, which goes on meanwhile.

    `node` is the number to write as; None leases one that is free with each `open`, which
    `ownership` then tells.
    """

    def __init__(
        self,
        server: Server,
        group_max: int = 512,
        compression_level: int = 1,
        durable: bool = True,
        node: int | None = None,
        name: str = "",
        clock: Clock | None = None,
    ) -> None:
        super().__init__(server, node or 0, name, clock)
        self._node = node
        self._server = server
        self._writer = ServerWriter(server, group_max, compression_level, durable)
        self._writer.committed = self._committed
        self._readers: Any = None
        self._types: Types = {}
        self._recalls = Gathered(self._recall_all)
        self._taken, self._ended = Gathered(self.take_turns), Gathered(self.end_turns)

    async def open(self) -> None:
        """Migrate, own the node, start the writer and the sessions that read."""
        await migrate(self._server)
        try:
            since = self._clock.now() if self._clock is not None else 0
            name = self.ownership.name
            self.ownership = await self._writer.start(self._node, name, since)
            self._readers = await asyncpg.create_pool(
                self._server.url,
                connect=self._reached,
                # (Of a least number asyncpg would see to it by itself, and log each try.)
                min_size=0,
                max_size=READERS_MAX,
                init=prepare,
                reset=_left_as_it_is,
                timeout=CONNECT_SECONDS,
                command_timeout=READ_SECONDS,
                statement_cache_size=STATEMENTS_MAX,
                target_session_attrs=WRITABLE,
                server_settings=session_settings(
                    f"exchange reads as node {self.ownership.node}",
                    statement_timeout=str(int(READ_SECONDS * 1000)),
                    # What nodes tell each other (turns, notices) waits for no disk, no standby.
                    synchronous_commit="off",
                    **BY_INDEXES,
                ),
            )
            await self.read(queries.position)
        except BaseException as error:
            await self.close()
            said = ledger_error(str(self._server), error) if isinstance(error, Exception) else error
            if said is error:
                raise
            raise said from error

    async def _reached(self, _: str, **arguments: Any) -> Any:
        """A connection for the sessions that read."""
        return await reached(self._server, **arguments)

    async def close(self) -> None:
        """Commit what waits and end the sessions."""
        await self._writer.stop()
        readers, self._readers = self._readers, None
        if readers is not None:
            try:
                await asyncio.wait_for(readers.close(), CONNECT_SECONDS)
            except (TimeoutError, OSError, asyncpg.InterfaceError):
                readers.terminate()

    @property
    def lost(self) -> asyncio.Event:
        """Set when another process has become this node, or the server has an older state of the
        ledger: the service must end.
        """
        return self._writer.lost

    @property
    def loss(self) -> LedgerLost | None:
        """What it was lost by; None while it is not."""
        return self._writer.loss

    @property
    def refusal(self) -> str:
        """Why nothing can be written just now; empty when it can, as far as is known."""
        return self._writer.why

    async def check(self, within_seconds: float | None = None) -> str:
        """Why it can't be written, found out by writing where that is not known; empty when it
        can.
        """
        return await self._writer.check(within_seconds)

    def _submit(self, what: Change) -> asyncio.Future[Any]:
        """A future that resolves after the commit of `what`."""
        return self._writer.submit(what)

    async def read(self, query: Callable[..., Result], *arguments: Any) -> Result:
        """Run a query on one of the sessions that read."""
        if self._readers is None:
            raise LedgerClosed("the ledger is not open")
        try:
            connection = await self._readers.acquire(timeout=READER_SECONDS)
        except TimeoutError as error:
            raise LedgerUnavailable(
                f"the ledger {self._server}: no session is free to read by"
            ) from error
        except Exception as error:
            raise ledger_error(str(self._server), error) from error
        try:
            session = ServerConnection(connection, await_only, str(self._server), self._types)
            found: Result = await greenlet_spawn(query, session, *arguments)
        finally:
            await self._readers.release(connection)
        return found

    async def recall(self, channel: str, keys: Sequence[str]) -> dict[str, Remembered]:
        """What a channel remembers under these keys; by one read with others', but for many: nobody
        waits for a large delivery's.
        """
        if len(keys) > RECALLED_TOGETHER_MAX:
            return await super().recall(channel, keys)
        return await self._recalls.ask([(channel, key) for key in keys])

    async def _recall_all(
        self, asked: Sequence[Sequence[tuple[str, str]]]
    ) -> list[dict[str, Remembered]]:
        wanted = dict.fromkeys(place for places in asked for place in places)
        rows = await self.read(queries.memory, wanted)
        found = {(row.channel, row.key): row for row in rows}
        return [
            queries.recalled(found[place] for place in places if place in found) for places in asked
        ]

    async def take_turn(self, channel: str, sender: str) -> int:
        """A message of that sender has come; by one statement with others'."""
        return await self._taken.ask((channel, sender))

    async def end_turn(self, turn: int) -> None:
        """A message is taken in, or refused; by one statement with others'."""
        await self._ended.ask(turn)

    async def pass_on(self, change: Callable[..., Result], *arguments: Any) -> Result:
        """Make a change on one of the sessions that read: nobody's turn to write is waited for."""
        return await self.read(change, *arguments)

    async def scan(self, query: Callable[..., Result], *arguments: Any) -> Result:
        """Run a query that may take long: nothing else waits for it here."""
        return await self.read(query, *arguments)


async def _left_as_it_is(_: Any) -> None:
    """What a session is left with by a query: nothing, so nothing is asked of the server."""

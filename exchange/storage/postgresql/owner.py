"""The session that owns a node and writes as it: the lock and the epoch, transactions, and what
became of one whose end was not answered.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import asyncpg
import structlog
from sqlalchemy.util import await_only, greenlet_spawn

from exchange.errors import LedgerError, LedgerLost, LedgerUnavailable, NodeLost, Owned
from exchange.schemas.instants import instant
from exchange.storage.ownership import Ownership, claim
from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.connection import ServerConnection, Types
from exchange.storage.postgresql_server.errors import ledger_error
from exchange.storage.postgresql_server.locks import FREE, TRY, WRITING, node_lock
from exchange.storage.postgresql_server.session import BY_INDEXES, connected, risks
from exchange.storage.proof.chain import GIVEN, Given, append, last_event, newest

log = structlog.get_logger(__name__)

#: How long a transaction waits for another node's, in milliseconds.
WAIT_MILLISECONDS = 30_000
#: How long a statement may take, longer than what waits in it: until the server ends it, and how
#: much later its silence is taken for the end of the session.
ANSWER_SECONDS, SILENCE_SECONDS = 60.0, 5.0
#: How long a commit may take. One that waits for a standby may come to its end after that.
COMMIT_SECONDS = 10.0
#: How long a transaction may stand still before the server ends its session, in milliseconds: a
#: node that was stopped in the middle of one must not keep all others from writing.
STILL_MILLISECONDS = 5_000
#: Plans are made once a session and not for each group, which would take longer than what is
#: planned. Source: PostgreSQL's documentation, 19.7.4 "Other Planner Options".
PLANS = {"plan_cache_mode": "force_generic_plan", **BY_INDEXES}
#: The greatest number that is leased; the one after it is the commands'.
NODE_MAX = 1022
#: How long a session that ended by itself may go on to hold its node's lock, in seconds: until the
#: server notices (see `session.SILENT_SECONDS`), and how often to look.
LINGER_SECONDS, LOOK_SECONDS = 30.0, 0.25
#: How long to ask what became of a transaction, in seconds.
OUTCOME_SECONDS = 10.0

#: What a session ends with that does not answer.
UNANSWERED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

#: The turn to write. (Two statements in one round trip: without values, they may be.)
_BEGIN = "BEGIN; SELECT pg_advisory_xact_lock({},{})".format(*WRITING)
#: The number of the transaction among this node's, and what the transactions before it gave. (The
#: server's own number of it would not do: a standby that was promoted gives it to another
#: transaction when it never got this one.)
_NUMBER = (
    "WITH mine AS (UPDATE owner SET written=written+1 WHERE node=$1 AND epoch=$2 "
    f"RETURNING written) SELECT written,{GIVEN} FROM mine"
)
_WRITTEN = "SELECT written FROM owner WHERE node=$1 AND epoch=$2"


class Owner:
    """One life of one writer: from `begin` to `end`, over as many sessions as the network wants."""

    def __init__(self, server: Server, durable: bool) -> None:
        self._server = server
        self._durable = durable
        self._connection: Any = None
        self._types: Types = {}
        #: As whom it writes, once it has begun; on what.
        self.ownership = Ownership(0, 0, "", 0)
        self.session: ServerConnection
        #: What the transactions before the one that has begun gave.
        self.given: Given
        #: The number of its newest transaction that is known to be committed.
        self._written = 0

    async def begin(self, node: int | None, name: str, since: int) -> Ownership:
        """Own the node (None: any that nobody owns), claim its next epoch, begin its chain.

        Raises:
            Owned: when another process owns the node; says which and since when.
            LedgerError: when it can't be written.
        """
        self.ownership = Ownership(node or 0, 0, name, since)
        await self._connect()
        if self._durable and (told := await risks(self._connection)):
            log.warning("a commit may be lost when the server's machine stops", settings=told)
        if node is None:
            await self._own_any()
        elif not await self._locked():
            told = await self._told()
            await self.end()
            raise Owned(
                f"node {node} of the ledger {self._server} is owned by {told}; end it first"
            )
        await self.begin_transaction()
        self.ownership = await greenlet_spawn(self._begin_chain)
        await self.commit(None)
        return self.ownership

    async def _own_any(self) -> None:
        number = await self._connection.fetchval(FREE, *node_lock(0), NODE_MAX)
        if number is None:
            await self.end()
            raise Owned(f"every node of the ledger {self._server} is owned; end one first")
        self.ownership = replace(self.ownership, node=number)
        await self._connection.execute(
            "SELECT set_config('application_name',$1,false)", self._name()
        )

    def _name(self) -> str:
        return f"exchange writes as node {self.ownership.node}"

    def _begin_chain(self) -> Ownership:
        own = self.ownership
        claimed = claim(self.session, own.node, own.name, own.since)
        link = newest(self.session, own.node, claimed.epoch)
        ids = last_event(self.session)
        append(self.session, link, (ids + 1, ids), {}, 0)
        return claimed

    async def end(self) -> None:
        """End the session, and with it the ownership."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*UNANSWERED):
                await connection.close(timeout=5.0)

    async def begin_transaction(self) -> int | None:
        """Begin, and wait for the turn to write; the transaction's number. None: the node is not
        its own yet.

        Raises:
            LedgerUnavailable: when the server can't be reached, or another node writes for long.
            LedgerLost: when another process owns the node, or the server has an older state of the
                ledger: what was committed is not in it.
        """
        known = self._connection
        await self._connect_again()
        try:
            return await self._begin()
        except LedgerUnavailable:
            if self._connection is not None or known is None:
                raise
        # Nothing was done in a session that has ended since the last transaction.
        await self._connect_again()
        return await self._begin()

    async def _begin(self) -> int | None:
        own = self.ownership
        try:
            await self._connection.execute(_BEGIN)
            number: int | None = None
            # (Not in one statement with the turn: it would see what there was before its turn.)
            if own.epoch and (row := await self._connection.fetchrow(_NUMBER, own.node, own.epoch)):
                number, event, position = row
                self.given = Given(event or 0, position or 0)
            lost = bool(own.epoch) and (number is None or number <= self._written)
            epoch = await self._epoch() if lost else own.epoch
        except asyncpg.LockNotAvailableError as error:
            await self.roll_back()
            raise self._said(error) from error
        except Exception as error:
            await self.drop()
            raise self._said(error) from error
        if lost:
            await self.drop()
            raise self._lost(epoch)
        return number

    async def commit(self, number: int | None) -> None:
        """Commit the transaction of that number. When the answer is lost, the server that the next
        session is on is asked whether it has it.

        Raises:
            LedgerUnavailable: when it is not committed, or nobody could say in time.
        """
        committing = asyncio.ensure_future(self._connection.execute("COMMIT"))
        # Not by asyncpg's time limit, which asks the server to end it: a commit whose wait for a
        # standby is ended counts as made. Source: PostgreSQL's documentation, 26.2.8.4 "Planning
        # for High Availability".
        if not (await asyncio.wait([committing], timeout=COMMIT_SECONDS))[0]:
            await self.drop()
            with suppress(*UNANSWERED):
                await committing
            raise LedgerUnavailable(
                f"the ledger {self._server}: a commit takes longer than {COMMIT_SECONDS:.0f} s: the "
                "server waits for its disk, or for a standby"
            )
        try:
            status = committing.result()
        except Exception as error:
            await self.drop()
            if number is None or not await self._committed(number):
                raise self._said(error) from error
            status = "COMMIT"
        if status != "COMMIT":
            raise LedgerError(f"the ledger {self._server} took back what was to be committed")
        self._written = number or 0

    async def roll_back(self) -> None:
        """Take the transaction back; without an answer the session ends, and with it that."""
        if self._connection is None:
            return
        try:
            await self._connection.execute("ROLLBACK")
        except UNANSWERED:
            await self.drop()

    async def _committed(self, number: int) -> bool:
        """Whether a transaction is committed; False also when nobody could say in time. Whoever has
        the node's lock again knows that the session which began it has ended.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + OUTCOME_SECONDS
        while loop.time() < until:
            try:
                await self._connect_again()
                own = self.ownership
                written = await self._connection.fetchval(_WRITTEN, own.node, own.epoch)
                return bool(written == number)
            except LedgerLost:
                raise
            except (LedgerUnavailable, *UNANSWERED):
                await self.drop()
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def _connect(self) -> None:
        self._connection = await connected(
            self._server,
            self._name(),
            ANSWER_SECONDS + SILENCE_SECONDS,
            statement_timeout=str(int(ANSWER_SECONDS * 1000)),
            idle_in_transaction_session_timeout=str(STILL_MILLISECONDS),
            lock_timeout=str(WAIT_MILLISECONDS),
            **PLANS,
            synchronous_commit="on" if self._durable else "off",
        )
        self.session = ServerConnection(
            self._connection, await_only, str(self._server), self._types
        )

    async def _connect_again(self) -> None:
        """A new session that owns the node, if nobody became it meanwhile.

        Raises:
            LedgerUnavailable: when there is none to be had just now.
            LedgerLost: when somebody did.
        """
        if self._connection is not None and not self._connection.is_closed():
            return
        await self._connect()
        try:
            await self._own_again()
        except UNANSWERED as error:
            await self.drop()
            raise self._said(error) from error

    async def _own_again(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + LINGER_SECONDS
        while not await self._locked():
            # (Who came and has gone is found by the next transaction.)
            if (epoch := await self._epoch()) != self.ownership.epoch:
                await self.drop()
                raise self._lost(epoch)
            if loop.time() > until:
                await self.drop()
                raise LedgerUnavailable(
                    f"the ledger {self._server}: node {self.ownership.node} is held by a session "
                    "that does not end"
                )
            await asyncio.sleep(LOOK_SECONDS)

    async def _locked(self) -> bool:
        found: bool = await self._connection.fetchval(TRY, *node_lock(self.ownership.node))
        return found

    async def _epoch(self) -> int:
        found = await self._connection.fetchval(
            "SELECT epoch FROM owner WHERE node=$1", self.ownership.node
        )
        return int(found or 0)

    async def _told(self) -> str:
        row = await self._connection.fetchrow(
            "SELECT name,since FROM owner WHERE node=$1", self.ownership.node
        )
        if row is None:
            return "another process"
        return f"{row[0] or 'another process'} since {instant(row[1])}"

    async def drop(self) -> None:
        """Let go of a session that does not answer, so that the server ends what it did."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _lost(self, epoch: int) -> LedgerLost:
        """What became of the node, whose epoch on the server is that one."""
        node = self.ownership.node
        if epoch > self.ownership.epoch:
            return NodeLost(f"node {node} of the ledger {self._server} is another process's now")
        return LedgerLost(
            f"the ledger {self._server} is an older state of it, without what node {node} has "
            "committed: a backup was restored, or a standby promoted that lacked the last commits, "
            "while it was in use"
        )

    def _said(self, error: Exception) -> Exception:
        return ledger_error(str(self._server), error)

"""The ledger on a database, whichever: the port's methods over a writer, short reads and scans;
statements that change stand in `commit`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from asyncio import Event, Future, to_thread
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic_core import from_json

from exchange.errors import LedgerLost
from exchange.ports import Clock
from exchange.ports.ledger import (
    ALL_DEAD,
    Count,
    DeadFilter,
    DeliveryRow,
    Due,
    EventRow,
    Found,
    Hold,
    MessageFilter,
    MessageRow,
    Old,
    Pending,
    Place,
    Record,
    Recorded,
    Remember,
    Remembered,
    Settlement,
    Wanted,
    Written,
)
from exchange.ports.operators import AuditRow
from exchange.ports.verification import Verification
from exchange.schemas.directory import Partner
from exchange.statistics.history import Kept
from exchange.storage import mailbox, queries
from exchange.storage.commit import hasten
from exchange.storage.connection import Connection
from exchange.storage.counters import history
from exchange.storage.counters.compaction import compact
from exchange.storage.counters.days import day_of_minute
from exchange.storage.counters.sums import Totals
from exchange.storage.counters.totals import totals
from exchange.storage.group import Change, Committed, Drop, Note, Work, told_to_nobody
from exchange.storage.operators import audit
from exchange.storage.ownership import Ownership
from exchange.storage.proof.verify import verify
from exchange.storage.retention import Dropped, drop_bodies
from exchange.storage.search.messages import search
from exchange.storage.snapshot import Where
from exchange.storage.turns import SharedTurns, end_turns_of

Result = TypeVar("Result")


class SqlLedger(SharedTurns):
    """What is the same on every database. `where` is its address; `ownership` is as whom it is
    written, once it is open: a new epoch with each `open`.
    """

    def __init__(self, where: Where, node: int, name: str, clock: Clock | None) -> None:
        self.where = where
        self.ownership = Ownership(node, 0, name, 0)
        self._clock = clock
        #: What this process has committed; who else is told of each commit.
        self.written = Written()
        self._tell_committed: Committed = told_to_nobody
        #: The day on which it was opened to be kept.
        self._held_since: int | None = None

    @abstractmethod
    async def open(self) -> None:
        """Migrate, start the writer, claim the node's next epoch."""

    @abstractmethod
    async def close(self) -> None:
        """Commit what waits and close."""

    @property
    @abstractmethod
    def lost(self) -> Event:
        """Set when it is not there any more, or another process owns it: the service must end."""

    @property
    @abstractmethod
    def loss(self) -> LedgerLost | None:
        """What it was lost by; None while it is not."""

    @property
    @abstractmethod
    def refusal(self) -> str:
        """Why nothing can be written just now; empty when it can, as far as is known."""

    @abstractmethod
    async def check(self, within_seconds: float | None = None) -> str:
        """Why it can't be written, found out by writing where that is not known; empty when it
        can.
        """

    def tell_commits(self, committed: Committed) -> None:
        """Tell of each commit from now on: its jobs, and the seconds that it took to be durable."""
        self._tell_committed = committed

    def _committed(self, changes: int, seconds: float) -> None:
        self.written = self.written.plus(changes, seconds)
        self._tell_committed(changes, seconds)

    @abstractmethod
    def _submit(self, what: Change) -> Future[Any]:
        """A future that resolves after the commit of `what`, which is taken at once.

        Raises:
            LedgerClosed: when the ledger is not open.
            LedgerUnavailable: at once, while it can't be written.
        """

    @abstractmethod
    async def read(self, query: Callable[..., Result], *arguments: Any) -> Result:
        """Run a short query.

        Raises:
            LedgerError: when the ledger is not open, or can't be read.
        """

    @abstractmethod
    async def scan(self, query: Callable[..., Result], *arguments: Any) -> Result:
        """Run a query that may take long, beside the loop.

        Raises:
            LedgerError: when the ledger is not open, or can't be read.
        """

    async def verify(self, head: Path | None = None) -> Verification:
        """Prove it as it is committed now, beside the loop (see `proof.verify`)."""
        return await to_thread(verify, self.where, head)

    async def record(self, record: Record) -> Recorded:
        """Commit a message."""
        result: Recorded = await self._submit(record)
        return result

    async def settle(self, settlement: Settlement) -> bool:
        """Commit the end of an attempt."""
        result: bool = await self._submit(settlement)
        return result

    async def count(self, counts: Sequence[Count]) -> None:
        """Commit counts of what leaves nothing else."""
        totals = Totals()
        totals.add(counts)
        await self._submit(totals.write)

    async def change(self, work: Work) -> Any:
        """Commit any other change (a simulation's checkpoint, a test's)."""
        return await self._submit(work)

    async def recall(self, channel: str, keys: Sequence[str]) -> dict[str, Remembered]:
        """What a channel remembers under these keys."""
        places = [(channel, key) for key in keys]
        return queries.recalled(await self.read(queries.memory, places))

    async def remembered(
        self, channel: str, prefix: str, after: str, most: int, newest_first: bool = False
    ) -> list[tuple[str, Remembered]]:
        """What a channel remembers under keys that begin alike."""
        rows = await self.read(queries.remembered, channel, prefix, after, most, newest_first)
        return [(key, Remembered(from_json(value), version)) for key, value, version in rows]

    async def note(
        self,
        channel: str,
        entries: Sequence[Remember],
        message_id: int = 0,
        then: Work | None = None,
    ) -> bool:
        """Commit what a channel wants to remember by itself, and `then` with it."""
        stale: list[str] = await self._submit(Note(channel, entries, message_id, then))
        return not stale

    async def waiting(
        self,
        lanes: Sequence[int],
        due_before: int,
        most: int,
        mode: str = "push",
        without: Sequence[str] = (),
    ) -> list[Due]:
        """Unordered deliveries of that mode that are due."""
        return await self.read(queries.due, lanes, due_before, most, mode, without)

    async def ordered(self, receiver: str, after: Place, until: int, most: int) -> list[Place]:
        """Where ordered deliveries wait."""
        return await self.read(queries.ordered, receiver, after, until, most)

    async def ordered_receivers(self) -> list[str]:
        """Whom ordered deliveries wait for."""
        return await self.read(queries.ordered_receivers)

    async def pending(
        self, delivery_ids: Sequence[int], state: str = "waiting", bodies: bool = True
    ) -> list[Pending]:
        """Deliveries with their messages."""
        return await self.read(queries.pending, delivery_ids, state, bodies)

    async def dead(
        self, most: int, before: int = 1 << 62, wanted: DeadFilter = ALL_DEAD
    ) -> list[Pending]:
        """The newest dead letters."""
        return await self.read(queries.dead, most, before, wanted)

    async def dead_causes(self, wanted: DeadFilter) -> Mapping[str, int]:
        """How many there are of each cause."""
        result: Mapping[str, int] = await self.scan(queries.dead_causes, wanted)
        return result

    async def lease(self, wanted: Wanted, now: int, until: int, lease_id: int) -> list[Pending]:
        """Take deliveries from a mailbox. They are looked for beside the loop, since many may lie
        there that others hold.
        """
        if await self.read(mailbox.is_empty, wanted.receiver):
            return []
        held: list[int] = []
        while not held:
            ids = await self.scan(mailbox.free, wanted, now)
            if not ids:
                return []
            # (None is left where others took all of them meanwhile.)
            held = await self._submit(
                partial(mailbox.lease, ids=ids, now=now, until=until, lease_id=lease_id)
            )
        taken = await self.read(queries.pending, held, "waiting", True)
        return sorted(taken, key=lambda each: (each.delivery.position, each.delivery.id))

    async def extend(self, holds: Sequence[Hold], until: int) -> list[int]:
        """Have leases end later."""
        extended: list[int] = await self._submit(
            lambda connection: mailbox.extend(connection, holds, until)
        )
        return extended

    async def overdue(self, before: int, since: int, now: int, most: int) -> list[int]:
        """What lay in a mailbox for too long."""
        found: list[int] = await self.scan(mailbox.overdue, before, since, now, most)
        return found

    async def hasten(self, now: int, furthest: int, leased_until: int) -> int:
        """Make due now what waits for longer than it may."""
        hastened: int = await self._submit(
            lambda connection: hasten(connection, now, furthest, leased_until)
        )
        return hastened

    async def find(self, channel: str, sender: str, sender_message_id: str) -> MessageRow | None:
        """An accepted message by its sender's id."""
        return await self.read(queries.find, channel, sender, sender_message_id)

    async def stored(
        self,
        channel: str,
        message_types: Sequence[str],
        after: int,
        until: int,
        most: int,
        newest_first: bool = False,
    ) -> list[tuple[MessageRow, bytes]]:
        """Accepted messages with their bodies, by position."""
        found: list[tuple[MessageRow, bytes]] = await self.scan(
            queries.stored, channel, tuple(message_types), after, until, most, newest_first
        )
        return found

    async def position(self) -> int:
        """The last position given."""
        return await self.read(queries.position)

    async def latest_id(self, since: int, worker: int) -> int:
        """The greatest id of a worker."""
        found: int = await self.scan(queries.latest_id, since, worker)
        return found

    async def position_before(self, message_id: int, most_are_older: bool = True) -> int:
        """The last position before those of all messages with that id or a greater one."""
        found: int = await self.scan(queries.position_before, message_id, most_are_older)
        return found

    async def message(self, message_id: int) -> MessageRow | None:
        """A message by our id."""
        return await self.read(queries.message, message_id)

    async def search(
        self,
        wanted: MessageFilter,
        before: int,
        most: int,
        look: int,
        within_seconds: float = math.inf,
    ) -> Found:
        """The newest messages that are wanted."""
        found: Found = await self.scan(search, wanted, before, most, look, within_seconds)
        return found

    async def message_of(self, delivery_id: int) -> int:
        """The message that a delivery hands on."""
        return await self.read(queries.message_of, delivery_id)

    async def body(self, message_id: int) -> bytes | None:
        """The bytes of a message, while they are kept."""
        return await self.read(queries.body, message_id)

    async def answer(self, delivery_id: int) -> tuple[str, bytes] | None:
        """The (media type, bytes) of the answer to a delivery."""
        return await self.read(queries.answer, delivery_id)

    async def deliveries(self, message_id: int) -> list[DeliveryRow]:
        """The deliveries of a message."""
        return await self.read(queries.deliveries, message_id)

    async def events(self, message_id: int) -> list[EventRow]:
        """What happened to a message, in order."""
        return await self.read(queries.events, message_id)

    async def totals(
        self, by: Sequence[str], since: int = 0, until: int = 1 << 62, daily: bool = False
    ) -> list[tuple[tuple[Any, ...], int, int, int]]:
        """Counters summed by dimensions over minutes (or, with `daily`, days) [since, until)."""
        result: list[tuple[tuple[Any, ...], int, int, int]] = await self.scan(
            totals, tuple(by), since, until, daily
        )
        return result

    async def oldest_waiting(self) -> MessageRow | None:
        """The oldest message that waits."""
        return await self.read(queries.oldest_waiting)

    async def waiting_by_channel(self) -> Mapping[str, int]:
        """Waiting deliveries, counted from the deliveries."""
        result: Mapping[str, int] = await self.scan(queries.waiting_by_channel)
        return result

    async def begin(self, at: int, partners: Sequence[Partner]) -> None:
        """Keep the partners, and that the ledger is held from now on; no message is being taken in
        by this node.
        """
        day, node = day_of_minute(at // 60_000), self.ownership.node
        self._held_since = day

        def begun(connection: Connection) -> None:
            history.begin(connection, day, partners)
            end_turns_of(connection, node)

        await self._submit(begun)

    async def hold(self, at: int) -> None:
        """Keep that the ledger is held up to now."""
        # A minute before: midnight belongs to the day that ends.
        since, day = self._held_since, day_of_minute(at // 60_000 - 1)
        if since is not None:
            await self._submit(lambda connection: history.end(connection, since, day))

    async def partners(self) -> list[Kept]:
        """Partners as they were."""
        return await self.read(history.kept)

    async def held(self) -> list[tuple[int, int]]:
        """The stretches of days that are held."""
        return await self.read(history.held)

    async def audit(self, rows: Sequence[AuditRow]) -> None:
        """Commit rows of the audit log that belong to no change in the ledger."""
        await self._submit(lambda connection: audit.write(connection, rows))

    async def audited(self, most: int, before: int = 1 << 62) -> list[tuple[int, AuditRow]]:
        """The newest rows of the audit log with numbers below `before`."""
        return await self.read(audit.read, most, before)

    async def drop(self, bodies: Old, messages: Old, most: int) -> Dropped:
        """Forget up to `most` bodies and messages that are old and settled."""
        alone = 0
        if bodies.until > messages.until:
            # Else they go with their messages.
            alone = await self._submit(lambda connection: drop_bodies(connection, bodies, most))
        dropped: Dropped = await self._submit(Drop(messages, most, bodies.before))
        return Dropped(alone + dropped.bodies, dropped.messages)

    async def compact(self, before_minute: int, most: int) -> bool:
        """Fold counters of minutes before that one, about `most` of them; whether some are left."""
        left: bool = await self._submit(lambda connection: compact(connection, before_minute, most))
        return left

"""The ledger on SQLite: the port's methods over one writer and a reading connection; statements
that change stand in `commit`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic_core import from_json

from exchange.errors import LedgerClosed
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
)
from exchange.ports.operators import AuditRow
from exchange.schemas.directory import Partner
from exchange.statistics.history import Kept
from exchange.storage import mailbox, queries
from exchange.storage.commit import hasten
from exchange.storage.connection import connect
from exchange.storage.counters import history
from exchange.storage.counters.compaction import compact
from exchange.storage.counters.days import day_of_minute
from exchange.storage.counters.sums import Totals
from exchange.storage.health.errors import UNREADABLE, as_ledger_errors
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.operators import audit
from exchange.storage.ownership import Ownership
from exchange.storage.retention import Dropped, drop_bodies
from exchange.storage.scans import Scans
from exchange.storage.writer import Drop, Note, Work, Writer

Result = TypeVar("Result")


class SqliteLedger:
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
        self.path = path
        #: As whom it is written, once it is open: a new epoch with each `open`.
        self.ownership = Ownership(node, 0, name, 0)
        self._clock = clock
        self._cache_mib = cache_mib
        self._writer = Writer(
            path=path,
            group_max=group_max,
            level=compression_level,
            cache_mib=cache_mib,
            durable=durable,
        )
        self._reader: sqlite3.Connection | None = None
        self._scans = Scans(path)
        #: The day on which it was opened to be kept.
        self._held_since: int | None = None

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
    def refusal(self) -> str:
        """Why nothing can be written just now; empty when it can, as far as is known."""
        return self._writer.health.why

    async def check(self, within_seconds: float | None = None) -> str:
        """Why it can't be written, found out by writing where that is not known; empty when it
        can.
        """
        return self._writer.check(within_seconds)

    async def record(self, record: Record) -> Recorded:
        """Commit a message."""
        result: Recorded = await self._writer.submit(record)
        return result

    async def settle(self, settlement: Settlement) -> bool:
        """Commit the end of an attempt."""
        result: bool = await self._writer.submit(settlement)
        return result

    async def count(self, counts: Sequence[Count]) -> None:
        """Commit counts of what leaves nothing else."""
        totals = Totals()
        totals.add(counts)
        await self._writer.submit(totals.write)

    async def change(self, work: Work) -> Any:
        """Commit any other change (a simulation's checkpoint, a test's)."""
        return await self._writer.submit(work)

    async def recall(self, channel: str, keys: Sequence[str]) -> dict[str, Remembered]:
        """What a channel remembers under these keys."""
        return {
            key: Remembered(from_json(value), version)
            for key, value, version in self._read(queries.memory, channel, keys)
        }

    async def note(self, channel: str, entries: Sequence[Remember]) -> bool:
        """Commit what a channel wants to remember by itself."""
        stale: list[str] = await self._writer.submit(Note(channel, entries))
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
        return self._read(queries.due, lanes, due_before, most, mode, without)

    async def ordered(self, receiver: str, after: Place, until: int, most: int) -> list[Place]:
        """Where ordered deliveries wait."""
        return self._read(queries.ordered, receiver, after, until, most)

    async def ordered_receivers(self) -> list[str]:
        """Whom ordered deliveries wait for."""
        return self._read(queries.ordered_receivers)

    async def pending(
        self, delivery_ids: Sequence[int], state: str = "waiting", bodies: bool = True
    ) -> list[Pending]:
        """Deliveries with their messages."""
        return self._read(queries.pending, delivery_ids, state, bodies)

    async def dead(
        self, most: int, before: int = 1 << 62, wanted: DeadFilter = ALL_DEAD
    ) -> list[Pending]:
        """The newest dead letters."""
        return self._read(queries.dead, most, before, wanted)

    async def dead_causes(self, wanted: DeadFilter) -> Mapping[str, int]:
        """How many there are of each cause."""
        result: Mapping[str, int] = await self._scan(queries.dead_causes, wanted)
        return result

    async def lease(self, wanted: Wanted, now: int, until: int, lease_id: int) -> list[Pending]:
        """Take deliveries from a mailbox."""
        if not self._read(mailbox.free, replace(wanted, most=1), now):
            return []
        ids: list[int] = await self._writer.submit(
            lambda connection: mailbox.lease(connection, wanted, now, until, lease_id)
        )
        taken = self._read(queries.pending, ids, "waiting", True)
        return sorted(taken, key=lambda each: (each.delivery.position, each.delivery.id))

    async def extend(self, holds: Sequence[Hold], until: int) -> list[int]:
        """Have leases end later."""
        extended: list[int] = await self._writer.submit(
            lambda connection: mailbox.extend(connection, holds, until)
        )
        return extended

    async def overdue(self, before: int, since: int, now: int, most: int) -> list[int]:
        """What lay in a mailbox for too long."""
        found: list[int] = await self._scan(mailbox.overdue, before, since, now, most)
        return found

    async def hasten(self, now: int, furthest: int, leased_until: int) -> int:
        """Make due now what waits for longer than it may."""
        hastened: int = await self._writer.submit(
            lambda connection: hasten(connection, now, furthest, leased_until)
        )
        return hastened

    async def find(self, channel: str, sender: str, sender_message_id: str) -> MessageRow | None:
        """An accepted message by its sender's id."""
        return self._read(queries.find, channel, sender, sender_message_id)

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
        found: list[tuple[MessageRow, bytes]] = await self._scan(
            queries.stored, channel, tuple(message_types), after, until, most, newest_first
        )
        return found

    async def position(self) -> int:
        """The last position given."""
        return self._read(queries.position)

    async def latest_id(self, since: int, worker: int) -> int:
        """The greatest id of a worker."""
        found: int = await self._scan(queries.latest_id, since, worker)
        return found

    async def position_before(self, message_id: int, most_are_older: bool = True) -> int:
        """The last position before those of all messages with that id or a greater one."""
        found: int = await self._scan(queries.position_before, message_id, most_are_older)
        return found

    async def message(self, message_id: int) -> MessageRow | None:
        """A message by our id."""
        return self._read(queries.message, message_id)

    async def search(self, wanted: MessageFilter, before: int, most: int, look: int) -> Found:
        """The newest messages that are wanted."""
        found: Found = await self._scan(queries.search, wanted, before, most, look)
        return found

    async def body(self, message_id: int) -> bytes | None:
        """The bytes of a message, while they are kept."""
        return self._read(queries.body, message_id)

    async def answer(self, delivery_id: int) -> tuple[str, bytes] | None:
        """The (media type, bytes) of the answer to a delivery."""
        return self._read(queries.answer, delivery_id)

    async def deliveries(self, message_id: int) -> list[DeliveryRow]:
        """The deliveries of a message."""
        return self._read(queries.deliveries, message_id)

    async def events(self, message_id: int) -> list[EventRow]:
        """What happened to a message, in order."""
        return self._read(queries.events, message_id)

    async def totals(
        self, by: Sequence[str], since: int = 0, until: int = 1 << 62, daily: bool = False
    ) -> list[tuple[tuple[Any, ...], int, int, int]]:
        """Counters summed by dimensions over minutes (or, with `daily`, days) [since, until)."""
        result: list[tuple[tuple[Any, ...], int, int, int]] = await self._scan(
            queries.totals, tuple(by), since, until, daily
        )
        return result

    async def waiting_by_channel(self) -> Mapping[str, int]:
        """Waiting deliveries, counted from the deliveries."""
        result: Mapping[str, int] = await self._scan(queries.waiting_by_channel)
        return result

    async def begin(self, at: int, partners: Sequence[Partner]) -> None:
        """Keep the partners, and that the ledger is held from now on."""
        day = self._held_since = day_of_minute(at // 60_000)
        await self._writer.submit(lambda connection: history.begin(connection, day, partners))

    async def hold(self, at: int) -> None:
        """Keep that the ledger is held up to now."""
        # A minute before: midnight belongs to the day that ends.
        since, day = self._held_since, day_of_minute(at // 60_000 - 1)
        if since is not None:
            await self._writer.submit(lambda connection: history.end(connection, since, day))

    async def partners(self) -> list[Kept]:
        """Partners as they were."""
        return self._read(history.kept)

    async def audit(self, rows: Sequence[AuditRow]) -> None:
        """Commit rows of the audit log that belong to no change in the ledger."""
        await self._writer.submit(lambda connection: audit.write(connection, rows))

    async def audited(self, most: int, before: int = 1 << 62) -> list[tuple[int, AuditRow]]:
        """The newest rows of the audit log with numbers below `before`."""
        return self._read(audit.read, most, before)

    async def drop(self, bodies: Old, messages: Old, most: int) -> Dropped:
        """Forget up to `most` bodies and messages that are old and settled."""
        alone = 0
        if bodies.until > messages.until:
            # Else they go with their messages.
            alone = await self._writer.submit(
                lambda connection: drop_bodies(connection, bodies, most)
            )
        dropped: Dropped = await self._writer.submit(Drop(messages, most))
        return Dropped(alone + dropped.bodies, dropped.messages)

    async def compact(self, before_minute: int, most: int) -> bool:
        """Fold counters of minutes before that one, about `most` of them; whether some are left."""
        left: bool = await self._writer.submit(
            lambda connection: compact(connection, before_minute, most)
        )
        return left

    def _read(self, query: Callable[..., Result], *arguments: Any) -> Result:
        """Run a short query.

        Raises:
            LedgerError: when the ledger is not open, or can't be read.
        """
        reader = self.reader
        try:
            return query(reader, *arguments)
        except UNREADABLE as error:
            raise self._writer.heard(error) from error

    async def scan(self, query: Callable[..., Result], *arguments: Any) -> Result:
        """Run a query of another part of the storage that may take long."""
        result: Result = await self._scan(query, *arguments)
        return result

    async def _scan(self, query: Any, *arguments: Any) -> Any:
        """Run a query that may take long, beside the loop."""
        try:
            return await self._scans.run(query, *arguments)
        except UNREADABLE as error:
            raise self._writer.heard(error) from error

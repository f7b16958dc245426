"""The desk behind which a channel serves its partners: the port's methods over the two halves and
the ledger; no HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

from exchange.clocks import first_id
from exchange.journey.accept import Acceptance
from exchange.journey.answer import Asking
from exchange.journey.mailbox import Mailboxes
from exchange.journey.record import envelope_of
from exchange.journey.turns import Turns
from exchange.journey.worker_thread import WorkerThread
from exchange.ports import (
    Answered,
    Channel,
    Clock,
    Inbound,
    Leased,
    Ledger,
    Outcome,
    Parsed,
    Remember,
    Remembered,
)
from exchange.ports.desk import Processing
from exchange.ports.ledger import Hold, Wanted
from exchange.schemas import document_limits
from exchange.schemas.directory import Directory
from exchange.schemas.document_limits import DocumentLimits
from exchange.schemas.envelope import Envelope
from exchange.schemas.violation import Violation

Result = TypeVar("Result")


class ChannelDesk:
    """The exchange as one channel's endpoints see it."""

    def __init__(
        self,
        channel: Channel,
        ledger: Ledger,
        acceptance: Acceptance,
        asking: Asking,
        mailboxes: Mailboxes,
        directory: Directory,
        clock: Clock,
        worker_thread: WorkerThread,
        turns: Turns,
        documents: DocumentLimits,
        folder: Path | None = None,
        processing: Processing | None = None,
    ) -> None:
        self._processing = processing or Processing()
        self._channel = channel
        self._ledger = ledger
        self._acceptance = acceptance
        self._asking = asking
        self._mailboxes = mailboxes
        self._directory = directory
        self._clock = clock
        self._worker_thread = worker_thread
        self._turns = turns
        self._documents = documents
        self._folder = folder

    @property
    def processing(self) -> Processing:
        """When the outcome of what is processed later is told."""
        return self._processing

    @property
    def folder(self) -> Path | None:
        """The channel's folder for files."""
        return self._folder

    @property
    def directory(self) -> Directory:
        """All partners."""
        return self._directory

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return self._clock.now()

    def turn(self, partner: str, refers: bool) -> AbstractAsyncContextManager[None]:
        """In the order in which a sender's messages came."""
        return self._turns.turn(self._channel.name, partner, refers)

    async def accept(self, inbound: Inbound) -> Outcome:
        """The first half of the way."""
        return await self._acceptance.accept(self._channel, inbound)

    async def refuse(
        self, inbound: Inbound, reason: str, violations: Sequence[Violation]
    ) -> Outcome:
        """A rejection without reading."""
        return await self._acceptance.refuse(self._channel, inbound, reason, violations)

    async def accept_many(self, inbounds: Sequence[Inbound]) -> list[Outcome]:
        """Several at once; they share commits."""
        return await self._acceptance.accept_many(self._channel, inbounds)

    async def ask(self, inbound: Inbound, deadline_seconds: float) -> tuple[Outcome, bytes | None]:
        """The whole way and back."""
        return await self._asking.ask(self._channel, inbound, deadline_seconds)

    async def answer(
        self, inbound: Inbound, answering: Callable[[Parsed], Awaitable[Answered]]
    ) -> tuple[Outcome, Answered | None]:
        """A question and the exchange's own answer, in one commit."""
        return await self._acceptance.answer(self._channel, inbound, answering)

    async def lease(
        self,
        partner: str,
        most: int,
        seconds: float,
        *,
        wait_seconds: float = 0,
        conversation: str = "",
        message_types: Sequence[str] = (),
    ) -> list[Leased]:
        """Take deliveries from the partner's mailbox, or wait for some."""
        wanted = Wanted(
            channel=self._channel.name,
            receiver=partner,
            most=most,
            conversation=conversation,
            message_types=tuple(message_types),
        )
        return await self._mailboxes.lease(wanted, seconds, wait_seconds)

    async def beside(
        self, partner: str, size: int, function: Callable[..., Result], *arguments: object
    ) -> Result:
        """Work on a partner's body, a large one beside the loop."""

        def within_limits() -> Result:
            with document_limits.within(self._documents):
                return function(*arguments)

        return await self._worker_thread.run(partner, size, within_limits)

    async def acknowledge(self, partner: str, holds: Sequence[Hold]) -> list[str]:
        """End leases as delivered."""
        return await self._mailboxes.acknowledge(self._channel.name, partner, holds)

    async def refuse_leased(self, partner: str, holds: Sequence[Hold], reason: str) -> list[str]:
        """End leases as dead letters."""
        return await self._mailboxes.refuse(self._channel.name, partner, holds, reason)

    async def extend(
        self, partner: str, holds: Sequence[Hold], seconds: float
    ) -> tuple[list[str], int]:
        """Have leases end later."""
        return await self._mailboxes.extend(self._channel.name, partner, holds, seconds)

    async def find(self, sender: str, sender_message_id: str) -> Envelope | None:
        """A message of this channel by its sender's id."""
        row = await self._ledger.find(self._channel.name, sender, sender_message_id)
        return envelope_of(row) if row is not None else None

    async def message(self, message_id: int) -> Envelope | None:
        """A message of this channel by our id."""
        row = await self._ledger.message(message_id)
        return envelope_of(row) if row is not None and row.channel == self._channel.name else None

    async def deliveries(self, message_id: int) -> list[dict[str, object]]:
        """The deliveries of a message."""
        rows = await self._ledger.deliveries(message_id)
        shown = (
            "id",
            "receiver",
            "mode",
            "state",
            "attempts",
            "items",
            "next_at",
            "ended_at",
            "reason",
        )
        return [{name: getattr(row, name) for name in shown} for row in rows]

    async def stored(
        self,
        message_types: Sequence[str],
        after: int,
        until: int,
        most: int,
        newest_first: bool = False,
    ) -> list[tuple[Envelope, bytes]]:
        """Accepted messages of this channel, by position."""
        rows = await self._ledger.stored(
            self._channel.name, message_types, after, until, most, newest_first
        )
        return [(envelope_of(row), body) for row, body in rows]

    async def position(self) -> int:
        """The last position given."""
        return await self._ledger.position()

    async def position_before(self, time: int) -> int:
        """Where what was received at a time or later begins: ids are given after the time is
        taken, so none of it has a smaller one than that time's first.
        """
        return await self._ledger.position_before(first_id(time))

    async def recall(self, keys: Sequence[str]) -> dict[str, Remembered]:
        """What this channel remembers."""
        return await self._ledger.recall(self._channel.name, keys)

    async def remembered(self, prefix: str, after: str, most: int) -> list[tuple[str, Remembered]]:
        """What this channel remembers, by key."""
        return await self._ledger.remembered(self._channel.name, prefix, after, most)

    async def note(self, entries: Sequence[Remember], message_id: int = 0) -> bool:
        """Remember what can be made again."""
        return await self._ledger.note(self._channel.name, entries, message_id)

"""The desk: what a channel's endpoint may ask of the exchange while it serves a partner; no
implementation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from exchange.ports.message import Inbound, Parsed
from exchange.ports.rows import Hold, Remember, Remembered
from exchange.schemas.directory import Directory
from exchange.schemas.envelope import Envelope
from exchange.schemas.value import value
from exchange.schemas.violation import Violation

Result = TypeVar("Result")


@dataclass(slots=True)
class Outcome:
    """How the first half ended. A duplicate carries the envelope of the message that it repeats.

    `reason` is a stable code when rejected: `malformed`, `type-unknown`, `schema`, `rule`,
    `real-person`, `message-id-reused`, or the reason of an `Unroutable`. `full` is one of a batch
    that was not kept since a receiver (`receiver.full`) or the exchange (`exchange.full`) is full.
    `message_type` and `sender_message_id` are what could be told.
    """

    kind: Literal["accepted", "duplicate", "rejected", "full"]
    envelope: Envelope
    violations: list[Violation] = field(default_factory=list)
    reason: str = ""


@dataclass(slots=True)
class Leased:
    """A delivery taken from a mailbox until `lease_until` (milliseconds), by the lease with that
    id.
    """

    delivery_id: int
    envelope: Envelope
    body: bytes
    lease_until: int
    attempts: int
    lease: int = 0

    @property
    def hold(self) -> Hold:
        """By which it is acknowledged."""
        return Hold(self.delivery_id, self.lease)


@value
class Answered:
    """What a channel answers to a question: the bytes, and by reference what they tell of
    (`reports`, `message`, ...), as JSON data that is kept with the question.

    `items_by_kind` says which items of each kind the answer tells: they are counted with the
    question's delivery, as those of a message are (`Channel.items_by_kind`).
    """

    body: bytes
    told: dict[str, Any] = field(default_factory=dict)
    items_by_kind: Mapping[str, Sequence[str]] = field(default_factory=dict)


@value
class Processing:
    """When the outcome of what is processed later is told: after so many milliseconds, but for one
    question in so many (0: none) that fails by chance, drawn with the seed; and the language (en,
    fi or sv) of the texts of errors in it.
    """

    milliseconds: int = 0
    status_lost_one_in: int = 0
    seed: int = 1
    language: str = "en"


class Desk(Protocol):
    """The exchange as a channel's endpoint sees it."""

    @property
    def processing(self) -> Processing:
        """When outcomes are told."""
        ...

    @property
    def directory(self) -> Directory:
        """All partners."""
        ...

    @property
    def folder(self) -> Path | None:
        """The channel's own folder for files that partners leave and fetch; None when files are not
        exchanged.
        """
        ...

    def now(self) -> int:
        """Milliseconds since 1970 UTC, by the exchange's clock."""
        ...

    def turn(self, partner: str, refers: bool) -> AbstractAsyncContextManager[None]:
        """Within it a message that has just come is taken in. One that `refers` to earlier messages
        of its sender begins when all that came before it are taken in, by whichever worker.
        """
        ...

    async def accept(self, inbound: Inbound) -> Outcome:
        """The first half of the way; returns after the commit."""
        ...

    async def accept_many(self, inbounds: Sequence[Inbound]) -> list[Outcome]:
        """The same for several at once, each with an outcome of its own, in order."""
        ...

    async def refuse(
        self, inbound: Inbound, reason: str, violations: Sequence[Violation]
    ) -> Outcome:
        """Record and count as rejected what can't even be read as a message: another media type, an
        unknown operation, too large.

        The outcome's violations are those to tell: others when the message may name a real person.
        """
        ...

    async def ask(self, inbound: Inbound, deadline_seconds: float) -> tuple[Outcome, bytes | None]:
        """Accept, then wait for the receiver's answer; None when none came before the deadline."""
        ...

    async def answer(
        self, inbound: Inbound, answering: Callable[[Parsed], Awaitable[Answered]]
    ) -> tuple[Outcome, Answered | None]:
        """Judge a question that the exchange itself answers, have it answered, and commit both at
        once: the question with what it was told. None when it is rejected.

        A question asked again is another one: no sender's id makes it a duplicate. It is answered
        anew when what the answer would remember was changed meanwhile.
        """
        ...

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
        """Take up to `most` waiting deliveries of this channel from the partner's mailbox, of a
        conversation and of some message types where they are named; each comes back unless
        acknowledged. Of an ordered conversation only the first that has not ended. When there are
        none, wait for some for `wait_seconds`; who is cancelled meanwhile has taken nothing.
        """
        ...

    async def beside(
        self, partner: str, size: int, function: Callable[..., Result], *arguments: object
    ) -> Result:
        """What the function makes of a partner's body of `size` bytes; a large one is not worked at
        on the event loop, and large ones of several partners in turn.
        """
        ...

    async def acknowledge(self, partner: str, holds: Sequence[Hold]) -> list[str]:
        """End leases as delivered; what was wrong with each, in order, empty where nothing was:
        `unknown` (never leased to that partner), `held-by-another` (leased anew since),
        `delivered` or `dead` (it has ended), `twice` (named before in the same call).

        A lease whose time is over counts for as long as nobody else has taken the delivery.
        """
        ...

    async def refuse_leased(self, partner: str, holds: Sequence[Hold], reason: str) -> list[str]:
        """End leases as dead letters, for a reason; the same is told as of `acknowledge`."""
        ...

    async def extend(
        self, partner: str, holds: Sequence[Hold], seconds: float
    ) -> tuple[list[str], int]:
        """Have leases end `seconds` from now; the same is told as of `acknowledge`, and `limit`
        of a lease that would last too long in all. When they end, in milliseconds.
        """
        ...

    async def find(self, sender: str, sender_message_id: str) -> Envelope | None:
        """A message of this channel by its sender's id."""
        ...

    async def message(self, message_id: int) -> Envelope | None:
        """A message of this channel by the exchange's id."""
        ...

    async def deliveries(self, message_id: int) -> list[dict[str, object]]:
        """The deliveries of a message: receiver, mode, state, attempts, times and the last
        reason.
        """
        ...

    async def stored(
        self,
        message_types: Sequence[str],
        after: int,
        until: int,
        most: int,
        newest_first: bool = False,
    ) -> list[tuple[Envelope, bytes]]:
        """Accepted messages of this channel and these types with positions in (after, until], in
        order of their positions; an empty body was dropped.
        """
        ...

    async def position(self) -> int:
        """The last position given: what is committed from now on has a greater one."""
        ...

    async def position_before(self, time: int) -> int:
        """A position before those of all messages received at that time (milliseconds) or later,
        and not much further before.
        """
        ...

    async def recall(self, keys: Sequence[str]) -> dict[str, Remembered]:
        """What this channel remembers under these keys."""
        ...

    async def remembered(self, prefix: str, after: str, most: int) -> list[tuple[str, Remembered]]:
        """What this channel remembers under keys that begin with `prefix` and go on with more than
        `after`, by key.
        """
        ...

    async def note(self, entries: Sequence[Remember], message_id: int = 0) -> bool:
        """Remember what can be made again from the messages (an index); False, and nothing kept,
        when a key was changed meanwhile. `message_id` is the message with which entries are
        forgotten that say so.
        """
        ...

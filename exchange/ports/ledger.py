"""The ledger's port; the rows that cross it are in `rows`. No SQL."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from exchange.ports.operators import AuditRow
from exchange.ports.rows import (
    ALL_DEAD,
    Count,
    CountKey,
    DeadFilter,
    DeliveryRow,
    Due,
    EventRow,
    Found,
    Hold,
    ItemsTold,
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
from exchange.ports.verification import Verification
from exchange.schemas.directory import Partner


class Ledger(Protocol):
    """The durable record of everything. Every method that changes it returns after the commit.

    `record` and `settle` take what they are given before they wait for anything: a caller that is
    cancelled while it waits doesn't take it back.
    """

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    @property
    def refusal(self) -> str:
        """Why nothing can be written just now, in one line; empty when it can, as far as is known.
        Whatever changes the ledger raises `LedgerUnavailable` meanwhile.
        """
        ...

    @property
    def written(self) -> Written:
        """What this process has committed."""
        ...

    async def check(self, within_seconds: float | None = None) -> str:
        """Why nothing can be written, found out by writing where it said no before and, with
        `within_seconds`, where nothing was written for as long; empty when it can.
        """
        ...

    async def record(self, record: Record) -> Recorded:
        """Commit a message (in a group with whatever else waits)."""
        ...

    async def settle(self, settlement: Settlement) -> bool:
        """Commit the end of an attempt; False when the delivery was not waiting any more."""
        ...

    async def count(self, counts: Sequence[Count]) -> None:
        """Commit counts of what leaves nothing else (see `journey.count.REQUEST_KINDS`)."""
        ...

    async def recall(self, channel: str, keys: Sequence[str]) -> dict[str, Remembered]: ...

    async def take_turn(self, channel: str, sender: str) -> int:
        """Commit that a message of that sender has come and is being taken in; the number of its
        turn, greater than that of every turn that has not ended.
        """
        ...

    async def has_earlier_turn(self, channel: str, sender: str, turn: int) -> bool:
        """Whether another node is still taking in a message of that sender that came before."""
        ...

    async def end_turn(self, turn: int) -> None:
        """Commit that a message with a turn of this node's is taken in, or refused."""
        ...

    async def drop_earlier_turns(self, channel: str, sender: str, turn: int) -> None:
        """Commit that the turns of other nodes before that one have ended."""
        ...

    async def remembered(
        self, channel: str, prefix: str, after: str, most: int, newest_first: bool = False
    ) -> list[tuple[str, Remembered]]:
        """What a channel remembers under keys that begin with `prefix`, by key, from the first one
        that goes on with more than `after` or, with `newest_first`, from the last one that goes on
        with less (empty: from the end).
        """
        ...

    async def note(self, channel: str, entries: Sequence[Remember], message_id: int = 0) -> bool:
        """Commit what a channel leaves behind without a message, or later than the message with
        which it is forgotten; False (and nothing kept) when a key was changed meanwhile.
        """
        ...

    async def waiting(
        self,
        lanes: Sequence[int],
        due_before: int,
        most: int,
        mode: str = "push",
        without: Sequence[str] = (),
    ) -> list[Due]:
        """Unordered deliveries of these lanes (all when `lanes` is empty) and that mode that are
        due, oldest first, to others than the receivers `without`.
        """
        ...

    async def ordered(self, receiver: str, after: Place, until: int, most: int) -> list[Place]:
        """Where the ordered deliveries to a receiver stand that are to be made, due or not, after a
        place and up to a position: what is committed later stands later.
        """
        ...

    async def ordered_receivers(self) -> list[str]:
        """Whom ordered deliveries wait for, in any lane."""
        ...

    async def pending(
        self, delivery_ids: Sequence[int], state: str = "waiting", bodies: bool = True
    ) -> list[Pending]:
        """Those of the deliveries that are in that state, with message and (unless `bodies` is
        false) body.
        """
        ...

    async def lease(self, wanted: Wanted, now: int, until: int, lease_id: int) -> list[Pending]:
        """Take the oldest deliveries from a mailbox that are not leased, or whose lease ended
        before `now`; of an ordered conversation only the first that has not ended. Nothing is
        written when there is none.
        """
        ...

    async def extend(self, holds: Sequence[Hold], until: int) -> list[int]:
        """Have leases end at `until`; the ids of the deliveries that are still held by them."""
        ...

    async def overdue(self, before: int, since: int, now: int, most: int) -> list[int]:
        """Deliveries of mailboxes that nobody holds, whose message's id is below `before` and that
        were not sent again at `since` or later; of each receiver the oldest first, and of an
        ordered conversation only the first that has not ended.
        """
        ...

    async def hasten(self, now: int, furthest: int, leased_until: int) -> int:
        """Make due now what the exchange delivers and would deliver after `furthest` only,
        as it can be when the clock stepped back, and let no lease of a mailbox last beyond
        `leased_until`; how many deliveries that were.
        """
        ...

    async def dead(
        self, most: int, before: int = 1 << 62, wanted: DeadFilter = ALL_DEAD
    ) -> list[Pending]:
        """The newest dead-lettered deliveries with ids below `before`, without bodies."""
        ...

    async def dead_causes(self, wanted: DeadFilter) -> Mapping[str, int]:
        """How many dead letters there are of each cause."""
        ...

    async def stored(
        self,
        channel: str,
        message_types: Sequence[str],
        after: int,
        until: int,
        most: int,
        newest_first: bool = False,
    ) -> list[tuple[MessageRow, bytes]]:
        """Accepted messages of these types with positions in (after, until], by position, with
        their bodies (empty when dropped).
        """
        ...

    async def position(self) -> int:
        """The last position given; whatever was committed has one up to it."""
        ...

    async def latest_id(self, since: int, worker: int) -> int:
        """The greatest id that a worker gave to a message or a delivery, of those from `since` on
        (see `clocks.first_id`); 0 when there is none.
        """
        ...

    async def position_before(self, message_id: int, most_are_older: bool = True) -> int:
        """The last position before those of all messages with that id or a greater one: where to
        begin with what came in since a time (see `clocks.first_id`). Costs as much as there are of
        those messages or, where most are not older, as much as there are before them.
        """
        ...

    async def find(
        self, channel: str, sender: str, sender_message_id: str
    ) -> MessageRow | None: ...
    async def message(self, message_id: int) -> MessageRow | None: ...
    async def search(
        self,
        wanted: MessageFilter,
        before: int,
        most: int,
        look: int,
        within_seconds: float = math.inf,
    ) -> Found:
        """The newest messages with ids below `before` that are wanted, at most `most`, among about
        the `look` newest of those that some filter selects, as far as the time lets it look.
        """
        ...

    async def message_of(self, delivery_id: int) -> int:
        """The id of the message that a delivery hands on; 0 when there is none."""
        ...

    async def body(self, message_id: int) -> bytes | None: ...
    async def answer(self, delivery_id: int) -> tuple[str, bytes] | None: ...
    async def deliveries(self, message_id: int) -> list[DeliveryRow]: ...
    async def events(self, message_id: int) -> list[EventRow]: ...

    async def totals(
        self, by: Sequence[str], since: int = 0, until: int = 1 << 62, daily: bool = False
    ) -> list[tuple[tuple[Any, ...], int, int, int]]:
        """Counters summed by the named dimensions over minutes (or, with `daily`, days) [since,
        until): (values, count, items, bytes). Minutes that are folded have none.
        """
        ...

    async def begin(self, at: int, partners: Sequence[Partner]) -> None:
        """Keep that an exchange with these partners opened the ledger at that time (milliseconds):
        the day is held, and partners are what they are from it on (see `partners`).
        """
        ...

    async def hold(self, at: int) -> None:
        """Keep that the ledger was held without a break since `begin` up to that time."""
        ...

    async def partners(self) -> list[tuple[str, int, str, str, str]]:
        """Partners as they were when something was counted for them: id, the first day (since 1970,
        in Finland) of being so, name, sector, country. Who was counted already on the day of a
        change changes on the next one.
        """
        ...

    async def held(self) -> list[tuple[int, int]]:
        """The stretches of days [first, last] (since 1970, in Finland) on which it was kept."""
        ...

    async def drop(self, bodies: Old, messages: Old, most: int) -> Any:
        """Forget up to `most` bodies and as many messages that are old and settled."""
        ...

    async def compact(self, before_minute: int, most: int) -> bool:
        """Fold about `most` counters of minutes (since 1970 UTC) before that one into hours and
        days; whether some are left.
        """
        ...

    async def verify(self, head: Path | None = None) -> Verification:
        """Prove it as it is committed now (see `exchange verify`), beside the loop; `head` is a
        copy of its heads that was kept elsewhere.
        """
        ...

    async def audit(self, rows: Sequence[AuditRow]) -> None:
        """Commit rows of the audit log that belong to no change in the ledger."""
        ...

    async def audited(self, most: int, before: int = 1 << 62) -> list[tuple[int, AuditRow]]:
        """The newest rows of the audit log with numbers below `before`, each with its number."""
        ...

    async def oldest_waiting(self) -> MessageRow | None:
        """The oldest message that one of its deliveries waits of; None when nothing waits."""
        ...

    async def waiting_by_channel(self) -> Mapping[str, int]:
        """Deliveries waiting now, counted from the deliveries themselves."""
        ...


__all__ = [
    "ALL_DEAD",
    "Count",
    "CountKey",
    "DeadFilter",
    "DeliveryRow",
    "Due",
    "EventRow",
    "Found",
    "Hold",
    "ItemsTold",
    "Ledger",
    "MessageFilter",
    "MessageRow",
    "Old",
    "Pending",
    "Place",
    "Record",
    "Recorded",
    "Remember",
    "Remembered",
    "Settlement",
    "Wanted",
    "Written",
]

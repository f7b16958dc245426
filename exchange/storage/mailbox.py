"""Mailboxes in the ledger: what can be leased, leases taken and extended, what is past its
deadline.
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.ports.ledger import Hold, Wanted
from exchange.storage.connection import Connection, execute_with

#: What of a mailbox may hold something up: all that waits, and of ordered conversations also what
#: is dead, until it is sent again or skipped (and so in another state).
OPEN = "delivery.state='waiting' OR (delivery.state='dead' AND delivery.ordered=1)"

_OPEN = (
    "SELECT delivery.id, delivery.state, delivery.next_at, delivery.ordered, message.channel, "
    "message.conversation, message.id "
    "FROM delivery JOIN message ON message.id=delivery.message_id "
    f"WHERE delivery.mode='mailbox' AND delivery.receiver=? AND ({OPEN}) "
    "ORDER BY delivery.position, delivery.id"
)
#: Of a channel what could be leased, and all that is open of ordered conversations. What others
#: hold is left out by the database: of a large mailbox that may be most.
_FREE = (
    "SELECT delivery.id, delivery.state, delivery.next_at, delivery.ordered, "
    "message.conversation, message.message_type, message.bytes "
    "FROM delivery JOIN message ON message.id=delivery.message_id "
    f"WHERE delivery.mode='mailbox' AND delivery.receiver=? AND ({OPEN}) AND message.channel=? "
    "AND (delivery.ordered=1 OR (delivery.state='waiting' AND delivery.next_at<=?)) "
    "ORDER BY delivery.position, delivery.id"
)
_ANY = f"SELECT 1 FROM delivery WHERE delivery.mode='mailbox' AND delivery.receiver=? AND ({OPEN})"


def is_empty(connection: Connection, receiver: str) -> bool:
    """Whether nothing at all lies in a mailbox; quick, whatever does."""
    return connection.execute(f"{_ANY} LIMIT 1", (receiver,)).fetchone() is None


def free(connection: Connection, wanted: Wanted, now: int) -> list[int]:
    """The oldest deliveries that can be leased now, by position: as many, with as many bytes, as
    are wanted, but one at least.

    Of an ordered conversation that is the first that has not ended: the others wait for it, also
    while it is leased or dead. So what was free stays free until it is leased, or has ended. Costs
    as much as lies in the mailbox before the last one found.
    """
    found: list[int] = []
    begun: set[str] = set()
    left = wanted.bytes_max
    rows = connection.execute(_FREE, (wanted.receiver, wanted.channel, now))
    for delivery, state, next_at, ordered, conversation, message_type, size in rows:
        if ordered:
            if conversation in begun:
                continue
            begun.add(conversation)
        if state != "waiting" or next_at > now:
            continue
        if wanted.conversation and conversation != wanted.conversation:
            continue
        if wanted.message_types and message_type not in wanted.message_types:
            continue
        left -= size
        if found and left < 0:
            break
        found.append(delivery)
        if len(found) == wanted.most:
            break
    return found


def lease(
    connection: Connection, ids: Sequence[int], now: int, until: int, lease_id: int
) -> list[int]:
    """Lease under that id until `until` those of the deliveries that were free and that nobody has
    leased meanwhile; their ids.
    """
    rows = connection.execute(
        "UPDATE delivery SET next_at=?, attempts=attempts+1, lease=? "
        f"WHERE id IN ({','.join('?' * len(ids))}) AND state='waiting' AND next_at<=? "
        "RETURNING id",
        (until, lease_id, *ids, now),
    )
    return [row[0] for row in rows]


def extend(connection: Connection, holds: Sequence[Hold], until: int) -> list[int]:
    """Have these leases end at `until`; the ids of the deliveries that are still held by them."""
    rows = execute_with(
        connection,
        "held",
        [(*hold, until) for hold in holds],
        "id bigint,lease bigint,until bigint",
        "UPDATE delivery SET next_at=held.until FROM held WHERE delivery.id=held.id "
        "AND delivery.lease=held.lease AND delivery.state='waiting' RETURNING delivery.id",
    )
    return [row[0] for row in rows]


#: To whom what is old and nobody holds. (Not DISTINCT: it would go through all that waits.)
_OLD = (
    "SELECT receiver FROM delivery WHERE state='waiting' AND mode='mailbox' "
    "AND message_id<? AND next_at<=?"
)
_RESENT = (
    "SELECT 1 FROM event WHERE message_id=? AND delivery_id=? AND kind='resent' AND at>=? LIMIT 1"
)


def overdue(connection: Connection, before: int, since: int, now: int, most: int) -> list[int]:
    """Deliveries of mailboxes that nobody holds, whose message's id is below `before` and which
    were not sent again at `since` or later; of each receiver the oldest first.

    Of an ordered conversation only the first that has not ended: what waits behind another one, or
    behind a dead letter, could not be fetched. Costs as much as lies in the mailboxes that have
    something old.
    """
    found: list[int] = []
    for receiver in {row[0]: None for row in connection.execute(_OLD, (before, now))}:
        begun: set[tuple[str, str]] = set()
        for delivery, state, next_at, ordered, *said in connection.execute(_OPEN, (receiver,)):
            channel, conversation, message = said
            if ordered:
                if (channel, conversation) in begun:
                    continue
                begun.add((channel, conversation))
            if state != "waiting" or next_at > now or message >= before:
                continue
            if connection.execute(_RESENT, (message, delivery, since)).fetchone() is None:
                found.append(delivery)
            if len(found) == most:
                return found
    return found

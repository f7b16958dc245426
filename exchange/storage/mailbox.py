"""Mailboxes in the ledger: what can be leased, leases taken and extended, what is past its
deadline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge

from exchange.ports.ledger import Hold, Wanted
from exchange.ports.rows import ordered_in
from exchange.storage.connection import Connection, execute_with

#: What of a mailbox may hold something up: all that waits, and of ordered conversations also what
#: is dead, until it is sent again or skipped (and so in another state).
OPEN = "delivery.state='waiting' OR (delivery.state='dead' AND delivery.ordered=1)"

#: What lies open in a receiver's mailbox.
_LIES = f"delivery.mode='mailbox' AND delivery.receiver=?1 AND ({OPEN})"
_OPEN = (
    "SELECT delivery.id, delivery.state, delivery.next_at, delivery.ordered, message.channel, "
    "message.conversation, message.id "
    "FROM delivery JOIN message ON message.id=delivery.message_id "
    f"WHERE {_LIES} ORDER BY delivery.position, delivery.id"
)
_ANY = f"SELECT 1 FROM delivery WHERE {_LIES} LIMIT 1"

_LETTER = (
    "SELECT delivery.position, delivery.id, delivery.state, delivery.next_at, delivery.ordered, "
    "message.conversation, message.message_type, message.bytes "
)
_OF_MESSAGE = "JOIN message ON message.id=delivery.message_id "
#: What nobody holds.
_IS_FREE = "delivery.state='waiting' AND delivery.next_at<=?3"
#: A page of it, after a place.
_PAGE = (
    "AND message.channel=?2 AND (delivery.position, delivery.id)>(?4, ?5) "
    "ORDER BY delivery.position, delivery.id LIMIT ?6"
)
#: Of a channel what could be leased, and all that is open of ordered conversations. What others
#: hold is left out by the database: of a large mailbox that may be most.
_BY_POSITION = (
    f"{_LETTER} FROM delivery {_OF_MESSAGE} "
    f"WHERE {_LIES} AND (delivery.ordered=1 OR ({_IS_FREE})) {_PAGE}"
)
#: Whether something ordered lies there that does not say in what: a node of a version before that
#: took it in.
_UNTOLD = f"SELECT 1 FROM delivery WHERE {_LIES} AND delivery.ordered=1 AND ordered_in='' LIMIT 1"
_FIRST = (
    f"(SELECT delivery.id FROM delivery WHERE {_LIES} AND delivery.ordered=1 "
    "AND delivery.ordered_in{} ORDER BY delivery.ordered_in, delivery.position, delivery.id "
    "LIMIT 1)"
)
#: The first letter of each conversation, by the index after that of the one before it.
_OF_EACH = (
    f"SELECT {_FIRST.format('>?4')} AS id UNION ALL SELECT {_FIRST.format('>here.ordered_in')} "
    "FROM first JOIN delivery AS here ON here.id=first.id"
)
#: That of one, or of the one after it. (By that the order is the index's, so that a server whose
#: statistics know one conversation does not read the whole mailbox.)
_OF_ONE = f"SELECT {_FIRST.format('>=?4')} AS id"
#: Those of them that nobody holds.
_FIRSTS = (
    "WITH RECURSIVE first AS ({firsts}) "
    f"{_LETTER} FROM first CROSS JOIN delivery ON delivery.id=first.id {_OF_MESSAGE} "
    f"WHERE {_IS_FREE} AND message.channel=?2 ORDER BY delivery.position, delivery.id"
)
_LOOSE = (
    f"{_LETTER} FROM delivery {_OF_MESSAGE} WHERE {_LIES} AND delivery.ordered=0 "
    f"AND ordered_in='' AND {_IS_FREE} {_PAGE}"
)
_LOOSE_OF_ONE = (
    f"{_LETTER} FROM message CROSS JOIN delivery ON delivery.message_id=message.id "
    "WHERE message.conversation=?7 AND message.conversation!='' "
    # The plus keeps SQLite from reading the whole mailbox for each message.
    "AND delivery.mode='mailbox' AND +delivery.receiver=?1 AND delivery.ordered=0 "
    f"AND {_IS_FREE} {_PAGE}"
)
#: Letters read at a time.
PAGE_ROWS = 200
#: How many letters that wait behind another one are passed over until the firsts of all
#: conversations are looked for instead.
PASSED_OVER_MAX = 100

#: position, id, state, next_at, ordered, conversation, message type, bytes
Letter = tuple[int, int, str, int, int, str, str, int]


def is_empty(connection: Connection, receiver: str) -> bool:
    """Whether nothing at all lies in a mailbox; quick, whatever does."""
    return connection.execute(_ANY, (receiver,)).fetchone() is None


def free(connection: Connection, wanted: Wanted, now: int) -> list[int]:
    """The oldest deliveries that can be leased now, by position: as many, with as many bytes, as
    are wanted, but one at least.

    Of an ordered conversation that is the first that has not ended: the others wait for it, also
    while it is leased or dead. So what was free stays free until it is leased, or has ended. Costs
    as much as others hold, or is not of the type that is wanted, before the last one found; and
    where much lies behind something, as much as there are open conversations.
    """
    values = (wanted.receiver, wanted.channel, now)
    untold = connection.execute(_UNTOLD, (wanted.receiver,)).fetchone() is not None
    if untold or not wanted.conversation:
        letters = _pages(connection, _BY_POSITION, values)
        found = _first(wanted, now, letters, 1 << 62 if untold else PASSED_OVER_MAX)
        if found is not None:
            return found
    if one := wanted.conversation:
        which, place = _OF_ONE, ordered_in(wanted.channel, one)
        loose = _pages(connection, _LOOSE_OF_ONE, values, one)
    else:
        which, place = _OF_EACH, ""
        loose = _pages(connection, _LOOSE, values)
    firsts = connection.execute(_FIRSTS.format(firsts=which), (*values, place))
    return _first(wanted, now, merge(firsts, loose), 0) or []


def _pages(
    connection: Connection, statement: str, values: tuple[str, str, int], *more: str
) -> Iterator[Letter]:
    """The letters that a statement finds, by position; read as far as they are asked for."""
    place = (0, 0)
    while True:
        rows = connection.execute(statement, (*values, *place, PAGE_ROWS, *more)).fetchall()
        yield from rows
        if len(rows) < PAGE_ROWS:
            return
        place = rows[-1][:2]


def _first(
    wanted: Wanted, now: int, letters: Iterable[Letter], passed_over_max: int
) -> list[int] | None:
    """Of these letters, by position, the first that are wanted; None when too many of them wait
    behind others.
    """
    found: list[int] = []
    begun: set[str] = set()
    left, passed_over = wanted.bytes_max, 0
    for _, delivery, state, next_at, ordered, conversation, message_type, size in letters:
        if ordered:
            if conversation in begun:
                passed_over += 1
                if passed_over > passed_over_max:
                    return None
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

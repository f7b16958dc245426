"""The chain: what each commit adds for ever, hashed and linked to the writer's commit before it.

Everything that is never changed afterwards hangs on an event: the event itself; with `accepted` or
`rejected` the message, its deliveries as they were made and the digests of its stored body and of
what it says of itself; with `answered` the digest of the answer; with `audit` the digest of the
operators' audit row. A link of the chain covers the events of one commit, by their ids, and the sum
of what the channels remember.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

from exchange.ports.ledger import EventRow, Record, Settlement
from exchange.storage.connection import Connection, execute_with, insert

DIGEST_BYTES = 16
#: What the digest of a message covers. A column that is added later is not in here, for the digests
#: of older rows stay what they are: `identity` stands in the event (`message_digest`).
MESSAGE = (
    "id", "channel", "message_type", "sender", "sender_message_id", "digest", "received_at", "state",
    "endpoint", "conversation", "items", "bytes", "content_type", "detail", "process", "position",
)  # fmt: skip
#: What it covers of a delivery: that which no attempt changes.
DELIVERY = ("id", "receiver", "mode", "items", "ordered", "position")
EVENT = ("id", "message_id", "delivery_id", "at", "kind", "detail", "digest")
EVENT_COLUMNS = ",".join(EVENT)
#: Both of `Given`, NULL where there is none yet.
GIVEN = "(SELECT MAX(id) FROM event),(SELECT last FROM position)"
#: Kinds of events that no message has: operators' audit and what retention dropped.
AUDIT, FORGOTTEN = "audit", "forgotten"
#: Who seals what was stored before the chain began: no writer has this epoch.
OPENING = (0, 0)

CHAIN_COLUMNS = (
    "node,epoch,number,since,first_event,last_event,events,dropped,kept,memory,content,digest"
)
_message_of, _delivery_of = attrgetter(*MESSAGE), attrgetter(*DELIVERY)
#: A message and its deliveries, as far as they are covered.
_Made = tuple[tuple[Any, ...], ...]
#: Rows whose deliveries are read by one statement; each may hold a body.
TOGETHER = 100
#: Sums of digests are taken modulo this.
MODULUS = 1 << (8 * DIGEST_BYTES)

#: Events with what hangs on them: columns of the event, columns of the message (NULL but for the
#: event that tells of its acceptance or rejection).
ENTRIES = (
    f"SELECT {','.join(f'event.{name}' for name in EVENT)},"
    f"{','.join(f'message.{name}' for name in MESSAGE)} FROM event LEFT JOIN message "
    "ON message.id=event.message_id AND event.delivery_id=0 AND event.kind=message.state "
)
_OWN_ID = len(EVENT) + MESSAGE.index("id")
_DELIVERIES = (
    f"SELECT delivery.message_id,{','.join(f'delivery.{name}' for name in DELIVERY)} "
    "FROM made JOIN delivery ON delivery.message_id=made.id ORDER BY delivery.id"
)


class Link(NamedTuple):
    """A row of the table `chain`: the `events` of one commit, whose ids are from `first_event` to
    `last_event`.

    `dropped` of them retention took away; while others are there it left their digests in `kept`
    (see `kept`). `since` is `number` but where links that are gone became one.
    """

    node: int
    epoch: int
    number: int
    since: int
    first_event: int
    last_event: int
    events: int
    dropped: int
    kept: bytes | None
    memory: bytes
    content: bytes
    digest: bytes

    @property
    def gone(self) -> bool:
        """Whether none of them is left."""
        return self.dropped == self.events


def hashed(content: bytes) -> bytes:
    """The digest that everything here is made of: BLAKE2b-128."""
    return blake2b(content, digest_size=DIGEST_BYTES).digest()


def content_digest(codec: int, content: bytes, content_type: str = "") -> bytes:
    """The digest of a stored body, or of a stored answer with its media type."""
    return hashed(b"%d %s " % (codec, content_type.encode()) + content)


def message_digest(stored: tuple[int, bytes] | None, identity: bytes) -> bytes:
    """The digest in the event that tells of a message: of its stored body, nothing where it has
    none, and its column `identity`. (Older events have the first alone, or none.)
    """
    nothing = bytes(DIGEST_BYTES)
    return (nothing if stored is None else content_digest(*stored)) + (identity or nothing)


def told_apart(digest: bytes | None) -> tuple[bytes | None, bytes | None]:
    """What such a digest says of the stored body (None: there is none) and of the identity (None:
    nothing).
    """
    if digest is None or len(digest) != 2 * DIGEST_BYTES:
        return digest, None
    body, identity = digest[:DIGEST_BYTES], digest[DIGEST_BYTES:]
    return body if any(body) else None, identity if any(identity) else b""


def memory_digest(channel: str, key: str, value: str, version: int, message_id: int = 0) -> bytes:
    """The digest of what a channel remembers under a key, and of the message with which it is
    forgotten, where there is one.
    """
    told = (channel, key, value, version)
    return hashed(ascii((*told, message_id) if message_id else told).encode())


def entry(event: tuple[Any, ...], made: _Made | None = None) -> bytes:
    """The digest of an event (columns `EVENT`) and of the message and deliveries that it made."""
    # ascii() and not repr(): which characters are printable changes with Python's Unicode tables.
    return hashed(ascii(event if made is None else (event, *made)).encode())


def linked(previous: bytes, link: Link) -> bytes:
    """The digest of a link after the one whose digest is `previous` (empty: the first)."""
    told = (link.node, link.epoch, link.number, link.first_event, link.last_event, link.events)
    return hashed(previous + ascii((*told, link.memory, link.content)).encode())


def added(total: bytes, change: int) -> bytes:
    """A sum of digests, changed."""
    return ((int.from_bytes(total) + change) % MODULUS).to_bytes(DIGEST_BYTES)


def entries_of(
    connection: Connection, rows: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[tuple[Any, ...], bytes]]:
    """Rows that begin as those of `ENTRIES`, each with its digest."""
    left = iter(rows)
    while part := list(islice(left, TOGETHER)):
        # (Each once: of a ledger that was changed, two events may name one message.)
        made = [*{(row[_OWN_ID],): None for row in part if row[_OWN_ID] is not None}]
        deliveries = defaultdict(list)
        for message_id, *delivery in execute_with(
            connection, "made", made, "id bigint", _DELIVERIES
        ):
            deliveries[message_id].append(tuple(delivery))
        for row in part:
            event, message = row[: len(EVENT)], row[len(EVENT) : len(EVENT) + len(MESSAGE)]
            told = None if message[0] is None else (message, *deliveries[message[0]])
            yield row, entry(event, told)


def audit_event(connection: Connection, row_id: int, at: int, row: Sequence[Any]) -> None:
    """Put a row of the operators' audit into the chain: `row` is all of its columns in the table's
    order, `at` in milliseconds; inside the commit that writes the row.
    """
    event = EventRow(message_id=0, delivery_id=row_id, at=at, kind=AUDIT, detail="")
    add_event(connection, event, hashed(ascii(tuple(row)).encode()))


def add_event(connection: Connection, event: EventRow, digest: bytes | None) -> None:
    """Store an event by itself; the commit's link finds it."""
    insert(connection, "event", EVENT_COLUMNS, [(last_event(connection) + 1, *event, digest)])


class Given(NamedTuple):
    """The newest event's id and the last position that was given; 0 where there is none yet."""

    event: int
    position: int


class Additions:
    """What one transaction adds to the chain, and to what was given before it."""

    def __init__(self, before: Given) -> None:
        self._before = before.event
        #: The last position that was given to a message before it.
        self.last_position = before.position
        #: Events without their ids, and what hangs on them.
        self._events: list[tuple[tuple[Any, ...], _Made | None]] = []
        #: By how much the sum of what is remembered changes.
        self.memory = 0

    def event(self, event: EventRow, digest: bytes | None = None) -> None:
        """Add an event."""
        self._events.append(((*event, digest), None))

    def record(self, record: Record, stored: tuple[int, bytes] | None) -> None:
        """Add a record's events, and what it stores: (codec, bytes) of its body."""
        for event in record.events:
            if event.delivery_id or event.kind != record.message.state:
                self.event(event)
                continue
            digest = message_digest(stored, record.message.identity)
            made = (
                _message_of(record.message),
                *sorted(_delivery_of(each) for each in record.deliveries),
            )
            self._events.append(((*event, digest), made))

    def settlement(self, settlement: Settlement, answer: bytes | None) -> None:
        """Add a settlement's events, and the digest of its answer to that which tells of it."""
        for event in settlement.events:
            self.event(event, answer if event.kind == "answered" else None)

    def write(self, connection: Connection, after: Link, alone: bool = False) -> Link:
        """Store the events and the link after that one; that one where nothing was added. Events
        that other work stored by itself (see `add_event`) are read back, but where it is known that
        there are none, since these are `alone`.
        """
        first = self._before + 1
        # Less than before: retention dropped the newest.
        number = max(self._before, 0 if alone else last_event(connection))
        entries = entries_between(connection, first, number) if number >= first else {}
        rows = []
        for event, made in self._events:
            number += 1
            rows.append((number, *event))
            entries[number] = entry(rows[-1], made)
        insert(connection, "event", EVENT_COLUMNS, rows)
        if not entries and not self.memory:
            return after
        return append(connection, after, (first, number), entries, self.memory)


def entries_between(connection: Connection, first: int, last: int) -> dict[int, bytes]:
    """The digests of the events with ids from `first` to `last`, by id in order."""
    rows = connection.execute(
        f"{ENTRIES} WHERE event.id BETWEEN ? AND ? ORDER BY event.id", (first, last)
    ).fetchall()
    return {row[0]: digest for row, digest in entries_of(connection, rows)}


def append(
    connection: Connection,
    after: Link,
    ids: tuple[int, int],
    entries: Mapping[int, bytes],
    memory: int,
) -> Link:
    """Store the link of events with ids in `ids` (first and last), whose digests are `entries`."""
    link = after._replace(
        number=after.number + 1,
        since=after.number + 1,
        first_event=ids[0],
        last_event=ids[1],
        events=len(entries),
        dropped=0,
        kept=None,
        memory=added(after.memory, memory) if memory else after.memory,
        content=hashed(b"".join(entries.values())),
    )
    link = link._replace(digest=linked(after.digest, link))
    insert(connection, "chain", CHAIN_COLUMNS, [tuple(link)])
    return link


def unlinked(node: int, epoch: int) -> Link:
    """Where a writer's chain begins: before its first link."""
    return Link(
        node=node,
        epoch=epoch,
        number=0,
        since=0,
        first_event=1,
        last_event=0,
        events=0,
        dropped=0,
        kept=None,
        memory=bytes(DIGEST_BYTES),
        content=b"",
        digest=b"",
    )


def last_given(connection: Connection) -> Given:
    """What was given last, as the transaction finds it."""
    event, position = connection.execute(f"SELECT {GIVEN}").fetchone()
    return Given(event or 0, position or 0)


def last_event(connection: Connection) -> int:
    """The newest event's id; 0 when there is none."""
    found = connection.execute("SELECT MAX(id) FROM event").fetchone()
    return found[0] or 0


def newest(connection: Connection, node: int, epoch: int) -> Link:
    """The newest link of a writer."""
    found = connection.execute(
        f"SELECT {CHAIN_COLUMNS} FROM chain WHERE node=? AND epoch=? ORDER BY number DESC LIMIT 1",
        (node, epoch),
    ).fetchone()
    return Link(*found) if found else unlinked(node, epoch)


def latest_heads(connection: Connection) -> list[Link]:
    """The newest link of the last epoch of every node."""
    latest = {link.node: link for link in sorted(heads(connection))}
    return [*latest.values()]


def heads(connection: Connection) -> list[Link]:
    """The newest link of every writer."""
    writers = connection.execute("SELECT DISTINCT node,epoch FROM chain").fetchall()
    return [newest(connection, *writer) for writer in writers]

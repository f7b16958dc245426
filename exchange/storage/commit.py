"""What one transaction of the writer does to the tables: records, settlements, leases and
counters; no thread and no queue.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

import pydantic_core

from exchange.errors import LedgerError
from exchange.journey.count import duplicate_counts
from exchange.journey.identity import schema_version
from exchange.ports.ledger import (
    DeliveryRow,
    EventRow,
    MessageRow,
    Record,
    Recorded,
    Remember,
    Settlement,
)
from exchange.ports.operators import AuditRow
from exchange.ports.rows import MADE_AGAIN
from exchange.storage.codec import pack
from exchange.storage.connection import Connection, execute_with, insert
from exchange.storage.counters.sums import Totals
from exchange.storage.operators import audit
from exchange.storage.proof.chain import Additions, content_digest, memory_digest
from exchange.storage.queries import MemoryRow, memory
from exchange.storage.search.persons import named

MESSAGE_COLUMNS = ",".join(MessageRow._fields)
DELIVERY_COLUMNS = ",".join(DeliveryRow._fields)
_LAST = "ON CONFLICT(id) DO UPDATE SET last=excluded.last"
#: In the place of a channel: items that were told lie in the table `memory`, under kind and item.
ITEMS_TOLD = "items told"
_TOLD = "1"

_REPLACE = (
    "ON CONFLICT(channel,key) DO UPDATE SET value=excluded.value,version=excluded.version,"
    "digest=excluded.digest,message_id=excluded.message_id"
)
MEMORY_COLUMNS = ",".join(MemoryRow._fields)
#: A row of what is not remembered yet.
_NOTHING = MemoryRow(channel="", key="", value="", version=0, digest=b"", message_id=0)

Ended = TypeVar("Ended", Record, Settlement)


def record_all(
    connection: Connection,
    records: Sequence[Record],
    level: int,
    totals: Totals,
    additions: Additions,
) -> list[Recorded]:
    """Store those records that are new, with the positions that follow the last one given; say
    what became of each, in order. Their events are stored with the additions to the chain.
    """
    answers: list[Recorded | None] = [None] * len(records)
    last = additions.last_position
    for position, record in enumerate(records, last + 1):
        _place(record, position)
    rows = [record.message for record in records]
    inserted = {
        row[0]
        for row in insert(
            connection,
            "message",
            MESSAGE_COLUMNS,
            rows,
            "ON CONFLICT DO NOTHING RETURNING id",
        )
    }
    memories = Memories(
        connection,
        [
            (record.message.channel, each.key)
            for record in records
            if record.message.id in inserted
            for each in record.remember
        ],
    )
    kept: list[Record] = []
    for index, record in enumerate(records):
        if record.message.id not in inserted:
            answers[index] = _repeated(connection, record, totals, additions)
        elif stale := memories.remember(
            record.message.channel, record.remember, additions, record.message.id
        ):
            connection.execute("DELETE FROM message WHERE id = ?", (record.message.id,))
            answers[index] = Recorded("stale", stale=stale)
        else:
            answers[index] = Recorded("new")
            kept.append(record)
    if len(kept) < len(records):
        _close_up(connection, kept, last)
    bodies = []
    for record in kept:
        stored = None if record.body is None else pack(record.body, level)
        if stored is not None:
            bodies.append((record.message.id, *stored))
        counted = first_told(connection, record, record.message.id, additions)
        additions.record(counted, stored)
        totals.add(counted.counts)
    memories.write(connection)
    insert(connection, "body", "message_id,codec,content", bodies)
    insert(connection, "named_person", "segment,person,message_id", named(kept))
    deliveries = [tuple(delivery) for record in kept for delivery in record.deliveries]
    insert(connection, "delivery", DELIVERY_COLUMNS, deliveries)
    if kept:
        insert(connection, "position", "id,last", [(1, last + len(kept))], _LAST)
    return [answer for answer in answers if answer is not None]


def _place(record: Record, position: int) -> None:
    record.message = record.message._replace(position=position)
    record.deliveries = [each._replace(position=position) for each in record.deliveries]


def _close_up(connection: Connection, kept: Sequence[Record], last: int) -> None:
    """Give the messages that were kept the positions of those that were not, so that no position
    is left out: only retention makes gaps.
    """
    for position, record in enumerate(kept, last + 1):
        if record.message.position != position:
            _place(record, position)
            connection.execute(
                "UPDATE message SET position=? WHERE id=?", (position, record.message.id)
            )


def _repeated(
    connection: Connection, record: Record, totals: Totals, additions: Additions
) -> Recorded:
    """A message whose sender's id is taken: a duplicate when it is the same."""
    row = record.message
    found = connection.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM message WHERE channel=? AND sender=? AND "
        "sender_message_id=? AND state='accepted'",
        (row.channel, row.sender, row.sender_message_id),
    ).fetchone()
    if found is None:
        raise LedgerError(f"id {row.id} or position {row.position} is taken by another message")
    original = MessageRow(*found)
    if not _same(connection, original, record):
        return Recorded("reused", original)
    event = EventRow(
        message_id=original.id, delivery_id=0, at=row.received_at, kind="duplicate", detail=""
    )
    additions.event(event)
    totals.add(duplicate_counts(original, event.at))
    return Recorded("duplicate", original)


def _same(connection: Connection, original: MessageRow, record: Record) -> bool:
    """Whether a message is the one that was accepted under its id before."""
    row = record.message
    if (original.digest, original.message_type, original.conversation) != (
        row.digest,
        row.message_type,
        row.conversation,
    ) or schema_version(original.detail) != schema_version(row.detail):
        return False
    if original.identity == row.identity or not record.deliveries:
        return original.identity == row.identity
    goes = sorted((each.receiver, each.ordered) for each in record.deliveries)
    return (
        goes
        == connection.execute(
            "SELECT receiver,ordered FROM delivery WHERE message_id=? ORDER BY receiver,ordered",
            (original.id,),
        ).fetchall()
    )


class Memories:
    """What channels remember under those keys (channel, key), as the transaction finds it, and what
    it makes of it: `write` at the end.
    """

    def __init__(self, connection: Connection, wanted: Iterable[tuple[str, str]]) -> None:
        self._known = {(row.channel, row.key): row for row in memory(connection, wanted)}
        self._changed: dict[tuple[str, str], MemoryRow] = {}

    def remember(
        self, channel: str, entries: Sequence[Remember], additions: Additions, message_id: int = 0
    ) -> list[str]:
        """Keep what the channel wants to remember of a message (0: of none); the keys that somebody
        changed since they were read (then nothing is kept).
        """
        stale: list[str] = []
        kept: dict[tuple[str, str], MemoryRow] = {}
        for each in entries:
            place = (channel, each.key)
            before = kept.get(place) or self._known.get(place) or _NOTHING
            if before.version != each.version:
                stale.append(each.key)
                continue
            value = pydantic_core.to_json(each.value).decode()
            of = message_id if each.with_message else 0
            digest = memory_digest(*place, value, each.version + 1, of)
            kept[place] = MemoryRow(*place, value, each.version + 1, digest, of)
        if not stale:
            for place, row in kept.items():
                before = self._known.get(place, _NOTHING)
                additions.memory += int.from_bytes(row.digest) - int.from_bytes(before.digest)
            self._known |= kept
            self._changed |= kept
        return stale

    def write(self, connection: Connection) -> None:
        """Store what was changed."""
        insert(connection, "memory", MEMORY_COLUMNS, [*self._changed.values()], _REPLACE)


def first_told(
    connection: Connection, ended: Ended, message_id: int, additions: Additions
) -> Ended:
    """The record or settlement with those items counted as delivered that no delivery told before;
    its event `delivered` says how many of each kind, so that they can be counted anew.

    They are forgotten with the message: told again after that, they count again.
    """
    if not ended.items_told:
        return ended
    # In one order, so that two transactions on a server can not each wait for the other.
    keys = sorted(f"{kind}/{item}" for kind, items in ended.items_told.items() for item in items)
    rows = [
        (
            ITEMS_TOLD,
            key,
            _TOLD,
            1,
            memory_digest(ITEMS_TOLD, key, _TOLD, 1, message_id),
            message_id,
        )
        for key in dict.fromkeys(keys)
    ]
    new = insert(
        connection,
        "memory",
        MEMORY_COLUMNS,
        rows,
        "ON CONFLICT DO NOTHING RETURNING key,digest",
    )
    additions.memory += sum(int.from_bytes(digest) for _, digest in new)
    numbers = Counter(key.partition("/")[0] for key, _ in new)
    told = json.dumps(dict(sorted(numbers.items())))
    events = [
        each._replace(detail=told) if each.kind == "delivered" else each for each in ended.events
    ]
    counts = list(ended.counts)
    for key, *_ in ended.counts:
        if key.kind == "delivered":
            counts += [
                (key._replace(kind=f"delivered:{kind}"), 1, number, 0)
                for kind, number in numbers.items()
            ]
    return replace(ended, events=events, counts=counts)


def settle_all(
    connection: Connection,
    settlements: Sequence[Settlement],
    level: int,
    totals: Totals,
    additions: Additions,
) -> list[bool]:
    """Apply those settlements whose delivery is still in the state that they end; say which were.

    A delivery that was made and had been made before is told by an event `delivered-again`.
    """
    rows = [
        (
            each.delivery_id,
            each.state,
            each.attempts,
            each.next_at,
            each.ended_at,
            each.reason,
            each.from_state,
            each.lease,
        )
        # One settlement of a delivery a transaction, the first: which of several rows the statement
        # would take is nobody's choice.
        for each in {one.delivery_id: one for one in reversed(settlements)}.values()
    ]
    applied = {row[0] for row in execute_with(connection, "ended", rows, _ENDED, _SETTLE)}
    answers = []
    audited: list[AuditRow] = []
    done = []
    for each in settlements:
        # A second one of the same group must not count again.
        took = each.delivery_id in applied
        applied.discard(each.delivery_id)
        done.append(took)
        if took:
            digest = None
            if each.audit is not None:
                audited.append(each.audit)
            counted = first_told(connection, each, each.message_id, additions)
            totals.add(counted.counts)
            if each.answer is not None:
                codec, content = pack(each.answer, level)
                answers.append((each.delivery_id, codec, each.answer_content_type, content))
                digest = content_digest(codec, content, each.answer_content_type)
            additions.settlement(counted, digest)
        elif each.state == "delivered" and _was_made(connection, each.delivery_id):
            made = EventRow(
                message_id=each.message_id,
                delivery_id=each.delivery_id,
                at=each.ended_at,
                kind=MADE_AGAIN,
                detail="",
            )
            additions.event(made)
    audit.write(connection, audited)
    columns = "delivery_id,codec,content_type,content"
    insert(connection, "answer", columns, answers, "ON CONFLICT DO NOTHING")
    return done


def _was_made(connection: Connection, delivery_id: int) -> bool:
    """Whether a delivery that we make was made; a mailbox's owner may acknowledge it twice."""
    found = connection.execute(
        "SELECT 1 FROM delivery WHERE id=? AND state='delivered' AND mode!='mailbox'",
        (delivery_id,),
    ).fetchone()
    return found is not None


_ENDED = (
    "id bigint,state text,attempts bigint,next_at bigint,ended_at bigint,reason text,"
    "from_state text,lease bigint"
)
_SETTLE = (
    "UPDATE delivery SET state=ended.state,attempts=ended.attempts,next_at=ended.next_at,"
    "ended_at=ended.ended_at,"
    "reason=ended.reason,"
    # Who held it before it died holds it no more once it is sent again.
    "lease=CASE WHEN ended.from_state='dead' THEN 0 ELSE delivery.lease END FROM ended "
    "WHERE delivery.id=ended.id AND delivery.state=ended.from_state "
    "AND (ended.lease IS NULL OR delivery.lease=ended.lease) RETURNING delivery.id"
)


#: By the index of each of the two kinds that wait to be made; and of leases.
_HASTEN = (
    "UPDATE delivery SET next_at=? "
    "WHERE state='waiting' AND mode='push' AND ordered=0 AND next_at>?",
    "UPDATE delivery SET next_at=? "
    "WHERE state='waiting' AND mode='push' AND ordered=1 AND receiver>='' AND next_at>?",
)
_SHORTEN = (
    "UPDATE delivery SET next_at=? "
    "WHERE state='waiting' AND mode='mailbox' AND message_id>0 AND next_at>?"
)


def hasten(connection: Connection, now: int, furthest: int, leased_until: int) -> int:
    """Make deliveries by push due now that were to wait beyond `furthest`, and let leases end at
    `leased_until` at the latest; how many there were.
    """
    hastened = sum(connection.execute(each, (now, furthest)).rowcount for each in _HASTEN)
    return hastened + connection.execute(_SHORTEN, (leased_until, leased_until)).rowcount

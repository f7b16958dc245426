"""Fills a ledger with millions of messages that went the whole way, by the storage's own commit functions; measures nothing.

A few seconds of real traffic give the *harvest*: messages as the journey stored them, with bodies, deliveries, events, answers
and what channels remember. `fill` writes copies of them with ids and times of their own, as many a day as the real exchange has,
up to now, in large transactions. Bodies older than the retention time are left out, as retention would have done; counters and
indexes are the real ones, so that `exchange verify` proves the result.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange.clocks import SequentialIds
from exchange.journey.count import delivery_counts, message_counts, queued_counts
from exchange.ports.ledger import Count, DeliveryRow, EventRow, MessageRow, Record, Remember
from exchange.settings import Settings
from exchange.storage.commit import Totals, record_all
from exchange.storage.connection import connect, insert
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.queries import DELIVERY, EVENT, MESSAGE
from exchange.storage.recount import DELIVERY_KINDS

DAY_MILLISECONDS = 86_400_000
#: Messages of one transaction, and the page cache that they are put together in.
GROUP = 16_384
CACHE_MIB = 256
#: The sender's ids that are drawn by chance, not counted: those of this length are hexadecimal.
LONG_ID_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Whole:
    """A message of the harvest with everything that belongs to it, bytes packed as they are stored."""

    message: MessageRow
    body: tuple[int, bytes] | None
    deliveries: Sequence[DeliveryRow]
    events: Sequence[EventRow]
    #: Delivery id -> codec, media type, content.
    answers: dict[int, tuple[int, str, bytes]]
    #: Key and value of what the channel remembers of its conversation.
    memory: tuple[str, object] | None


class GivenTime:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.milliseconds = 0

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return self.milliseconds

    async def sleep(self, seconds: float) -> None:
        """Nobody waits by this clock.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("nobody waits while a ledger is filled")


def harvest(path: Path) -> list[Whole]:
    """The messages of a ledger whose deliveries have all ended.

    Raises:
        ValueError: when it has none.
    """
    connection = connect(path, read_only=True)
    try:
        found = list(_harvest(connection))
    finally:
        connection.close()
    if not found:
        raise ValueError(f"{path.name} has no message that went the whole way")
    return found


def _harvest(connection: sqlite3.Connection) -> Iterator[Whole]:
    remembered = {(channel, key): value for channel, key, value in connection.execute("SELECT channel,key,value FROM memory")}
    for row in connection.execute(f"SELECT {MESSAGE} FROM message").fetchall():
        message = MessageRow(*row)
        deliveries = [
            DeliveryRow(*each)
            for each in connection.execute(f"SELECT {DELIVERY} FROM delivery WHERE message_id=?", (message.id,))
        ]
        if any(delivery.state == "waiting" for delivery in deliveries):
            continue
        events = [EventRow(*each) for each in connection.execute(f"SELECT {EVENT} FROM event WHERE message_id=?", (message.id,))]
        body = connection.execute("SELECT codec,content FROM body WHERE message_id=?", (message.id,)).fetchone()
        answers = {
            delivery.id: found
            for delivery in deliveries
            if (found := connection.execute("SELECT codec,content_type,content FROM answer WHERE delivery_id=?", (delivery.id,)).fetchone())
        }  # fmt: skip
        key = next((key for channel, key in remembered if message.conversation and channel == message.channel and key.endswith(message.conversation)), None)  # fmt: skip
        memory = (key, json.loads(remembered[message.channel, key])) if key else None
        yield Whole(message, body, deliveries, events, answers, memory)


def fill(
    path: Path, harvested: Sequence[Whole], count: int, a_day: int, settings: Settings, report: Callable[[int], None]
) -> None:
    """Add `count` messages to the ledger file, `a_day` of them a day, the newest a second old; `report` gets how many are in.

    The file is not safe from a power cut meanwhile (it is made for a measurement), but whole when this returns.
    """
    migrate_sqlite(path)
    connection = connect(path, CACHE_MIB)
    connection.execute("PRAGMA synchronous=OFF")
    clock = GivenTime()
    ids = SequentialIds(clock, worker=1023)
    rng = random.Random(settings.seed)
    until = time.time_ns() // 1_000_000 - 1000
    bodies_from = until - settings.retention.body_seconds * 1000
    try:
        for start in range(0, count, GROUP):
            copies = []
            for number in range(start, min(start + GROUP, count)):
                clock.milliseconds = until - (count - number) * DAY_MILLISECONDS // a_day
                copies.append(_copy(rng.choice(harvested), number, clock.milliseconds, ids, rng))
            _commit(connection, copies, bodies_from, settings.storage.compression_level)
            report(start + len(copies))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA synchronous=FULL")
    finally:
        connection.close()


@dataclass(slots=True)
class _Copied:
    record: Record
    body: tuple[int, bytes] | None
    answers: list[tuple[int, int, str, bytes]]


def _copy(whole: Whole, number: int, at: int, ids: SequentialIds, rng: random.Random) -> _Copied:
    """The message once more, with ids of its own, moved to another time."""
    old = whole.message
    shift = at - old.received_at
    conversation = _renamed(old.conversation, number, rng)
    # In the order of the fields: `_replace` takes three times as long, and this is done ten million times.
    message = MessageRow(
        ids.next(), old.channel, old.message_type, old.sender, _renamed(old.sender_message_id, number, rng), old.digest, at,
        old.state, old.door, conversation, old.items, old.bytes, old.content_type, old.detail,
    )  # fmt: skip
    delivery_ids = {0: 0, **{delivery.id: ids.next() for delivery in whole.deliveries}}
    deliveries = [
        DeliveryRow(delivery_ids[each.id], message.id, *each[2:7], each.next_at + shift, each.ended_at + shift, *each[9:])
        for each in whole.deliveries
    ]
    events = [
        EventRow(message.id, delivery_ids[each.delivery_id], each.at + shift, each.kind, each.detail) for each in whole.events
    ]
    remember = []
    if whole.memory is not None:
        key, value = whole.memory
        remember = [Remember(key.removesuffix(old.conversation) + conversation, value)]
    record = Record(message, None, deliveries, events, _counts(message, deliveries, events), remember)
    answers = [(delivery_ids[delivery], *answer) for delivery, answer in whole.answers.items()]
    return _Copied(record, whole.body, answers)


def _renamed(name: str, number: int, rng: random.Random) -> str:
    """An id of the same kind: drawn by chance where it was, otherwise the old one's beginning and a number that grows."""
    if not name:
        return name
    if len(name) == LONG_ID_CHARACTERS:
        return f"{rng.getrandbits(128):032x}"
    return f"{name.split('-')[0]}-{number:018d}"


def _counts(message: MessageRow, deliveries: Sequence[DeliveryRow], events: Sequence[EventRow]) -> list[Count]:
    """What the journey counted of such a message, by its own functions."""
    rejected = next((int(event.detail) for event in events if event.kind == "items-rejected"), 0)
    counts = message_counts(message, rejected) + queued_counts(message, deliveries)
    by_id = {delivery.id: delivery for delivery in deliveries}
    for event in events:
        if event.kind in DELIVERY_KINDS:
            delivery = by_id[event.delivery_id]
            dimensions = (message.channel, message.message_type, message.sender, delivery.receiver, message.door)
            counts += delivery_counts(event.at, dimensions, delivery.items, message.bytes, (event.kind,))
    return counts


def _commit(connection: sqlite3.Connection, copies: Sequence[_Copied], bodies_from: int, level: int) -> None:
    totals = Totals()
    connection.execute("BEGIN IMMEDIATE")
    stored = record_all(connection, [copy.record for copy in copies], level, totals)
    if any(each.kind != "new" for each in stored):
        raise ValueError("the ledger has such messages already; fill a new one")
    kept = [copy for copy in copies if copy.record.message.received_at >= bodies_from]
    bodies = [(copy.record.message.id, *copy.body) for copy in kept if copy.body is not None]
    insert(connection, "INSERT INTO body(message_id,codec,content)", "", bodies)
    answers = [
        (delivery, codec, content_type, content) for copy in kept for delivery, codec, content_type, content in copy.answers
    ]
    insert(connection, "INSERT INTO answer(delivery_id,codec,content_type,content)", "", answers)
    totals.write(connection)
    connection.execute("COMMIT")

"""The ledger's short reads, in SQL as SQLite has it (`postgresql_server.connection` translates it);
nothing that changes the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json

from exchange.clocks import SEQUENCE_BITS, WORKER_MASK
from exchange.ports.ledger import (
    DeadFilter,
    DeliveryRow,
    Due,
    EventRow,
    MessageRow,
    Pending,
    Place,
    Remembered,
)
from exchange.storage.codec import unpack
from exchange.storage.connection import Connection, execute_with

MESSAGE = ",".join(f"message.{name}" for name in MessageRow._fields)
DELIVERY = ",".join(f"delivery.{name}" for name in DeliveryRow._fields)
EVENT = ",".join(EventRow._fields)


class MemoryRow(NamedTuple):
    """A row of the table `memory` (see `tables.Memory`)."""

    channel: str
    key: str
    value: str
    version: int
    digest: bytes
    message_id: int


_REMEMBERED = (
    f"SELECT {','.join(f'memory.{name}' for name in MemoryRow._fields)} "
    "FROM wanted CROSS JOIN memory ON memory.channel=wanted.channel AND memory.key=wanted.key"
)

#: What the index of ordered deliveries that are to be made is of.
ORDERED = "state='waiting' AND mode='push' AND ordered=1"

#: Whether an ordered delivery follows a dead letter of its conversation.
_HELD = """EXISTS (SELECT 1 FROM delivery AS earlier
  JOIN message AS its ON its.id=earlier.message_id JOIN message AS own ON own.id=delivery.message_id
  WHERE earlier.state='dead' AND earlier.ordered=1 AND earlier.receiver=delivery.receiver
  AND earlier.lane=delivery.lane AND earlier.mode='push'
  AND (earlier.position,earlier.id)<(delivery.position,delivery.id)
  AND its.channel=own.channel AND its.conversation=own.conversation)"""


def memory(connection: Connection, places: Iterable[tuple[str, str]]) -> list[MemoryRow]:
    """What is remembered at those places (channel, key)."""
    rows = execute_with(connection, "wanted", [*places], "channel text,key text", _REMEMBERED)
    return [MemoryRow(*row) for row in rows]


def recalled(rows: Iterable[MemoryRow]) -> dict[str, Remembered]:
    """What rows of one channel hold, by their keys."""
    return {row.key: Remembered(from_json(row.value), row.version) for row in rows}


def remembered(
    connection: Connection, channel: str, prefix: str, after: str, most: int, newest_first: bool
) -> list[tuple[str, str, int]]:
    """(key, value, version) of what is remembered under keys that begin with `prefix` and go on
    with more (or less) than `after`.
    """
    # The first text after all that begin so: keys compare by their bytes.
    first, end = prefix + after, prefix[:-1] + chr(ord(prefix[-1]) + 1)
    if newest_first:
        first, end = prefix, first if after else end
    return connection.execute(
        "SELECT key,value,version FROM memory WHERE channel=? AND key>? AND key<? "
        f"ORDER BY key {'DESC' if newest_first else 'ASC'} LIMIT ?",
        (channel, first, end, most),
    ).fetchall()


def due(
    connection: Connection,
    lanes: Sequence[int],
    due_before: int,
    most: int,
    mode: str,
    without: Sequence[str] = (),
) -> list[Due]:
    """Unordered deliveries of that mode to be made, by due time, to others than the receivers
    `without`.
    """
    if mode not in ("push", "ask"):
        raise ValueError(f"deliveries by {mode} are not made by the exchange")
    which = "AND ordered=0" if mode == "push" else ""
    which += f" AND lane IN ({','.join('?' * len(lanes))})" if lanes else ""
    if without:
        which += f" AND receiver NOT IN ({','.join('?' * len(without))})"
    rows = connection.execute(
        f"SELECT id, receiver FROM delivery WHERE state='waiting' AND mode='{mode}' AND "
        f"next_at<=? {which} ORDER BY next_at, id LIMIT ?",
        (due_before, *lanes, *without, most),
    )
    return [Due(*row) for row in rows]


def ordered(
    connection: Connection, receiver: str, after: Place, until: int, most: int
) -> list[Place]:
    """Ordered deliveries to a receiver that are to be made, after a place."""
    rows = connection.execute(
        f"SELECT position, id, lane, {_HELD} FROM delivery WHERE {ORDERED} AND receiver=? "
        "AND (position,id)>(?,?) AND position<=? ORDER BY position, id LIMIT ?",
        (receiver, after.position, after.delivery_id, until, most),
    )
    return [Place(at, number, lane, bool(held)) for at, number, lane, held in rows]


def ordered_receivers(connection: Connection) -> list[str]:
    """Whom ordered deliveries wait for: one step in the index for each of them."""
    rows = connection.execute(
        "WITH RECURSIVE one(receiver) AS ("
        f"SELECT MIN(receiver) FROM delivery WHERE {ORDERED} UNION ALL "
        f"SELECT (SELECT MIN(receiver) FROM delivery WHERE {ORDERED} "
        "AND receiver>one.receiver) FROM one WHERE one.receiver IS NOT NULL) "
        "SELECT receiver FROM one WHERE receiver IS NOT NULL"
    )
    return [row[0] for row in rows]


def pending(
    connection: Connection, delivery_ids: Sequence[int], state: str, bodies: bool
) -> list[Pending]:
    """Deliveries in that state with message and body, by id."""
    found: list[Pending] = []
    body = ",body.codec,body.content" if bodies else ",0,NULL"
    join = "LEFT JOIN body ON body.message_id=message.id" if bodies else ""
    for start in range(0, len(delivery_ids), 500):
        part = delivery_ids[start : start + 500]
        rows = connection.execute(
            f"SELECT {DELIVERY},{MESSAGE}{body} FROM delivery JOIN message ON "
            f"message.id=delivery.message_id {join} "
            f"WHERE delivery.state=? AND delivery.id IN ({','.join('?' * len(part))}) ORDER BY "
            "delivery.id",
            (state, *part),
        )
        found += [_pending(row) for row in rows]
    return found


#: The code that the reason of a dead letter begins with.
CAUSE = (
    "CASE WHEN instr(delivery.reason,': ')>0 "
    "THEN substr(delivery.reason,1,CAST(instr(delivery.reason,': ')-1 AS INTEGER)) "
    "ELSE delivery.reason END"
)


def dead_condition(wanted: DeadFilter) -> tuple[str, list[object]]:
    """The condition of a filter and its values."""
    columns = (
        "+delivery.receiver=?",
        "+message.message_type=?",
        f"{CAUSE}=?",
        "delivery.ended_at>=?",
    )
    chosen = [(column, value) for column, value in zip(columns, wanted, strict=True) if value]
    condition = " AND ".join(["delivery.state='dead'", *(column for column, _ in chosen)])
    return condition, [value for _, value in chosen]


def dead_causes(connection: Connection, wanted: DeadFilter) -> dict[str, int]:
    """How many dead letters there are of each cause, the most first."""
    condition, values = dead_condition(wanted)
    rows = connection.execute(
        f"SELECT {CAUSE} AS cause, COUNT(*) FROM delivery JOIN message ON "
        f"message.id=delivery.message_id WHERE {condition} GROUP BY 1 ORDER BY 2 DESC, 1",
        values,
    )
    return dict(rows.fetchall())


def dead(connection: Connection, most: int, before: int, wanted: DeadFilter) -> list[Pending]:
    """The newest dead letters with ids below `before`."""
    condition, values = dead_condition(wanted)
    rows = connection.execute(
        f"SELECT {DELIVERY},{MESSAGE},0,NULL FROM delivery JOIN message ON "
        "message.id=delivery.message_id "
        f"WHERE {condition} AND delivery.id<? ORDER BY delivery.id DESC LIMIT ?",
        (*values, before, most),
    )
    return [_pending(row) for row in rows]


def _pending(row: tuple[Any, ...]) -> Pending:
    split = len(DeliveryRow._fields)
    end = split + len(MessageRow._fields)
    codec, content = row[end], row[end + 1]
    return Pending(
        DeliveryRow(*row[:split]),
        MessageRow(*row[split:end]),
        unpack(codec, content) if content else b"",
    )


def find(
    connection: Connection, channel: str, sender: str, sender_message_id: str
) -> MessageRow | None:
    """An accepted message by its sender's id."""
    row = connection.execute(
        f"SELECT {MESSAGE} FROM message WHERE channel=? AND sender=? AND sender_message_id=? AND "
        "state='accepted'",
        (channel, sender, sender_message_id),
    ).fetchone()
    return MessageRow(*row) if row else None


def stored(
    connection: Connection,
    channel: str,
    message_types: tuple[str, ...],
    after: int,
    until: int,
    most: int,
    newest_first: bool,
) -> list[tuple[MessageRow, bytes]]:
    """Accepted messages of some types with positions in (after, until] and their bodies, by
    position.
    """
    # The plus keeps SQLite from the index of senders' ids, by which it would read and sort all that
    # the channel ever accepted.
    marks = ",".join("?" * len(message_types))
    rows = connection.execute(
        f"SELECT {MESSAGE},body.codec,body.content FROM message LEFT JOIN body ON "
        "body.message_id=message.id "
        "WHERE message.position>? AND message.position<=? AND state='accepted' AND +channel=? AND "
        f"+message_type IN ({marks}) "
        f"ORDER BY message.position {'DESC' if newest_first else ''} LIMIT ?",
        (after, until, channel, *message_types, most),
    )
    return [(MessageRow(*row[:-2]), unpack(row[-2], row[-1]) if row[-1] else b"") for row in rows]


def position(connection: Connection) -> int:
    """The last position given."""
    row = connection.execute("SELECT last FROM position").fetchone()
    return row[0] if row else 0


def latest_id(connection: Connection, since: int, worker: int) -> int:
    """The greatest id of a worker from `since` on (0: none), of messages and deliveries."""
    found = [
        connection.execute(
            f"SELECT id FROM {table} WHERE id>=? AND (id>>{SEQUENCE_BITS})&{WORKER_MASK}=? "
            "ORDER BY id DESC LIMIT 1",
            (since, worker),
        ).fetchone()
        for table in ("message", "delivery")
    ]
    return max((row[0] for row in found if row is not None), default=0)


def position_before(connection: Connection, message_id: int, most_are_older: bool) -> int:
    """The last position before those of all messages with that id or a greater one, found by their
    ids or, where most are not older, by positions from the first one.
    """
    row = connection.execute(
        "SELECT MIN(position) FROM message WHERE id>=?"
        if most_are_older
        else "SELECT position FROM message WHERE +id>=? ORDER BY position LIMIT 1",
        (message_id,),
    ).fetchone()
    return position(connection) if row is None or row[0] is None else int(row[0]) - 1


def message(connection: Connection, message_id: int) -> MessageRow | None:
    """A message by our id."""
    row = connection.execute(f"SELECT {MESSAGE} FROM message WHERE id=?", (message_id,)).fetchone()
    return MessageRow(*row) if row else None


def message_of(connection: Connection, delivery_id: int) -> int:
    """The id of the message of a delivery, 0 when there is none."""
    row = connection.execute(
        "SELECT message_id FROM delivery WHERE id=?", (delivery_id,)
    ).fetchone()
    return int(row[0]) if row else 0


def body(connection: Connection, message_id: int) -> bytes | None:
    """The bytes of a message, while they are kept."""
    row = connection.execute(
        "SELECT codec,content FROM body WHERE message_id=?", (message_id,)
    ).fetchone()
    return unpack(*row) if row else None


def answer(connection: Connection, delivery_id: int) -> tuple[str, bytes] | None:
    """Media type and bytes of an answer."""
    row = connection.execute(
        "SELECT content_type,codec,content FROM answer WHERE delivery_id=?", (delivery_id,)
    ).fetchone()
    return (row[0], unpack(row[1], row[2])) if row else None


def deliveries(connection: Connection, message_id: int) -> list[DeliveryRow]:
    """The deliveries of a message."""
    return [
        DeliveryRow(*row)
        for row in connection.execute(
            f"SELECT {DELIVERY} FROM delivery WHERE message_id=? ORDER BY id", (message_id,)
        )
    ]


def events(connection: Connection, message_id: int) -> list[EventRow]:
    """What happened to a message, in order."""
    return [
        EventRow(*row)
        for row in connection.execute(
            f"SELECT {EVENT} FROM event WHERE message_id=? ORDER BY id", (message_id,)
        )
    ]


def oldest_waiting(connection: Connection) -> MessageRow | None:
    """The message with the least id of which a delivery waits."""
    # The second condition is that of the index `delivery_open`: SQLite concludes nothing.
    row = connection.execute(
        f"SELECT {MESSAGE} FROM message WHERE id=(SELECT MIN(message_id) FROM delivery WHERE "
        "state='waiting' AND state!='delivered')"
    ).fetchone()
    return MessageRow(*row) if row else None


def waiting_by_channel(connection: Connection) -> dict[str, int]:
    """Waiting deliveries, from the deliveries themselves."""
    return dict(
        connection.execute(
            "SELECT message.channel, COUNT(*) FROM delivery JOIN message ON "
            "message.id=delivery.message_id "
            "WHERE delivery.state='waiting' GROUP BY message.channel"
        ).fetchall()
    )

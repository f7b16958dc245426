"""Retention: bodies first, then settled messages with their deliveries and events; counts
never.
"""

from __future__ import annotations

from typing import NamedTuple

from exchange.ports.ledger import Old
from exchange.storage.connection import Connection, execute_with
from exchange.storage.counters.compaction import compacted_before
from exchange.storage.counters.days import day_of_minute
from exchange.storage.counters.sums import Sums
from exchange.storage.proof.chain import Additions, memory_digest
from exchange.storage.proof.dropped_events import forget, weight
from exchange.storage.proof.recount import DROPPED_ROWS, DROPPED_TABLES, RECOUNT_OF_DROPPED


class Dropped(NamedTuple):
    """How many bodies and messages were dropped."""

    bodies: int
    messages: int


#: Old messages whose deliveries have all ended.
_SETTLED = (
    "SELECT message.id FROM {table} WHERE {id}<? AND message.position<=? AND NOT EXISTS "
    "(SELECT 1 FROM delivery WHERE delivery.message_id={id} AND delivery.state='waiting') ORDER BY "
    "{order} LIMIT ?"
)
#: The body leads, else every message that has none any more would be looked at.
_WITH_BODIES = "body CROSS JOIN message ON message.id=body.message_id"


def drop_bodies(connection: Connection, old: Old, most: int) -> int:
    """Drop up to `most` bodies (and answers) of old and settled messages; how many went."""
    # Found in `body` itself: most old messages have none any more, and would be read again every
    # time.
    ids = connection.execute(
        _SETTLED.format(table=_WITH_BODIES, id="body.message_id", order="body.message_id"),
        (*old, most),
    ).fetchall()
    for statement in (
        "DELETE FROM answer WHERE delivery_id IN "
        "(SELECT delivery.id FROM gone JOIN delivery ON delivery.message_id=gone.id)",
        "DELETE FROM body WHERE message_id IN (SELECT id FROM gone)",
    ):
        execute_with(connection, "gone", ids, "id bigint", statement)
    if ids:
        forget(connection, (), bodies=ids[-1][0], messages=0, counts=0)
    return len(ids)


def drop_messages(connection: Connection, old: Old, most: int, additions: Additions) -> Dropped:
    """Drop up to `most` old and settled messages, in the order of their positions, and all that
    belongs to them, adding their counts to the pruned ones; how many went, and how many bodies with
    them. What was remembered with them goes as well: `additions` puts that into the chain.
    """
    for statement in DROPPED_TABLES:
        connection.execute(statement)
    connection.execute(
        "INSERT INTO pruned "
        + _SETTLED.format(table="message", id="+message.id", order="message.position"),
        (*old, most),
    )
    count: int = connection.execute("SELECT COUNT(*) FROM pruned").fetchone()[0]
    if not count:
        return Dropped(0, 0)
    # The count looks at each row several times: at copies of what it needs, since a message may
    # hold a long detail.
    for statement in DROPPED_ROWS:
        connection.execute(statement)
    counts = _add_to_pruned(connection, RECOUNT_OF_DROPPED)
    newest = connection.execute("SELECT MAX(id) FROM pruned").fetchone()[0]
    events = connection.execute(
        "SELECT id FROM event WHERE message_id IN (SELECT id FROM pruned)"
    ).fetchall()
    forget(connection, (row[0] for row in events), 0, newest, counts)
    connection.execute("DELETE FROM answer WHERE delivery_id IN (SELECT id FROM dropped_delivery)")
    bodies = connection.execute(
        "DELETE FROM body WHERE message_id IN (SELECT id FROM pruned)"
    ).rowcount
    additions.memory -= _forget_remembered(connection)
    for table, column in (("delivery", "message_id"), ("message", "id")):
        connection.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM pruned)")
    # A rollback empties them as well.
    for table in ("pruned", "dropped_message", "dropped_event", "dropped_delivery"):
        connection.execute(f"DELETE FROM {table}")
    return Dropped(bodies, count)


def _forget_remembered(connection: Connection) -> int:
    """Forget what was remembered with the messages in `pruned`; the sum of its digests. What is not
    as it was committed stays, for `verify` to tell.
    """
    rows = connection.execute(
        "SELECT channel,key,value,version,message_id,digest FROM memory "
        "WHERE message_id>0 AND message_id IN (SELECT id FROM pruned)"
    ).fetchall()
    gone = [(row[:2], row[5]) for row in rows if memory_digest(*row[:5]) == row[5]]
    execute_with(
        connection,
        "gone",
        [key for key, _ in gone],
        "channel text,key text",
        "DELETE FROM memory WHERE (channel,key) IN (SELECT channel,key FROM gone)",
    )
    return sum(int.from_bytes(digest) for _, digest in gone)


def _add_to_pruned(connection: Connection, recount: str) -> int:
    """Add up what is dropped: by the day where minutes are folded already, by the minute where they
    are not; its weight (see `weight`).
    """
    before, total = compacted_before(connection), 0
    minutes, days = Sums(), Sums()
    for period, *rest, count, items, size in connection.execute(recount):
        total += weight((day_of_minute(period), *rest, count, items, size))
        if period < before:
            days.add((day_of_minute(period), *rest), count, items, size)
        else:
            minutes.add((period, *rest), count, items, size)
    minutes.write(connection, "pruned_counter")
    days.write(connection, "pruned_day_counter")
    return total

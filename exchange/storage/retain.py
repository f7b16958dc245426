"""Forgetting: bodies first, then settled messages with their deliveries and events; counts never."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from exchange.storage.commit import ADD_COUNTS, COUNT_COLUMNS
from exchange.storage.recount import RECOUNT


class Dropped(NamedTuple):
    """How many bodies and messages were dropped."""

    bodies: int
    messages: int


#: Messages with ids below ? (ids grow with time) whose deliveries have all ended.
_SETTLED = (
    "SELECT message.id FROM message WHERE message.id<? AND NOT EXISTS "
    "(SELECT 1 FROM delivery WHERE delivery.message_id=message.id AND delivery.state='waiting') ORDER BY message.id LIMIT ?"
)

#: Those that have a body still. The bodies lead and not the messages: all older messages have none any more, and a walk over
#: them (1.3 microseconds each, on the loop) would make every run of retention as long as the ledger is old.
_SETTLED_BODIES = (
    "SELECT body.message_id FROM body WHERE body.message_id<? AND NOT EXISTS "
    "(SELECT 1 FROM delivery WHERE delivery.message_id=body.message_id AND delivery.state='waiting') ORDER BY body.message_id LIMIT ?"
)


def drop_bodies(connection: sqlite3.Connection, before: int, most: int) -> int:
    """Drop up to `most` bodies (and answers) of settled messages with ids below `before`; how many went."""
    ids = connection.execute(_SETTLED_BODIES, (before, most)).fetchall()
    connection.executemany("DELETE FROM answer WHERE delivery_id IN (SELECT id FROM delivery WHERE message_id=?)", ids)
    connection.executemany("DELETE FROM body WHERE message_id=?", ids)
    return len(ids)


def drop_messages(connection: sqlite3.Connection, before: int, most: int) -> int:
    """Drop up to `most` settled messages with ids below `before` and all that belongs to them, adding their counts to the pruned ones."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS pruned(id INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM temp.pruned")
    connection.execute(f"INSERT INTO temp.pruned {_SETTLED}", (before, most))
    count: int = connection.execute("SELECT COUNT(*) FROM temp.pruned").fetchone()[0]
    if not count:
        return 0
    only = "WHERE message.id IN (SELECT id FROM temp.pruned)"
    connection.execute(
        f"INSERT INTO pruned_counter({COUNT_COLUMNS}) SELECT * FROM ({RECOUNT.format(only=only)}) WHERE true {ADD_COUNTS}"
    )
    connection.execute(
        "DELETE FROM answer WHERE delivery_id IN (SELECT delivery.id FROM delivery JOIN temp.pruned ON pruned.id=delivery.message_id)"
    )
    for table, column in (("body", "message_id"), ("delivery", "message_id"), ("event", "message_id"), ("message", "id")):
        connection.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM temp.pruned)")
    return count

"""Chains what an older version stored without a chain, as it stands; a migration calls it once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from exchange.storage.proof.chain import (
    OPENING,
    append,
    content_digest,
    entries_between,
    last_event,
    memory_digest,
    newest,
)

#: Events in one link, and rows that are in memory at a time.
EVENTS_MAX = 512
ROWS_MAX = 5_000

_BODIES = (
    "SELECT event.id,body.codec,body.content FROM event JOIN message ON "
    "message.id=event.message_id AND event.kind=message.state "
    "JOIN body ON body.message_id=message.id WHERE event.delivery_id=0 AND event.id BETWEEN ? AND ?"
)
_ANSWERS = (
    "SELECT event.id,answer.codec,answer.content,answer.content_type FROM event "
    "JOIN answer ON answer.delivery_id=event.delivery_id WHERE event.kind='answered' AND event.id "
    "BETWEEN ? AND ?"
)


def seal(connection: sqlite3.Connection) -> int:
    """Chain every event, with what hangs on it, and all memory; how many links that took."""
    link = newest(connection, *OPENING)
    begun, until = link.number, last_event(connection)
    change = _seal_memory(connection)
    for rows_first in range(1, until + 1, ROWS_MAX):
        rows_last = min(rows_first + ROWS_MAX - 1, until)
        for query in (_BODIES, _ANSWERS):
            rows = connection.execute(query, (rows_first, rows_last)).fetchall()
            _write_digests(connection, rows)
        for first in range(rows_first, rows_last + 1, EVENTS_MAX):
            last = min(first + EVENTS_MAX - 1, rows_last)
            if entries := entries_between(connection, first, last):
                link = append(connection, link, (first, last), entries, change)
                change = 0
    if change:
        link = append(connection, link, (until + 1, until), {}, change)
    return link.number - begun


def _write_digests(connection: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    connection.executemany(
        "UPDATE event SET digest=? WHERE id=?",
        [(content_digest(*stored), number) for number, *stored in rows],
    )


def _seal_memory(connection: sqlite3.Connection) -> int:
    """Give memory without a digest its own; what they sum to."""
    total = 0
    while rows := connection.execute(
        "SELECT channel,key,value,version FROM memory WHERE digest=x'' LIMIT ?", (ROWS_MAX,)
    ).fetchall():
        digests = [memory_digest(*row) for row in rows]
        connection.executemany(
            "UPDATE memory SET digest=? WHERE channel=? AND key=?",
            [(digest, *row[:2]) for digest, row in zip(digests, rows, strict=True)],
        )
        total += sum(int.from_bytes(digest) for digest in digests)
    return total

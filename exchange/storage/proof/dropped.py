"""What retention leaves in the chain of the events that it drops: the digests of each while others
of its commit are there, one link where whole commits are gone.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from exchange.ports.ledger import EventRow
from exchange.storage.proof.chain import (
    CHAIN_COLUMNS,
    DIGEST_BYTES,
    ENTRIES,
    FORGOTTEN,
    Link,
    add_event,
    entry_of,
)

_KEPT = struct.Struct(f">q{DIGEST_BYTES}s")
#: Ids in one statement.
IDS_MAX = 500


def kept_digests(kept: bytes | None) -> dict[int, bytes]:
    """The digests that stand for dropped events, by id.

    Raises:
        struct.error: when they are no such digests.
    """
    return dict(_KEPT.iter_unpack(kept or b""))


def forgotten(connection: sqlite3.Connection) -> dict[str, int]:
    """The greatest message id whose body (`bodies`), and with which a message (`messages`), was
    dropped so far; 0 for none.
    """
    found = _newest_forgotten(connection)
    said = json.loads(found[1]) if found else {}
    return {name: said.get(name, 0) for name in ("bodies", "messages")}


def tell_forgotten(connection: sqlite3.Connection, bodies: int = 0, messages: int = 0) -> list[int]:
    """Put into the chain up to which message ids something was dropped; the ids of the events that
    said so before and may go.
    """
    said = forgotten(connection)
    said = {
        "bodies": max(said["bodies"], bodies, messages),
        "messages": max(said["messages"], messages),
    }
    old = connection.execute(
        "SELECT id FROM event WHERE message_id=0 AND kind=? ORDER BY id", (FORGOTTEN,)
    ).fetchall()
    at = connection.execute("SELECT at FROM event ORDER BY id DESC LIMIT 1").fetchone()
    add_event(connection, EventRow(0, 0, at[0] if at else 0, FORGOTTEN, json.dumps(said)), None)
    return [row[0] for row in old]


def _newest_forgotten(connection: sqlite3.Connection) -> tuple[int, str] | None:
    found: tuple[int, str] | None = connection.execute(
        "SELECT id,detail FROM event WHERE message_id=0 AND kind=? ORDER BY id DESC LIMIT 1",
        (FORGOTTEN,),
    ).fetchone()
    return found


def leave_digests(connection: sqlite3.Connection, events: Sequence[int]) -> None:
    """Leave in the chain what it needs of events (ids in order) that are dropped afterwards."""
    whole = []
    for link, ids in _by_link(connection, events):
        dropped, kept = link.dropped + len(ids), None
        if dropped < link.events:
            added = (_KEPT.pack(*each) for each in _digests(connection, ids))
            kept = (link.kept or b"") + b"".join(added)
        else:
            whole.append(link[:3])
        connection.execute(
            "UPDATE chain SET dropped=?,kept=? WHERE node=? AND epoch=? AND number=?",
            (dropped, kept, *link[:3]),
        )
    for writer_and_number in whole:
        _join(connection, *writer_and_number)


def _by_link(
    connection: sqlite3.Connection, events: Sequence[int]
) -> Iterator[tuple[Link, Sequence[int]]]:
    """The links that cover the events, with those that each covers."""
    start = 0
    while start < len(events):
        found = connection.execute(
            f"SELECT {CHAIN_COLUMNS} FROM chain WHERE last_event>=? AND events>0 "
            "ORDER BY last_event LIMIT 1",
            (events[start],),
        ).fetchone()
        if found is None:
            return
        link = Link(*found)
        end = bisect_right(events, link.last_event, start)
        # An event that no link covers is `verify`'s to tell.
        if ids := [each for each in events[start:end] if each >= link.first_event]:
            yield link, ids
        start = end


def _digests(connection: sqlite3.Connection, ids: Sequence[int]) -> Iterable[tuple[int, bytes]]:
    for first in range(0, len(ids), IDS_MAX):
        some = ids[first : first + IDS_MAX]
        marks = ",".join("?" * len(some))
        rows = connection.execute(f"{ENTRIES} WHERE event.id IN ({marks})", some).fetchall()
        yield from ((row[0], entry_of(connection, row)) for row in rows)


def _join(connection: sqlite3.Connection, node: int, epoch: int, number: int) -> None:
    """Make one link of a link of which nothing is left and its neighbours of which nothing is."""
    around = f"SELECT {CHAIN_COLUMNS} FROM chain WHERE node=? AND epoch=? AND number"
    key = (node, epoch, number)
    # Joined already with the one after it, it is not there any more.
    itself = connection.execute(f"{around}=?", key).fetchone()
    if itself is None:
        return
    links = [Link(*itself)]
    before = connection.execute(f"{around}<? ORDER BY number DESC LIMIT 1", key).fetchone()
    after = connection.execute(f"{around}>? ORDER BY number LIMIT 1", key).fetchone()
    if before is not None and Link(*before).gone:
        links.insert(0, Link(*before))
    if after is not None and Link(*after).gone:
        links.append(Link(*after))
    for link in links[:-1]:
        connection.execute(
            "DELETE FROM chain WHERE node=? AND epoch=? AND number=?", tuple(link[:3])
        )
    if len(links) > 1:
        connection.execute(
            "UPDATE chain SET since=? WHERE node=? AND epoch=? AND number=?",
            (links[0].since, *links[-1][:3]),
        )

"""What retention leaves in the chain of the events that it drops: the digests of each while others
of its commit are there, one link where whole commits are gone. An event of its own says, in the
chain, what it dropped: whatever else is gone was taken out.
"""

from __future__ import annotations

import json
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from exchange.ports.ledger import EventRow
from exchange.storage.connection import Connection
from exchange.storage.counters.days import day_of_minute
from exchange.storage.counters.sums import COUNT_COLUMNS
from exchange.storage.proof.chain import (
    CHAIN_COLUMNS,
    DIGEST_BYTES,
    ENTRIES,
    FORGOTTEN,
    MODULUS,
    Link,
    add_event,
    entry_of,
    hashed,
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


class Forgotten(NamedTuple):
    """What retention said that it dropped: the greatest message id whose body (`bodies`), and with
    which a message (`messages`), went, 0 for none; the sum of the links that it changed (`links`)
    and of the counts that it kept of what it dropped (`counts`).

    None of a sum: retention has not said it yet. A migration may have kept counts before it.
    """

    bodies: int = 0
    messages: int = 0
    links: int | None = None
    counts: int | None = None


def forgotten(connection: Connection) -> Forgotten:
    """What was dropped so far, as the chain says.

    Raises:
        TypeError, ValueError: when that can't be read.
    """
    found = _newest_forgotten(connection)
    return Forgotten(**json.loads(found[1])) if found else Forgotten(links=0)


def forget(
    connection: Connection, events: Iterable[int], bodies: int, messages: int, counts: int
) -> None:
    """Drop events, and say in the chain up to which message ids something was dropped, what it left
    of the links, and by how much the sum of the kept counts changed (see `weight`). What hangs on
    the events must be there still.
    """
    said = forgotten(connection)
    told = connection.execute(
        "SELECT id FROM event WHERE message_id=0 AND kind=?", (FORGOTTEN,)
    ).fetchall()
    ids = sorted([*events, *(row[0] for row in told)])
    links = sum_of_links(connection) if said.links is None else said.links
    # All counts together hold what has just been added.
    kept = sum_of_counts(connection) if said.counts is None else said.counts + counts
    said = Forgotten(
        max(said.bodies, bodies, messages),
        max(said.messages, messages),
        (links + leave_digests(connection, ids)) % MODULUS,
        kept % MODULUS,
    )
    at = connection.execute("SELECT at FROM event ORDER BY id DESC LIMIT 1").fetchone()
    detail = json.dumps(said._asdict())
    # Before the others go: no event gets an id that one had before.
    add_event(
        connection,
        EventRow(message_id=0, delivery_id=0, at=at[0] if at else 0, kind=FORGOTTEN, detail=detail),
        None,
    )
    connection.executemany("DELETE FROM event WHERE id=?", [(each,) for each in ids])


def sum_of_links(connection: Connection) -> int:
    """The sum of all links that retention changed."""
    rows = connection.execute(
        f"SELECT {CHAIN_COLUMNS} FROM chain WHERE dropped!=0 OR since!=number"
    )
    return sum(_standing(Link(*row)) for row in rows) % MODULUS


def sum_of_counts(connection: Connection) -> int:
    """The sum of all counts that are kept of what was dropped, by minute or by day."""
    total = 0
    for table, day in (("pruned_counter", day_of_minute), ("pruned_day_counter", int)):
        rows = connection.execute(f"SELECT {COUNT_COLUMNS} FROM {table}")
        total += sum(weight((day(period), *rest)) for period, *rest in rows)
    return total % MODULUS


def weight(row: Sequence[Any]) -> int:
    """What a count (columns `COUNT_COLUMNS`, by day) adds to the sum of those that are kept: the
    same whether it is added at once or little by little.
    """
    *key, count, items, size = row
    name = ascii(tuple(key)).encode()
    return sum(
        int.from_bytes(hashed(what + name)) * number
        for what, number in ((b"count", count), (b"items", items), (b"bytes", size))
    )


def _standing(link: Link) -> int:
    """What a link that retention changed adds to their sum; 0 for one as it was committed."""
    if not link.dropped and link.since == link.number:
        return 0
    told = link._replace(memory=b"", content=b"", digest=b"")
    return int.from_bytes(hashed(ascii(tuple(told)).encode()))


def _newest_forgotten(connection: Connection) -> tuple[int, str] | None:
    found: tuple[int, str] | None = connection.execute(
        "SELECT id,detail FROM event WHERE message_id=0 AND kind=? ORDER BY id DESC LIMIT 1",
        (FORGOTTEN,),
    ).fetchone()
    return found


def leave_digests(connection: Connection, events: Sequence[int]) -> int:
    """Leave in the chain what it needs of events (ids in order) that are dropped afterwards; by how
    much that changed the sum of the links.
    """
    whole, change = [], 0
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
        change += _standing(link._replace(dropped=dropped, kept=kept)) - _standing(link)
    for writer_and_number in whole:
        change += _join(connection, *writer_and_number)
    return change


def _by_link(connection: Connection, events: Sequence[int]) -> Iterator[tuple[Link, Sequence[int]]]:
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


def _digests(connection: Connection, ids: Sequence[int]) -> Iterable[tuple[int, bytes]]:
    for first in range(0, len(ids), IDS_MAX):
        some = ids[first : first + IDS_MAX]
        marks = ",".join("?" * len(some))
        rows = connection.execute(f"{ENTRIES} WHERE event.id IN ({marks})", some).fetchall()
        yield from ((row[0], entry_of(connection, row)) for row in rows)


def _join(connection: Connection, node: int, epoch: int, number: int) -> int:
    """Make one link of a link of which nothing is left and its neighbours of which nothing is; by
    how much that changes the sum of the links.
    """
    around = f"SELECT {CHAIN_COLUMNS} FROM chain WHERE node=? AND epoch=? AND number"
    key = (node, epoch, number)
    # Joined already with the one after it, it is not there any more.
    itself = connection.execute(f"{around}=?", key).fetchone()
    if itself is None:
        return 0
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
    joined = links[-1]._replace(since=links[0].since)
    return _standing(joined) - sum(map(_standing, links))

"""What retention leaves in the chain of the events that it drops: the digests of each while others
of its commit are there, one link where whole commits are gone. An event of its own says, in the
chain, what it dropped: whatever else is gone was taken out.
"""

from __future__ import annotations

import json
import struct
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from exchange.ports.ledger import EventRow
from exchange.storage.connection import Connection, execute_with
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
    entries_of,
    hashed,
)

_KEPT = struct.Struct(f">q{DIGEST_BYTES}s")
#: Ids in one statement.
IDS_MAX = 500
_LINK = ",".join(f"chain.{name}" for name in Link._fields)
_KEY = "node bigint,epoch bigint,number bigint"
_SAME = "chain.node={0}.node AND chain.epoch={0}.epoch AND chain.number={0}.number"
#: The links that cover the events in `gone`.
_COVERING = f""", ends AS (SELECT DISTINCT (SELECT last_event FROM chain
  WHERE last_event>=gone.id AND events>0 ORDER BY last_event LIMIT 1) AS last FROM gone)
SELECT {_LINK} FROM ends JOIN chain ON chain.last_event=ends.last WHERE chain.events>0"""
#: The links in `whole`, with the one before and the one after each.
_NEIGHBOUR = (
    "(SELECT {0}(number) FROM chain WHERE chain.node=whole.node AND chain.epoch=whole.epoch "
    "AND chain.number{1}whole.number)"
)
_AROUND = f""", around AS (
  SELECT node,epoch,number FROM whole
  UNION SELECT node,epoch,{_NEIGHBOUR.format("MAX", "<")} FROM whole
  UNION SELECT node,epoch,{_NEIGHBOUR.format("MIN", ">")} FROM whole
) SELECT {_LINK} FROM around JOIN chain ON {_SAME.format("around")}"""
_UPDATE = (
    "UPDATE chain SET since=changed.since,dropped=changed.dropped,kept=changed.kept FROM changed "
    f"WHERE {_SAME.format('changed')}"
)
_DELETE = "DELETE FROM chain WHERE (node,epoch,number) IN (SELECT node,epoch,number FROM joined)"


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
    rows = [(each,) for each in ids]
    delete = "DELETE FROM event WHERE id IN (SELECT id FROM gone)"
    execute_with(connection, "gone", rows, "id bigint", delete)


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
    covered = _by_link(connection, events)
    parts = (ids for link, ids in covered if link.dropped + len(ids) < link.events)
    digests = _digests(connection, [*chain.from_iterable(parts)])
    left = []
    for link, ids in covered:
        dropped, kept = link.dropped + len(ids), None
        if dropped < link.events:
            added = (_KEPT.pack(each, digests[each]) for each in ids if each in digests)
            kept = (link.kept or b"") + b"".join(added)
        left.append(link._replace(dropped=dropped, kept=kept))
    _update(connection, left)
    change = sum(map(_standing, left)) - sum(_standing(link) for link, _ in covered)
    return change + _join(connection, [link for link in left if link.gone])


def _by_link(connection: Connection, events: Sequence[int]) -> list[tuple[Link, Sequence[int]]]:
    """The links that cover the events, with those that each covers."""
    rows = execute_with(connection, "gone", [(each,) for each in events], "id bigint", _COVERING)
    found: list[tuple[Link, Sequence[int]]] = []
    start = 0
    for link in sorted({Link(*row) for row in rows}, key=lambda each: each.last_event):
        end = bisect_right(events, link.last_event, start)
        # An event that no link covers is `verify`'s to tell.
        if ids := [each for each in events[start:end] if each >= link.first_event]:
            found.append((link, ids))
        start = end
    return found


def _digests(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    found = {}
    for first in range(0, len(ids), IDS_MAX):
        some = ids[first : first + IDS_MAX]
        marks = ",".join("?" * len(some))
        rows = connection.execute(f"{ENTRIES} WHERE event.id IN ({marks})", some)
        found.update({row[0]: digest for row, digest in entries_of(connection, rows)})
    return found


def _join(connection: Connection, whole: Sequence[Link]) -> int:
    """Make one link of links of which nothing is left and their neighbours of which nothing is; by
    how much that changes the sum of the links.
    """
    keys = {link[:3] for link in whole}
    rows = execute_with(connection, "whole", [*keys], _KEY, _AROUND)
    runs: list[list[Link]] = []
    for link in sorted({Link(*row) for row in rows}, key=lambda each: each[:3]):
        before = runs[-1][-1] if runs else None
        if (
            before is not None
            and before[:2] == link[:2]
            and before.gone
            and link.gone
            # (Else others may be between them.)
            and not keys.isdisjoint({before[:3], link[:3]})
        ):
            runs[-1].append(link)
        else:
            runs.append([link])
    runs = [run for run in runs if len(run) > 1]
    joined = [run[-1]._replace(since=run[0].since) for run in runs]
    gone = [link[:3] for run in runs for link in run[:-1]]
    execute_with(connection, "joined", gone, _KEY, _DELETE)
    _update(connection, joined)
    return sum(map(_standing, joined)) - sum(_standing(link) for run in runs for link in run)


def _update(connection: Connection, links: Sequence[Link]) -> None:
    rows = [(*link[:3], link.since, link.dropped, link.kept) for link in links]
    columns = f"{_KEY},since bigint,dropped bigint,kept bytea"
    execute_with(connection, "changed", rows, columns, _UPDATE)

"""The workers that share a ledger in a file, and what is due in lanes, of either ledger; who owns
the file stands in `storage.ownership`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from exchange.ports.lanes import LANES, Cluster, Node
from exchange.storage.connection import Connection
from exchange.storage.ledger import SqlLedger
from exchange.storage.queries import ORDERED

#: Deliveries that are looked at, of each kind: of more that wait, the rest is not counted.
LOOKED_AT_MAX = 10_000
_UP = "receiver NOT IN (SELECT receiver FROM receiver_state WHERE state<>'up')"
_DUE = (
    "SELECT lane,next_at FROM (SELECT lane,next_at,receiver FROM delivery "
    "WHERE state='waiting' AND mode='push' AND ordered=0 AND next_at<=? "
    f"ORDER BY next_at LIMIT {LOOKED_AT_MAX}) AS delivery WHERE {_UP}"
)
#: (Whether a delivery's own conversation has one would cost a look at each of the lane's. Not by
#: EXISTS, of which PostgreSQL makes a join that reads all dead letters again and again.)
_NO_DEAD_LETTER = (
    "(SELECT 1 FROM delivery AS dead WHERE dead.state='dead' AND dead.ordered=1 "
    "AND dead.receiver=delivery.receiver AND dead.lane=delivery.lane LIMIT 1) IS NULL"
)
_DUE_ORDERED = (
    "SELECT lane,next_at FROM (SELECT lane,next_at,receiver FROM delivery "
    f"WHERE {ORDERED} ORDER BY receiver,position LIMIT {LOOKED_AT_MAX}) AS delivery "
    f"WHERE next_at<=? AND {_UP} AND {_NO_DEAD_LETTER}"
)
_WORKERS = "SELECT node,epoch,name,since FROM owner WHERE node<? ORDER BY node"

#: By lane: how many are due, and since when the oldest is.
Due = Mapping[int, tuple[int, int]]


class Workers:
    """See `ports.lanes.Nodes`: as many workers as the supervisor keeps, lanes by their numbers, the
    first one the keeper (see `journey.deliver.lanes`).
    """

    def __init__(self, ledger: SqlLedger, workers: int) -> None:
        self._ledger = ledger
        self._workers = workers

    async def look(self, now: int) -> Cluster:
        """Who they are, from the rows by which each owns its number."""
        found: Cluster = await self._ledger.scan(look, self._workers, now)
        return found


def look(connection: Connection, workers: int, now: int) -> Cluster:
    """The workers with these numbers, 0 to `workers`, that have begun."""
    lanes = {lane: lane % workers for lane in range(LANES)}
    nodes = [
        Node(
            number=number,
            epoch=epoch,
            name=name,
            since=since,
            state="supervised",
            is_keeper=number == 0,
        )
        for number, epoch, name, since in connection.execute(_WORKERS, (workers,))
    ]
    return Cluster(with_lanes(nodes, lanes, due_by_lane(connection, now)))


def due_by_lane(connection: Connection, now: int) -> Due:
    """What is due now, to receivers that are up; in order only where its receiver has no dead letter
    in the lane.
    """
    rows = connection.execute(
        f"SELECT lane,COUNT(*),MIN(next_at) FROM ({_DUE} UNION ALL {_DUE_ORDERED}) AS due "
        "GROUP BY lane",
        (now, now),
    )
    return {lane: (count, since) for lane, count, since in rows}


def with_lanes(nodes: Iterable[Node], owners: Mapping[int, int], due: Due) -> list[Node]:
    """The nodes with the lanes that they hold, and what is due in these."""
    held: dict[int, list[int]] = {}
    for lane, node in owners.items():
        held.setdefault(node, []).append(lane)
    return [
        replace(
            node,
            lanes=len(lanes := held.get(node.number, [])),
            due=sum(due[lane][0] for lane in lanes if lane in due),
            due_since=min((due[lane][1] for lane in lanes if lane in due), default=0),
        )
        for node in nodes
    ]

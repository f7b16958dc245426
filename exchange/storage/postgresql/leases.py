"""Leases of lanes on a PostgreSQL server: rows of two tables, changed by the node's own writer.
Nodes commit one after another, so no two can take the same lane.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from exchange.ports.lanes import KEEPER, LANES, Duties, Standing
from exchange.storage.connection import Connection, execute_with, insert
from exchange.storage.ownership import Ownership
from exchange.storage.postgresql.ledger import PostgresLedger

#: What the server's clock says now, not when the transaction began, which may have waited for long.
#: Source: PostgreSQL's documentation, 9.9.5 "Current Date/Time".
NOW = "SELECT (extract(epoch FROM clock_timestamp())*1000)::bigint"
#: How long a lease may be found to run on, in milliseconds: where the server's clock stepped back,
#: a node that has died holds its lanes for no longer.
RUNS_MAX = 60_000
_UNTIL = "SELECT until FROM node_lease WHERE node=? AND epoch=?"
_SHORTEN = "UPDATE node_lease SET until=? WHERE until>?"
_RENEW = (
    "INSERT INTO node_lease(node,epoch,delivers,until) VALUES (?,?,?,?) ON CONFLICT(node) "
    "DO UPDATE SET epoch=excluded.epoch,delivers=excluded.delivers,until=excluded.until"
)
_DELIVERERS = "SELECT COUNT(*) FROM node_lease WHERE delivers=1 AND until>?"
OWNERS = (
    "SELECT lane_lease.lane,lane_lease.node FROM lane_lease JOIN node_lease "
    "ON node_lease.node=lane_lease.node AND node_lease.epoch=lane_lease.epoch "
    "WHERE node_lease.until>?"
)
_GIVE = (
    "DELETE FROM lane_lease USING given WHERE lane_lease.lane=given.lane "
    "AND lane_lease.node=given.node RETURNING lane_lease.lane"
)
_TAKE = "ON CONFLICT(lane) DO UPDATE SET node=excluded.node,epoch=excluded.epoch"


class ServerLeases:
    """See `ports.lanes.Leases`."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger = ledger

    @property
    def node(self) -> int:
        """The node of the ledger's writer."""
        return self._ledger.ownership.node

    async def renew(self, duties: Duties, lasts: int, given: Collection[int]) -> Standing:
        """Renew, give back, take."""
        own = self._ledger.ownership
        standing: Standing = await self._ledger.change(
            partial(renew, own=own, duties=duties, lasts=lasts, given=given)
        )
        return standing

    async def hand_back(self) -> None:
        """Give everything back."""
        await self._ledger.change(partial(_hand_back, own=self._ledger.ownership))


def renew(
    connection: Connection, own: Ownership, duties: Duties, lasts: int, given: Collection[int]
) -> Standing:
    """Renew a node's lease and its lanes, inside the writer's transaction."""
    [(now,)] = connection.execute(NOW).fetchall()
    until = connection.execute(_UNTIL, (own.node, own.epoch)).fetchone()
    ended = until is not None and until[0] <= now
    connection.execute(_SHORTEN, (now + RUNS_MAX, now + RUNS_MAX))
    connection.execute(_RENEW, (own.node, own.epoch, int(duties.delivers), now + lasts))
    execute_with(
        connection, "given", [(lane, own.node) for lane in given], "lane bigint,node bigint", _GIVE
    )
    owners: dict[int, int] = dict(connection.execute(OWNERS, (now,)).fetchall())
    [(deliverers,)] = connection.execute(_DELIVERERS, (now,)).fetchall()
    share = -(-LANES // deliverers) if duties.delivers else 0
    mine = sum(node == own.node for lane, node in owners.items() if lane != KEEPER)
    # Where its own has ended, so may those of all others have: the server was away, or its clock
    # stepped on. They renew theirs before it takes what is left over, with the next renewal.
    free = [] if ended else [lane for lane in range(LANES) if lane not in owners]
    taken = free[: max(0, share - mine)]
    if duties.keeps and KEEPER not in owners and not ended:
        taken.append(KEEPER)
    rows = [(lane, own.node, own.epoch) for lane in taken]
    insert(connection, "lane_lease", "lane,node,epoch", rows, _TAKE)
    owners.update(dict.fromkeys(taken, own.node))
    held = frozenset(lane for lane, node in owners.items() if node == own.node)
    unbroken = until is not None and not ended
    return Standing(own=held, owners=owners, share=share, unbroken=unbroken)


def _hand_back(connection: Connection, own: Ownership) -> None:
    connection.execute(
        "UPDATE node_lease SET until=0 WHERE node=? AND epoch=?", (own.node, own.epoch)
    )

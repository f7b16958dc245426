"""The nodes that share a ledger on a PostgreSQL server: from their rows and leases (see
`postgresql.leases`), the lock by which they take turns to write, and the server's standbys.
"""

from __future__ import annotations

from exchange.journey.deliver.leased import LEASE_SECONDS
from exchange.ports.lanes import KEEPER, LANES, Cluster, Node, Standby
from exchange.storage.connection import Connection
from exchange.storage.ledger import SqlLedger
from exchange.storage.nodes.workers import due_by_lane, with_lanes
from exchange.storage.postgresql.leases import NOW, OWNERS
from exchange.storage.postgresql_server.locks import WRITING

#: How long a node that is gone is told of, in milliseconds. (Its number is soon another's, or was
#: one too many.)
GONE_MILLISECONDS = 24 * 3_600_000
#: Nodes whose lease runs, or ended in that time by itself: one that is handed back ends at 0.
_NODES = (
    "SELECT owner.node,owner.epoch,owner.name,owner.since,node_lease.until FROM owner "
    "JOIN node_lease ON node_lease.node=owner.node AND node_lease.epoch=owner.epoch "
    "WHERE node_lease.until>? ORDER BY owner.node"
)
#: Who waits for the lock of two numbers, of this database. Source: PostgreSQL's documentation,
#: 53.13 "pg_locks".
_TURNS = (
    "SELECT COUNT(*),COALESCE(MAX(extract(epoch FROM clock_timestamp()-waitstart)*1000),0)::bigint "
    "FROM pg_locks JOIN pg_database ON pg_database.oid=pg_locks.database "
    "WHERE locktype='advisory' AND NOT granted AND datname=current_database() "
    "AND classid::bigint=? AND objid::bigint=?&4294967295"
)
#: Whether standbys may be seen, and whether commits wait for one. Source: PostgreSQL's
#: documentation, 27.2.4 "pg_stat_replication"; 19.6.2 "synchronous_standby_names".
_SEEN = (
    "SELECT pg_has_role('pg_read_all_stats','USAGE'),"
    "current_setting('synchronous_standby_names')<>''"
)
_STANDBYS = (
    "SELECT application_name,sync_state,"
    "COALESCE(pg_wal_lsn_diff(pg_current_wal_lsn(),replay_lsn),0)::bigint "
    "FROM pg_stat_replication WHERE state='streaming' OR state='catchup' "
    "ORDER BY application_name,pid"
)


class ServerNodes:
    """See `ports.lanes.Nodes`."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    async def look(self, now: int) -> Cluster:
        """By the server's clock, but for what is due."""
        found: Cluster = await self._ledger.scan(look, now)
        return found


def look(connection: Connection, now: int) -> Cluster:
    """The nodes as the server has them."""
    [(clock,)] = connection.execute(NOW).fetchall()
    owners: dict[int, int] = dict(connection.execute(OWNERS, (clock,)).fetchall())
    keeper = owners.pop(KEEPER, None)
    due = due_by_lane(connection, now)
    nodes = [
        Node(
            number=number,
            epoch=epoch,
            name=name,
            since=since,
            state="live" if until > clock else "gone",
            seen_at=until - round(LEASE_SECONDS * 1000),
            is_keeper=number == keeper,
        )
        for number, epoch, name, since, until in connection.execute(
            _NODES, (clock - GONE_MILLISECONDS,)
        )
    ]
    [(turns, turn)] = connection.execute(_TURNS, WRITING).fetchall()
    standbys, is_missing = _standbys(connection)
    return Cluster(
        nodes=with_lanes(nodes, owners, due),
        lanes_free=LANES - len(owners),
        due_free=sum(count for lane, (count, _) in due.items() if lane not in owners),
        turns_waiting=turns,
        turn_milliseconds=turn,
        standbys=standbys,
        standby_missing=is_missing,
    )


def _standbys(connection: Connection) -> tuple[list[Standby] | None, bool]:
    [(are_seen, are_waited_for)] = connection.execute(_SEEN).fetchall()
    if not are_seen:
        return None, False
    found = [Standby(*row) for row in connection.execute(_STANDBYS)]
    is_missing = are_waited_for and not any(each.mode in ("sync", "quorum") for each in found)
    return found, is_missing

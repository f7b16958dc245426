"""The operators' JSON API over nodes: all that share the ledger, who delivers what, who waits;
and the shape of what it tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from exchange.ports import Clock
from exchange.ports.description import (
    INSTANT,
    INSTANT_OR_NONE,
    NUMBER,
    TEXT,
    members,
    reference,
)
from exchange.ports.lanes import Cluster, Node, Nodes
from exchange.schemas.instants import instant, instant_or_none
from exchange.settings import Role
from exchange.web.operation import Operation

ROLE = {"enum": ["", *Role]}
NODES = members(
    {
        "this": NUMBER,
        "nodes": {
            "type": "array",
            "items": members(
                {
                    "number": NUMBER,
                    "epoch": NUMBER,
                    "name": {"type": "string", "description": "Its machine, process and role"},
                    "role": ROLE,
                    "since": INSTANT,
                    "state": {"enum": ["live", "gone", "supervised"]},
                    "seen_at": INSTANT_OR_NONE,
                    "lanes": NUMBER,
                    "is_keeper": {"type": "boolean"},
                    "due": {"type": "integer", "description": "Deliveries in its lanes, due now"},
                    "due_since": INSTANT_OR_NONE,
                }
            ),
        },
        "lanes_free": {"type": "integer", "description": "Lanes that no node holds"},
        "due_free": {"type": "integer", "description": "Deliveries due in those lanes"},
        "turns_waiting": {"type": "integer", "description": "Nodes that wait to write"},
        "turn_seconds": {"type": "number", "description": "For how long the first has"},
        "standbys": {
            "type": ["array", "null"],
            "items": members({"name": TEXT, "mode": TEXT, "behind_bytes": {"type": "integer"}}),
        },
        "standby_missing": {"type": "boolean", "description": "Commits wait for one"},
    }
)


class NodeOperations:
    """The handlers; `worker` tells this node's number."""

    def __init__(self, nodes: Nodes, clock: Clock, worker: Callable[[], int]) -> None:
        self._nodes = nodes
        self._clock = clock
        self._worker = worker

    def operations(self) -> list[Operation]:
        """Every operation, with what it takes and gives."""
        return [Operation("GET", "/api/v1/nodes", self.nodes, reference("Nodes"))]

    async def nodes(self, request: web.Request) -> web.Response:
        """The nodes that share the ledger, with the one that answers as `this`; lanes that nobody
        holds, turns to write that are waited for, standbys of the server.
        """
        cluster = await self._nodes.look(self._clock.now())
        return web.json_response({"this": self._worker(), **as_dict(cluster)})


def as_dict(cluster: Cluster) -> dict[str, object]:
    """As JSON; times as RFC 3339 writes them, null for none."""
    standbys = cluster.standbys
    return {
        "nodes": [_node(each) for each in cluster.nodes],
        "lanes_free": cluster.lanes_free,
        "due_free": cluster.due_free,
        "turns_waiting": cluster.turns_waiting,
        "turn_seconds": cluster.turn_milliseconds / 1000,
        "standbys": None if standbys is None else [asdict(each) for each in standbys],
        "standby_missing": cluster.standby_missing,
    }


def _node(node: Node) -> dict[str, object]:
    return asdict(node) | {
        "role": node.role,
        "since": instant(node.since),
        "seen_at": instant_or_none(node.seen_at),
        "due_since": instant_or_none(node.due_since),
    }

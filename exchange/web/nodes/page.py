"""The page of the nodes that share the ledger."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from exchange.ports import Clock
from exchange.ports.lanes import Nodes
from exchange.web.pages.layout import page


class NodesPage:
    """The handler; `worker` tells this node's number."""

    def __init__(self, nodes: Nodes, clock: Clock, worker: Callable[[], int]) -> None:
        self._nodes = nodes
        self._clock = clock
        self._worker = worker

    def attach(self, app: web.Application) -> None:
        """Add the route; a viewer may look."""
        app.router.add_get("/nodes", self.show)

    async def show(self, request: web.Request) -> web.Response:
        """All nodes, and what no node has."""
        now = self._clock.now()
        return page(
            request,
            "nodes.html",
            cluster=await self._nodes.look(now),
            this=self._worker(),
            now=now,
        )

"""POST /api/v1/reset: begin again with an empty ledger, for an exchange that tests share; emptying
it is its process's.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from exchange.web.operation import Operation, change, problem_response

OFF = (
    "this exchange is not reset by calls: operators.reset = true in its settings, with one worker "
    "and a ledger in a file"
)


class Reset:
    """The handler. Once `wanted`, the exchange is not ready until it began again."""

    def __init__(self, allowed: bool) -> None:
        self.is_allowed = allowed
        self.wanted = asyncio.Event()

    def operations(self) -> list[Operation]:
        """The operation."""
        return [
            change("/api/v1/reset", self.reset, "Resetting", role="admin", problems=(409,)),
        ]

    async def reset(self, request: web.Request) -> web.Response:
        """Begin again: every message, counter, added partner and operator is gone. The exchange is
        ready again when /health/ready says so.
        """
        if not self.is_allowed:
            return problem_response(409, "Not reset", OFF)
        self.wanted.set()
        return web.json_response({"resetting": True})

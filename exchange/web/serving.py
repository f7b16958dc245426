"""A worker's application on a listening socket, by aiohttp's server, and how it ends; no settings
and no process.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from exchange.settings import Limits
from exchange.web.caller_connection import Connection, beginning
from exchange.web.connection_limits import Connections
from exchange.web.refusals import REFUSALS

#: Connections that wait to be taken.
BACKLOG = 1024


@asynccontextmanager
async def serving(
    app: web.Application, limits: Limits, bound: socket.socket, grace_seconds: float
) -> AsyncIterator[Connections]:
    """Serve until the block ends; then nobody is taken in any more, and calls that are being served
    get the grace to end.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=grace_seconds)
    await runner.setup()
    server, refusals = runner.server, app[REFUSALS]
    assert server is not None, "a runner that is set up has a server"
    try:
        # Around all that aiohttp does with a request, so that nothing is said in its words.
        server.request_handler = refusals.around(server.request_handler)
        server.request_factory = beginning(server.request_factory)
        connections = Connections(limits, refusals.of_no_request)
        listening = await asyncio.get_running_loop().create_server(
            lambda: Connection(connections, server), sock=bound, backlog=BACKLOG
        )
        try:
            yield connections
        finally:
            listening.close()
    finally:
        await runner.cleanup()

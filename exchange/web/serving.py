"""A worker's application on a listening socket: the entrance before it, aiohttp behind it, and how
both end; no settings and no process.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from exchange.settings import Limits
from exchange.web.doors import Doors
from exchange.web.entrance import Entrance

#: Connections that wait to be taken.
BACKLOG = 1024


@asynccontextmanager
async def serving(
    app: web.Application, doors: Doors, limits: Limits, bound: socket.socket, grace_seconds: float
) -> AsyncIterator[Entrance]:
    """Serve until the block ends; then nobody is taken in any more, and calls that are being served
    get the grace to end.
    """
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=grace_seconds, auto_decompress=False
    )
    await runner.setup()
    assert runner.server is not None, "a runner that is set up has a server"
    try:
        entrance = Entrance(doors, runner.server, limits)
        listening = await asyncio.get_running_loop().create_server(
            entrance, sock=bound, backlog=BACKLOG
        )
        try:
            yield entrance
        finally:
            listening.close()
            await entrance.stop(grace_seconds)
    finally:
        await runner.cleanup()

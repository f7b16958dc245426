"""A worker's application on listening sockets, by aiohttp's server, and how it ends; no process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from exchange.settings import Limits, Listener
from exchange.web.caller_connection import Connection, beginning
from exchange.web.connection_limits import Connections
from exchange.web.refusals import REFUSALS
from exchange.web.tls.handshake import SecureListener

#: Connections that wait to be taken.
BACKLOG = 1024
#: How long whoever was taken in as we end has time to call.
HEARD_SECONDS = 0.5


@asynccontextmanager
async def serving(
    app: web.Application,
    limits: Limits,
    bound: socket.socket,
    grace_seconds: float,
    secure: Sequence[tuple[Listener, socket.socket]] = (),
) -> AsyncIterator[Connections]:
    """Serve until the block ends, plainly on `bound` and with TLS on the sockets of `secure`; then
    nobody is taken in any more, and calls that are being served get the grace to end.

    Raises:
        SettingsError: when a listener's certificate, key or trusted clients can't be used.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=grace_seconds)
    await runner.setup()
    server, refusals = runner.server, app[REFUSALS]
    assert server is not None, "a runner that is set up has a server"
    loop = asyncio.get_running_loop()
    listening: list[asyncio.Server] = []
    listeners: list[SecureListener] = []
    connections: Connections | None = None
    try:
        # Around all that aiohttp does with a request, so that nothing is said in its words.
        server.request_handler = refusals.around(server.request_handler)
        server.request_factory = beginning(server.request_factory)
        connections = Connections(limits, refusals.of_no_request)

        def make() -> Connection:
            return Connection(connections, server)

        for listener, _ in secure:
            listeners.append(SecureListener(listener, connections, make, refusals.of_handshake))
        listening.append(await loop.create_server(make, sock=bound, backlog=BACKLOG))
        for each, (_, its) in zip(listeners, secure, strict=True):
            each.start(its, BACKLOG)
        yield connections
    finally:
        for one in listening:
            one.close()
        for each in listeners:
            await each.close()
        if connections is not None:
            await connections.heard(HEARD_SECONDS)
        await runner.cleanup()

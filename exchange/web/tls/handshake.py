"""Connections from the moment they are taken to the end of their TLS handshakes: counted and timed
like any other, then served by `Connection`; what is refused here never was a call.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from exchange.settings import Listener
from exchange.web.caller_connection import Connection
from exchange.web.connection_limits import Connections
from exchange.web.tls.context import ServerContext

log = structlog.get_logger(__name__)

#: How long a client may take to say that it closes, in seconds.
SHUTDOWN_SECONDS = 2.0
#: After so long it is tried again to take connections, where the process may open no more files.
PAUSE_SECONDS = 1.0


class SecureListener:
    """Takes the connections of one listener. `make` gives the connection that serves, `refused` is
    told of each handshake that failed.
    """

    def __init__(
        self,
        listener: Listener,
        connections: Connections,
        make: Callable[[], Connection],
        refused: Callable[[], None],
    ) -> None:
        self._listener = listener
        self._connections = connections
        self._make = make
        self._refused = refused
        self._context = ServerContext(listener)
        self._tasks: set[asyncio.Task[None]] = set()
        self._bound: socket.socket | None = None

    def start(self, bound: socket.socket, backlog: int) -> None:
        """Begin to take connections on a socket."""
        self._bound = bound
        bound.setblocking(False)
        bound.listen(backlog)
        self._do(self._take_all(bound))

    async def close(self) -> None:
        """Take no more, and end every handshake that is going on."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._bound is not None:
            self._bound.close()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        task = self._connections.loop.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_all(self, bound: socket.socket) -> None:
        while True:
            try:
                taken, address = await self._connections.loop.sock_accept(bound)
            except ConnectionError:
                continue  # it was gone before it was taken
            except OSError as error:
                log.warning("no connection taken", why=error.strerror)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            connection = self._make()
            # One too many is closed at once, before anything is computed for it.
            if self._connections.admit(connection, address[0]):
                self._do(self._shake(taken, connection, address[0]))
            else:
                taken.close()

    async def _shake(self, taken: socket.socket, connection: Connection, address: str) -> None:
        """Make the handshake; `connection` serves from its end on."""
        connection.listener = self._listener
        connections = self._connections
        try:
            await connections.loop.connect_accepted_socket(
                lambda: connection,
                taken,
                ssl=self._context.current(),
                ssl_handshake_timeout=connections.limits.read_seconds,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except (
            OSError
        ) as error:  # ssl's errors, a connection that was lost, and a time that is over
            connections.leave(connection, address)
            self._refused()
            log.warning("TLS handshake refused", why=_why(error))
        except asyncio.CancelledError:
            connections.leave(connection, address)
            raise


def _why(error: OSError) -> str:
    """Why a handshake failed, in OpenSSL's words, which repeat nothing that the client sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or type(error).__name__
    return type(error).__name__

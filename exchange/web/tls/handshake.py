"""A connection from its first byte to the end of its TLS handshake: counted and timed like any other,
then given to `Connection`; what is refused here never was a call.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

import structlog

from exchange.settings import Listener
from exchange.web.connection import Connection
from exchange.web.connections import Connections
from exchange.web.tls.client_certificate import client_certificate
from exchange.web.tls.context import ServerContext

log = structlog.get_logger(__name__)

#: How long a client may take to say that it closes, in seconds.
SHUTDOWN_SECONDS = 2.0


class SecureListener:
    """What the connections of one listener have in common. `make` gives the connection that takes
    over, `refused` is told of each handshake that failed.
    """

    def __init__(
        self,
        listener: Listener,
        connections: Connections,
        make: Callable[[], Connection],
        refused: Callable[[], None],
    ) -> None:
        self.listener = listener
        self.connections = connections
        self.make = make
        self.refused = refused
        self.context = ServerContext(listener)
        self.open: set[Handshake] = set()

    def begin(self) -> Handshake:
        """The protocol of a connection that was taken."""
        return Handshake(self)

    def close(self) -> None:
        """End every handshake that is going on."""
        for each in list(self.open):
            each.end()


class Handshake(asyncio.Protocol):
    """One handshake. asyncio's `start_tls` makes it; what comes right behind it, before the
    connection has taken over, is kept for the connection.
    """

    def __init__(self, secure: SecureListener) -> None:
        self._secure = secure
        self._address = ""
        self._plain: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._early: list[bytes] = []
        self._ended = self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open; one too many is closed at once, before anything is computed for it."""
        plain = cast(asyncio.Transport, transport)
        self._address = str((plain.get_extra_info("peername") or ("",))[0])
        if not self._secure.connections.admit(self, self._address):
            plain.abort()
            return
        self._plain = plain
        # What the client says is for `start_tls`, which begins in the loop's next turn.
        plain.pause_reading()
        self._secure.open.add(self)
        self._task = self._secure.connections.loop.create_task(self._run(plain))

    def data_received(self, data: bytes) -> None:
        """The first bytes of a request came with the end of the handshake."""
        self._early.append(data)

    def eof_received(self) -> bool:
        """The client sends nothing more."""
        self._ended = True
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client went at the end of the handshake."""
        self._lost = True

    def end(self) -> None:
        """Close the connection, whatever it is at."""
        if self._plain is not None:
            self._plain.abort()

    async def _run(self, plain: asyncio.Transport) -> None:
        secured = None
        try:
            secured = await self._shake(plain)
        finally:
            self._secure.open.discard(self)
            self._secure.connections.leave(self, self._address)
            if secured is None:
                plain.abort()
        if secured is not None and not self._lost:
            self._hand_over(secured)

    async def _shake(self, plain: asyncio.Transport) -> asyncio.Transport | None:
        connections = self._secure.connections
        try:
            return await connections.loop.start_tls(
                plain,
                self,
                self._secure.context.current(),
                server_side=True,
                ssl_handshake_timeout=connections.limits.read_seconds,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except (
            OSError
        ) as error:  # ssl's errors, a connection that was lost, and a time that is over
            self._secure.refused()
            log.warning("TLS handshake refused", why=_why(error))
            return None

    def _hand_over(self, secured: asyncio.Transport) -> None:
        connection = self._secure.make()
        connection.listener = self._secure.listener
        connection.certificate = client_certificate(secured.get_extra_info("ssl_object"))
        secured.set_protocol(connection)
        connection.connection_made(secured)
        for data in self._early:
            connection.data_received(data)
        if self._ended and not connection.eof_received():
            secured.close()


def _why(error: OSError) -> str:
    """Why a handshake failed, in OpenSSL's words, which repeat nothing that the client sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or type(error).__name__
    return type(error).__name__

"""A caller's connection: aiohttp's request handler held to the limits, by the byte and the
clock. HTTP itself is aiohttp's.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from exchange.schemas.call import Reply, problem
from exchange.settings import Limits

log = structlog.get_logger(__name__)

#: File descriptors left for the ledger, for partners and for what the process itself holds.
DESCRIPTORS_KEPT = 48
#: A header may be this many times as long as a head before aiohttp refuses it in no channel's
#: form; what is too long but shorter is refused in the channel's form.
FIELD_FACTOR = 2
HEADERS_MAX = 128
#: How long what is left of a refused body is read and dropped, so that its sender sees the reply.
LINGER_SECONDS = 5.0
#: How long a handler may take to answer after the deadline of its request.
LATE_SECONDS = 1.0


class RequestLate(Exception):
    """The request was not whole within `limits.read_seconds` of its first byte."""


class NoRoom(Exception):
    """So many bytes of requests are held already that this one is not read on."""


class Connections:
    """Every open connection of a worker, and the bytes of requests that they hold.

    Calling it makes the protocol of a new connection, for `create_server`.
    """

    def __init__(self, server: web.Server, limits: Limits) -> None:
        self.server = server
        self.limits = limits
        self.open: set[Connection] = set()
        self.unknown_bytes = 0
        self.held_bytes = 0
        self.most = min(limits.connections_max, _descriptors())
        self._of_address: dict[str, int] = {}
        self._loop = asyncio.get_running_loop()

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return Connection(self, self._loop, self.server)

    def admit(self, connection: Connection, address: str) -> bool:
        """Whether there is room for one more connection, in all and of its address."""
        of_address = self._of_address.get(address, 0)
        if len(self.open) >= self.most or of_address >= self.limits.connections_address_max:
            log.warning("connection refused", open=len(self.open), of_address=of_address)
            return False
        self.open.add(connection)
        self._of_address[address] = of_address + 1
        return True

    def leave(self, connection: Connection, address: str) -> None:
        """The connection is closed."""
        if connection in self.open:
            self.open.remove(connection)
            left = self._of_address[address] - 1
            if left:
                self._of_address[address] = left
            else:
                del self._of_address[address]


class Connection(RequestHandler):
    """One connection. aiohttp parses, queues, keeps and closes; this one counts and times."""

    __slots__ = (
        "_address",
        "_arriving",
        "_connections",
        "_held",
        "_known",
        "_late_timer",
        "_look_timer",
        "_on_lost",
        "_refused",
        "_socket",
        "_write_timer",
    )

    def __init__(
        self, connections: Connections, loop: asyncio.AbstractEventLoop, server: web.Server
    ) -> None:
        limits = connections.limits
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=limits.idle_seconds,
            access_log=None,  # type: ignore[arg-type]  # aiohttp takes None for: no access log
            max_line_size=FIELD_FACTOR * limits.head_bytes_max,
            max_field_size=FIELD_FACTOR * limits.head_bytes_max,
            max_headers=HEADERS_MAX,
            lingering_time=min(LINGER_SECONDS, limits.read_seconds),
            auto_decompress=False,
        )
        self._connections = connections
        self._socket: asyncio.Transport | None = None
        self._address = ""
        #: The body that is coming, until its last byte.
        self._arriving: StreamReader | None = None
        self._held = 0
        self._known = False
        self._refused = False
        #: What the call that is being served wants to be told when its caller is gone.
        self._on_lost: Callable[[], object] | None = None
        self._late_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._look_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open; one too many is closed at once."""
        self._socket = cast(asyncio.Transport, transport)
        self._address = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._connections.admit(self, self._address):
            self._refused = True
            self._socket.abort()
            return
        self._look_timer = self._loop.call_later(self._connections.limits.idle_seconds, self._look)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is closed, and what it held is free."""
        for timer in (self._late_timer, self._write_timer, self._look_timer):
            if timer is not None:
                timer.cancel()
        self._release()
        self._connections.leave(self, self._address)
        self._socket = None
        if self._on_lost is not None:
            self._on_lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes and time the request; aiohttp does the rest."""
        if self._refused:
            return
        if data and not self._take(len(data)):
            self._give_up(NoRoom(), 503)
            return
        before, arriving = self._request_count, self._arriving
        super().data_received(data)
        came = self._request_count - before
        if came and arriving is not None and isinstance(self._messages[-1][0], _ErrInfo):
            # aiohttp forgets the body whose chunks are wrong: who reads it would wait for ever.
            arriving.set_exception(web.RequestPayloadError("the chunks are wrong"))
        if came:
            payload = self._messages[-1][1]
            self._arriving = None if payload.is_eof() else payload
            if self._arriving is None or arriving is not None or came > 1:
                # A request begins with these bytes: its time is its own.
                self._cancel_late()
        elif arriving is not None and arriving.is_eof():
            self._arriving = None
            self._cancel_late()
            return
        if data and self._late_timer is None and (self._arriving is not None or not came):
            self._late_timer = self._loop.call_later(
                self._connections.limits.read_seconds, self._late
            )

    def pause_writing(self) -> None:
        """The caller does not read its reply."""
        super().pause_writing()
        self._write_timer = self._loop.call_later(
            self._connections.limits.idle_seconds, self._abort
        )

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    @contextmanager
    def when_lost(self, tell: Callable[[], object]) -> Iterator[None]:
        """Have `tell` called when the connection is lost before the block ends."""
        if self._socket is None:
            tell()
        self._on_lost = tell
        try:
            yield
        finally:
            self._on_lost = None

    def known(self) -> None:
        """The sender of the present request is known: its bytes count as a partner's."""
        if not self._known:
            self._known = True
            self._connections.unknown_bytes -= self._held

    def answered(self) -> None:
        """The present request has its reply; what it held is free unless another one is here."""
        if not self._messages and self._arriving is None:
            self._release()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What no handler answered: a request that is none. No byte of it is repeated, neither in
        the reply nor in the log.
        """
        reply = _no_request(status, exc, self._connections.limits)
        if not isinstance(exc, ConnectionError):
            log.warning("request refused", status=reply.status, why=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the reply is sent already")
        headers = {**reply.headers, "Content-Type": reply.content_type}
        answered = web.Response(status=reply.status, body=reply.body, headers=headers)
        answered.force_close()
        return answered

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """aiohttp logs requests with their errors; only the kind of the error is logged here."""
        error = kw.get("exc_info")
        if not isinstance(error, (RequestLate, NoRoom, web.RequestPayloadError)):
            log.error("connection failed", error=type(error).__name__)

    def _take(self, size: int) -> bool:
        """Count bytes as they come; whether there is room for them."""
        connections, limits = self._connections, self._connections.limits
        if connections.held_bytes + size > limits.held_bytes_max or (
            not self._known and connections.unknown_bytes + size > limits.unknown_bytes_max
        ):
            return False
        self._held += size
        connections.held_bytes += size
        if not self._known:
            connections.unknown_bytes += size
        return True

    def _release(self) -> None:
        self._connections.held_bytes -= self._held
        if not self._known:
            self._connections.unknown_bytes -= self._held
        self._held, self._known = 0, False

    def _cancel_late(self) -> None:
        if self._late_timer is not None:
            self._late_timer.cancel()
            self._late_timer = None

    def _late(self) -> None:
        """The request's time is over."""
        self._late_timer = None
        if self._messages or (self._arriving is None and self._request_in_progress):
            # An earlier request of this connection is being served: this one waits for us.
            self._late_timer = self._loop.call_later(
                self._connections.limits.read_seconds, self._late
            )
        else:
            self._give_up(RequestLate(), 408)

    def _give_up(self, why: Exception, status: int) -> None:
        """Read no more: who reads the body is told why, and half a head is answered."""
        self._refused = True
        if self._arriving is not None:
            self._arriving.set_exception(why)
        elif not self._request_in_progress and self._waiter and not self._waiter.done():
            self._messages.append((_ErrInfo(status=status, exc=why, message=""), EMPTY_PAYLOAD))
            self._waiter.set_result(None)
        self._late_timer = self._loop.call_later(LATE_SECONDS, self._abort)

    def _abort(self) -> None:
        if self._socket is not None:
            self._socket.abort()

    def _look(self) -> None:
        """A connection that was closed with bytes that nobody fetches is not kept for them."""
        if self._socket is not None:
            if self._socket.is_closing():
                self._socket.abort()
            self._look_timer = self._loop.call_later(
                self._connections.limits.idle_seconds, self._look
            )


def sender_known(request: web.Request) -> None:
    """Count the request's bytes as a partner's."""
    if isinstance(request.protocol, Connection):
        request.protocol.known()


def when_lost(request: web.Request, tell: Callable[[], object]) -> AbstractContextManager[None]:
    """Have `tell` called when the request's caller goes before the block ends."""
    if isinstance(request.protocol, Connection):
        return request.protocol.when_lost(tell)
    return nullcontext()


def head_bytes(request: web.Request) -> int:
    """The size of the request's head, in bytes."""
    message: RawRequestMessage = request._message
    return len(message.path) + sum(
        len(name) + len(value) + 4 for name, value in message.raw_headers
    )


def is_text(request: web.Request) -> bool:
    """Whether the request's headers are text (its target is ASCII, or aiohttp refuses it).
    What is not in UTF-8 is no character that could be stored, shown or sent on: aiohttp
    makes half surrogates of it.
    """
    message: RawRequestMessage = request._message
    return all(value.isascii() or _is_utf8(value) for _, value in message.raw_headers)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _no_request(status: int, error: BaseException | None, limits: Limits) -> Reply:
    if isinstance(error, RequestLate):
        return problem(408, "Request timeout", "the head of the request did not arrive in time")
    if isinstance(error, NoRoom):
        return problem(503, "Busy", "the exchange holds too many requests", retry_after_seconds=1)
    if isinstance(error, LineTooLong) or "Too many headers" in str(error):
        return problem(
            431,
            "Request head too large",
            f"a head of at most {limits.head_bytes_max} bytes and {HEADERS_MAX} headers is taken",
        )
    if status == 400:
        return problem(400, "Not an HTTP request", "what came is no HTTP/1.1 request (RFC 9112)")
    return problem(500, "Internal error", "the exchange failed to serve this request")


def _descriptors() -> int:
    """How many connections the process may have open: as many as it may open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if files == resource.RLIM_INFINITY else max(files - DESCRIPTORS_KEPT, 8)

"""A caller's connection: aiohttp's request handler held to the limits, by the byte and the
clock. HTTP itself is aiohttp's.

Of aiohttp's insides some are read. `RequestHandler._request_count`, how many requests have come,
tells what waits to be served, and that the chunks of a body were wrong, which aiohttp tells nobody
who reads the body. `RequestHandler._messages`, those that no handler has yet, tells that the newest
is an error: aiohttp would parse, and keep, all that comes after it. What came behind a trailer is
taken out of the count. `_buffer_paused` tells that the parser may hold bytes that it has not read,
since so many requests wait; `_upgraded`, that another protocol is asked for. (The tests of
connections fail when they are otherwise.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from exchange.settings import Listener
from exchange.web.client_certificate import ClientCertificate, client_certificate
from exchange.web.connection_limits import Connections, Held, NoRoom, RequestLate

log = structlog.get_logger(__name__)

#: A header may be this many times as long as a head, and there may be so many times as many, before
#: aiohttp refuses them in no channel's form; what is too much but less is refused in the channel's.
FIELD_FACTOR = 2
#: How long what is left of a refused body is read and dropped, so that its sender sees the reply.
LINGER_SECONDS = 5.0
#: How long a handler may take to answer after the deadline of its request, or a call may go on
#: waiting whose caller has ended its side.
LATE_SECONDS = 1.0
#: So much of a request is kept that the reply has the form of its address, if it turns out to be
#: none.
FIRST_BYTES = 64
#: How a body in chunks ends when no trailer follows it.
LAST_CHUNK = b"\r\n0\r\n\r\n"
#: What no head of a request can hold: aiohttp's parser refuses it, wherever in the head it stands.
NO_HEAD = b"\0"


class Connection(web.RequestHandler):
    """One connection. aiohttp parses, queues, keeps and closes; this one counts and times."""

    __slots__ = (
        "_address",
        "_began",
        "_broken",
        "_chunks",
        "_connections",
        "_ended",
        "_ending",
        "_finished",
        "_first",
        "_gave_up",
        "_held",
        "_is_coming",
        "_is_last",
        "_late_timer",
        "_look_timer",
        "_on_lost",
        "_payload",
        "_socket",
        "_write_timer",
        "certificate",
        "listener",
    )

    def __init__(self, connections: Connections, server: web.Server) -> None:
        limits = connections.limits
        super().__init__(
            server,
            loop=connections.loop,
            keepalive_timeout=limits.idle_seconds,
            access_log=None,  # type: ignore[arg-type]  # aiohttp takes None for: no access log
            max_line_size=FIELD_FACTOR * limits.head_bytes_max,
            max_field_size=FIELD_FACTOR * limits.head_bytes_max,
            max_headers=FIELD_FACTOR * limits.headers_max,
            lingering_time=min(LINGER_SECONDS, limits.read_seconds),
            auto_decompress=False,
        )
        self._connections = connections
        #: Set before the handshake; None: a plain connection.
        self.listener: Listener | None = None
        self.certificate: ClientCertificate | None = None
        self._socket: asyncio.Transport | None = None
        self._address = ""
        #: Requests that were given to a handler, and those whose reply is written.
        self._began = self._finished = 0
        #: The body of the request that was begun last, and whether it was not whole by then.
        self._payload: StreamReader = EMPTY_PAYLOAD
        self._is_coming = False
        #: How the request began that came when nothing else did.
        self._first = b""
        #: Why nothing more is read.
        self._gave_up: Exception | None = None
        #: What came is no HTTP: nothing after it is looked at.
        self._broken = False
        #: The body of the newest request while it comes in chunks, the last bytes that came, and
        #: whether nothing more is read since a trailer was among them.
        self._chunks: StreamReader | None = None
        self._ending = b""
        self._is_last = False
        #: The caller sends nothing more, and may still read.
        self._ended = False
        self._held = Held(connections)
        #: What the call that is being served wants to be told when its caller is gone.
        self._on_lost: Callable[[], object] | None = None
        self._late_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._look_timer: asyncio.TimerHandle | None = None

    @property
    def queued(self) -> int:
        """Requests whose heads have come and that no handler has yet."""
        return self._request_count - self._began

    @property
    def silent(self) -> bool:
        """Whether no request has come on it."""
        return not self._request_count

    @property
    def idle(self) -> bool:
        """Whether no request is being served, or waits to be."""
        return self._began == self._finished and not self.queued

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open; one too many is closed at once."""
        self._socket = cast(asyncio.Transport, transport)
        self._address = str((transport.get_extra_info("peername") or ("",))[0])
        if self.listener is not None:
            # It was admitted before its handshake.
            self.certificate = client_certificate(transport.get_extra_info("ssl_object"))
        elif not self._connections.admit(self, self._address):
            self._gave_up = NoRoom()
            self._socket.abort()
            return
        self._look_timer = self._after(self._connections.limits.idle_seconds, self._look)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is closed, and what it held is free."""
        for timer in (self._late_timer, self._write_timer, self._look_timer):
            if timer is not None:
                timer.cancel()
        self._held.release()
        self._connections.leave(self, self._address)
        self._socket = None
        self._tell_lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes and time the request; aiohttp does the rest."""
        self._connections.garbage.saw(len(data))
        if self._gave_up is not None or self._broken or self._is_last:
            return
        if data and self._late_timer is None and self.idle:
            self._first = data[:FIRST_BYTES]
        if data and not self._held.take(len(data)):
            self._give_up(NoRoom())
            return
        self._ending = (self._ending + data[-len(LAST_CHUNK) :])[-len(LAST_CHUNK) :]
        before = self._request_count
        try:
            super().data_received(data)
            if self._is_coming and self._payload.is_eof():
                self._tell_taken()
        except MemoryError:
            self._give_up(NoRoom())
            return
        self._part_trailers(self._request_count - before)
        if self._upgraded:
            # (What came behind would pass by all that is looked at here.)
            self._message_tail, self._is_last = b"", True
        if self._request_count > before:
            self._look_for_error()
        if self._request_count > before and not self._payload.is_eof():
            # No request comes before the body of the one before has ended: this is an error in it.
            self._break_off("the chunks are wrong")
        elif data and self.idle and self._late_timer is None:
            self._time()

    def _tell_taken(self) -> None:
        """aiohttp tells its parser that a request was taken when its handler begins. One that was
        not whole by then counts as waiting once it is: the parser would hold back what is sent
        ahead one request too early, which nobody would notice.
        """
        self._is_coming = False
        assert self._parser is not None, "the connection is open"
        self._parser.message_consumed()
        super().data_received(b"")

    def _look_for_error(self) -> None:
        """Whether the newest message is what aiohttp's parser could not read."""
        newest = self._messages[-1][0]
        if not isinstance(newest, RawRequestMessage):
            self._broken = True
            # Its traceback holds the bytes, and itself: nobody would free them soon.
            newest.exc.__traceback__ = None

    def _part_trailers(self, came: int) -> None:
        """aiohttp's parser tells the last trailer of a request as the first header of the next one,
        a key say: what comes behind a trailer is not looked at, and the connection ends with the
        reply. `came` is how many messages just came.
        """
        for place in range(len(self._messages) - came, len(self._messages)):
            message, payload = self._messages[place]
            if self._chunks is not None and self._chunks.is_eof():
                # Those do not count: the connection ends before they are begun.
                self._request_count -= len(self._messages) - place
                break
            is_chunked = isinstance(message, RawRequestMessage) and message.chunked
            self._chunks = payload if is_chunked else None
        else:
            if self._chunks is None or not self._chunks.is_eof():
                return
            self._chunks = None
            if self._ending == LAST_CHUNK and not self._buffer_paused:
                return
        self._is_last = True
        if self.idle:
            self.close()

    def begin(self, payload: StreamReader) -> None:
        """aiohttp begins with the next request; its body is coming, or has come."""
        self._began += 1
        self._payload, self._is_coming = payload, not payload.is_eof()
        if payload.is_eof():
            self._cancel_late()
        elif self._gave_up is not None:
            payload.set_exception(self._gave_up)
        elif self._ended or self.queued:
            self._break_off("the body is not whole")
        else:
            if self._late_timer is None:
                self._time()
            payload.on_eof(self._cancel_late)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the reply to the present request; what it held is free unless another one is
        here.
        """
        if (self._ended or self._is_last) and not self.queued:
            resp.force_close()
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._finished += 1
            if not self.queued and self._payload.is_eof():
                self._held.release()

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """The caller sends nothing more; what it asked for is answered all the same."""
        if self.idle:
            return False
        self._ended = True
        if not self.queued and not self._payload.is_eof():
            self._break_off("the body is not whole")
        if self._on_lost is not None:
            # It is gone, or waits for its reply: nobody can tell which.
            self._after(LATE_SECONDS, self._tell_lost)
        return True

    def pause_writing(self) -> None:
        """The caller does not read its reply."""
        super().pause_writing()
        self._write_timer = self._after(self._connections.limits.idle_seconds, self._abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    @contextmanager
    def when_lost(self, tell: Callable[[], object]) -> Iterator[None]:
        """Have `tell` called when the connection is lost before the block ends, and soon after its
        caller ended its side.
        """
        self._on_lost = tell
        if self._socket is None:
            self._tell_lost()
        elif self._ended:
            self._after(LATE_SECONDS, self._tell_lost)
        try:
            yield
        finally:
            self._on_lost = None

    def known(self) -> None:
        """The sender of the present request is known: its bytes count as a partner's."""
        self._held.make_known()

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
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the reply is sent already")
        why = self._gave_up or exc
        reply = self._connections.no_request(status, why, self._first)
        if not isinstance(why, ConnectionError):
            log.warning("request refused", status=reply.status, why=type(why).__name__)
        headers = {**reply.headers, "Content-Type": reply.content_type}
        answered = web.Response(status=reply.status, body=reply.body, headers=headers)
        answered.force_close()
        return answered

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """aiohttp logs requests with their errors; only the kind of the error is logged here."""
        error = kw.get("exc_info")
        if not isinstance(error, (RequestLate, NoRoom, web.RequestPayloadError)):
            log.error("connection failed", error=type(error).__name__)

    def _after(self, seconds: float, what: Callable[[], object]) -> asyncio.TimerHandle:
        return self._connections.loop.call_later(seconds, what)

    def _time(self) -> None:
        """A request begins: so long may it take until it is whole. (The head of one that came while
        another was being served is timed from its next byte, or ends when idle.)
        """
        self._late_timer = self._after(
            self._connections.limits.read_seconds, lambda: self._give_up(RequestLate())
        )

    def _cancel_late(self) -> None:
        if self._late_timer is not None and self._gave_up is None:
            self._late_timer.cancel()
            self._late_timer = None

    def _break_off(self, why: str) -> None:
        """Tell whoever reads the body that no more of it comes."""
        self._payload.set_exception(web.RequestPayloadError(why))

    def _give_up(self, why: Exception) -> None:
        """Read no more: who reads the body is told why, and half a head is answered."""
        if not self._payload.is_eof():
            self._payload.set_exception(why)
        elif self.idle:
            super().data_received(NO_HEAD)
        self._gave_up = why
        self._late_timer = self._after(LATE_SECONDS, self._abort)

    def _tell_lost(self) -> None:
        if self._on_lost is not None:
            self._on_lost()

    def _abort(self) -> None:
        if self._socket is not None:
            self._socket.abort()

    def _look(self) -> None:
        """A connection that was closed with bytes that nobody fetches is not kept for them."""
        if self._socket is not None:
            if self._socket.is_closing():
                self._socket.abort()
            self._look_timer = self._after(self._connections.limits.idle_seconds, self._look)


def beginning(make: Callable[..., web.BaseRequest]) -> Callable[..., web.BaseRequest]:
    """A server's factory of requests that tells each request's connection that it begins."""

    def begin(
        message: Any, payload: StreamReader, protocol: Connection, *rest: Any
    ) -> web.BaseRequest:
        protocol.begin(payload)
        return make(message, payload, protocol, *rest)

    return begin


def sender_known(request: web.Request) -> None:
    """Count the request's bytes as a partner's."""
    if isinstance(request.protocol, Connection):
        request.protocol.known()


def when_lost(request: web.Request, tell: Callable[[], object]) -> AbstractContextManager[None]:
    """Have `tell` called when the request's caller goes before the block ends."""
    if isinstance(request.protocol, Connection):
        return request.protocol.when_lost(tell)
    return nullcontext()

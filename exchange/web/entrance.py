"""The entrance of a worker: plain calls at a door are served straight from the socket, everything
else is handed to aiohttp.

aiohttp's machinery around a request costs five times what is done here (measured: 33 of 46
microseconds), and most calls need none of it. A connection begins here; at the first request that
is not plain (`plain`), or not to a door, it is given to aiohttp with the bytes that came, and stays
there. So there is one HTTP server that knows everything, and a short way past it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import cast

import structlog

from exchange.schemas.call import Call, Reply
from exchange.settings import Limits
from exchange.web.doors import Doors, Entry
from exchange.web.plain import Head, read_head, reply_bytes

log = structlog.get_logger(__name__)

#: A longer head is aiohttp's (8,190 is its own limit of a line), as is a larger body than the
#: settings say: it reads one only when its sender is known and there is room.
HEAD_BYTES_MAX = 8_190
#: Bytes of further requests that one may send while one is served.
AHEAD_BYTES_MAX = 65_536

NO_PARAMETERS: Mapping[str, str] = {}


class Entrance:
    """Makes the protocol of each new connection; ends them all."""

    def __init__(
        self, doors: Doors, handed: Callable[[], asyncio.Protocol], limits: Limits
    ) -> None:
        self.doors = doors
        self.entries = doors.entries()
        self.handed = handed
        self.read_seconds = limits.read_seconds
        self.idle_seconds = limits.idle_seconds
        self.body_bytes_max = min(limits.plain_body_bytes_max, limits.body_bytes_max)
        self.connections: set[Connection] = set()
        #: Calls that are being served, also those whose connection is gone.
        self.tasks: set[asyncio.Task[None]] = set()
        self.closing = False
        self._date = b""
        self._second = 0

    def __call__(self) -> asyncio.Protocol:
        """A protocol for a new connection."""
        return Connection(self)

    def date(self) -> bytes:
        """The line of the header Date."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._date = f"Date: {formatdate(second, usegmt=True)}\r\n".encode("ascii")
        return self._date

    async def stop(self, grace_seconds: float) -> None:
        """Let the calls that are being served end, within the grace; close every connection. Nobody
        listens any more.
        """
        self.closing = True
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=grace_seconds)
        for connection in list(self.connections):
            connection.abandon()


class Connection(asyncio.Protocol):
    """One connection: a request, its reply, the next request."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None
        self._active_at = self._loop.time()
        #: The request that is coming: its parts, how many bytes are missing, its head.
        self._parts: list[bytes] = []
        self._missing = 0
        self._head: tuple[Head, Entry, int] | None = None
        self._ahead = b""
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._entrance.connections.add(self)
        self._idle = self._loop.call_later(self._entrance.idle_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed. A call that is being served goes on: its message may be committed
        already.
        """
        self._leave()
        self._transport = None

    def _leave(self) -> None:
        self._entrance.connections.discard(self)
        for timer in (self._idle, self._late):
            if timer is not None:
                timer.cancel()
        self._idle = self._late = None

    def _look(self) -> None:
        """Close it when nothing came for long."""
        left = self._active_at + self._entrance.idle_seconds - self._loop.time()
        if left <= 0 and self.task is None:
            self.abandon()
        else:
            self._idle = self._loop.call_later(max(left, 1.0), self._look)

    def abandon(self) -> None:
        """Close it, whatever was to come."""
        if self._transport is not None:
            self._transport.close()

    def pause_writing(self) -> None:
        """The other side does not read its replies: take no more from it."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Take what came: a request, a part of one, or what follows one."""
        self._active_at = self._loop.time()
        if self.task is not None:
            self._ahead += data
            if len(self._ahead) > AHEAD_BYTES_MAX and self._transport is not None:
                self._transport.pause_reading()
        elif self._head is None:
            self._begin(data)
        else:
            self._parts.append(data)
            self._missing -= len(data)
            if self._missing <= 0:
                self._serve(b"".join(self._parts))

    def _begin(self, data: bytes) -> None:
        end = data.find(b"\r\n\r\n", 0, HEAD_BYTES_MAX) + 4
        head = read_head(data[:end]) if end > 3 else None
        entry = self._entrance.entries.get((head.method, head.path)) if head is not None else None
        if head is None or entry is None or head.body_bytes > self._entrance.body_bytes_max:
            self._hand_over(data)
            return
        self._head = head, entry, end
        self._missing = end + head.body_bytes - len(data)
        if self._missing <= 0:
            self._serve(data)
        else:
            self._parts.append(data)
            self._late = self._loop.call_later(self._entrance.read_seconds, self._give_up)

    def _hand_over(self, data: bytes) -> None:
        """From here on the connection is aiohttp's."""
        transport = self._transport
        self._leave()
        if transport is None or transport.is_closing():
            return
        handler = self._entrance.handed()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(data)

    def _give_up(self) -> None:
        """The body did not arrive in time."""
        if self._head is not None and self._transport is not None:
            self._transport.write(
                reply_bytes(
                    self._entrance.doors.late(self._head[1]), self._entrance.date(), closes=True
                )
            )
            self._transport.close()

    def _serve(self, whole: bytes) -> None:
        assert self._head is not None, "a request begins with its head"
        head, entry, start = self._head
        end = start + head.body_bytes
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self._head, self._parts, self._ahead = None, [], whole[end:]
        call = Call(
            head.method, head.path, head.headers, whole[start:end], NO_PARAMETERS, NO_PARAMETERS
        )
        self.task = task = self._loop.create_task(self._answer(entry, call))
        tasks = self._entrance.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _answer(self, entry: Entry, call: Call) -> None:
        entrance = self._entrance
        reply = await entrance.doors.serve(entry, call)
        transport = self._transport
        self.task = None
        if transport is None or transport.is_closing():
            return
        closes = entrance.closing
        transport.write(self._as_bytes(reply, closes))
        if closes:
            transport.close()
        elif self._ahead:
            ahead, self._ahead = self._ahead, b""
            transport.resume_reading()
            self._begin(ahead)

    def _as_bytes(self, reply: Reply, closes: bool) -> bytes:
        try:
            return reply_bytes(reply, self._entrance.date(), closes)
        except ValueError:  # a bug of a channel; its partner gets an answer all the same
            log.exception("reply not sendable")
            return reply_bytes(Reply(500), self._entrance.date(), closes)

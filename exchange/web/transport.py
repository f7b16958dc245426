"""Calls to partners over HTTP, on connections that are kept; what is called and what the response
means is the channel's.

Not aiohttp's client, which costs a fifth of the whole way of a message (docs/decisions.md). The
parser is httptools', the sockets are the event loop's.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlencode, urlsplit

from exchange.errors import Unreachable
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.web.connection import Connection

#: A kept connection is not used again after so long, for the partner may be about to close it.
IDLE_SECONDS = 15.0

#: What must not stand in a request line or a header: it would begin another one.
_BREAKS = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a partner listens."""

    host: str
    port: int
    tls: bool
    #: What stands before the path of every call.
    prefix: str


@dataclass(slots=True)
class Pool:
    """The idle connections to one origin, the last used last, with the loop's time of their last
    use.
    """

    idle: deque[tuple[float, Connection]] = field(default_factory=deque)


class HttpTransport:
    """Connections to all partners; at most `connections` at once."""

    def __init__(self, address: str, answer_bytes_max: int, connections: int = 128) -> None:
        self._address = address.rstrip("/")
        self._answer_bytes_max = answer_bytes_max
        self._room = asyncio.Semaphore(connections)
        self._pools: dict[tuple[str, int, bool], Pool] = {}
        self._tls: ssl.SSLContext | None = None
        self._open = False

    async def open(self) -> None:
        """Begin."""
        self._open = True

    async def close(self) -> None:
        """Close all connections."""
        self._open = False
        for pool in self._pools.values():
            for _, connection in pool.idle:
                connection.close()
        self._pools.clear()
        # The transports close in the loop's next turn.
        await asyncio.sleep(0)

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """The partner's response; redirects are not followed.

        Raises:
            Unreachable: when none came in time, or none that is one.
        """
        if not self._open:
            raise Unreachable("the exchange is closing")
        origin = origin_of(
            partner.url.rstrip("/") if partner.url else f"{self._address}/{partner.id}"
        )
        request = request_bytes(origin, call)
        try:
            async with asyncio.timeout(timeout_seconds), self._room:
                return await self._exchange(origin, request)
        except TimeoutError as error:
            raise Unreachable(f"no response within {timeout_seconds:g} s") from error

    async def _exchange(self, origin: Origin, request: bytes) -> Reply:
        """On a kept connection if there is one. One that the partner has closed meanwhile is no
        failure: a new one is made.
        """
        pool = self._pools.setdefault((origin.host, origin.port, origin.tls), Pool())
        while (connection := self._kept(pool)) is not None:
            try:
                return await self._use(pool, connection, request)
            except Unreachable:
                if connection.answered:
                    raise
        return await self._use(pool, await self._connect(origin), request)

    async def _use(self, pool: Pool, connection: Connection, request: bytes) -> Reply:
        reply = await connection.exchange(request)
        if connection.usable and self._open:
            pool.idle.append((asyncio.get_running_loop().time(), connection))
        else:
            connection.close()
        return reply

    def _kept(self, pool: Pool) -> Connection | None:
        now = asyncio.get_running_loop().time()
        while pool.idle:
            since, connection = pool.idle.pop()
            if connection.usable and now - since < IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def _connect(self, origin: Origin) -> Connection:
        if origin.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self._answer_bytes_max),
                origin.host,
                origin.port,
                ssl=self._tls if origin.tls else None,
            )
        except OSError as error:
            raise Unreachable(f"{type(error).__name__}: {error}"[:300]) from error
        return connection


@lru_cache(maxsize=1024)
def origin_of(url: str) -> Origin:
    """The parts of a partner's address.

    Raises:
        Unreachable: when it is no address of HTTP.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise Unreachable(f"no address of HTTP: {url[:200]}") from error
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or _BREAKS.search(url)
        or " " in url
    ):
        raise Unreachable(f"no address of HTTP: {url[:200]}")
    tls = parts.scheme == "https"
    return Origin(parts.hostname, port or (443 if tls else 80), tls, parts.path)


def request_bytes(origin: Origin, call: Call) -> bytes:
    """The call as it goes over the wire.

    Raises:
        ValueError: when a header or the path would break out of its line.
    """
    query = "?" + urlencode(call.query) if call.query else ""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [
        f"{call.method} {origin.prefix}{call.path}{query} HTTP/1.1",
        f"Host: {host}:{origin.port}",
    ]
    lines += [f"{name}: {value}" for name, value in call.headers.items()]
    if call.body or call.method not in ("GET", "HEAD", "DELETE"):
        lines.append(f"Content-Length: {len(call.body)}")
    head = "\r\n".join(lines)
    if (
        head.count("\r\n") != len(lines) - 1
        or head.count("\n") != len(lines) - 1
        or "\0" in head
        or " " in origin.prefix + call.path
    ):
        raise ValueError("a header or the path of a call would break out of its line")
    return b"".join((head.encode("latin-1", "replace"), b"\r\n\r\n", call.body))

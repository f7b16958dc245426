"""Calls to partners over HTTP, by one `ClientSession` of aiohttp; what is called and what the
response means is the channel's.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from io import BytesIO
from urllib.parse import urlencode

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    hdrs,
)
from aiohttp.http_exceptions import LineTooLong
from yarl import URL

from exchange.errors import Unreachable
from exchange.schemas.call import BREAKS, Call, Reply, is_http_address
from exchange.schemas.directory import Partner
from exchange.settings import Deliveries, Limits
from exchange.web.partner_connections import HeadTooLarge, KeptConnectionClosed, PartnerConnector

#: A kept connection is not used again after so long, because the partner may be about to close it.
IDLE_SECONDS = 15.0
#: Most header lines of a response.
HEADERS_MAX = 128
#: A larger body is written in pieces, between which others have the loop.
WHOLE_BYTES_MAX = 1 << 20


class HttpTransport:
    """Connections to all partners; at most `deliveries.connections_max` at once.

    A response is bounded as it comes: its head, interim responses included, to
    `limits.head_bytes_max`, its body to `deliveries.answer_bytes_max` bytes.
    """

    def __init__(self, address: str, deliveries: Deliveries, limits: Limits) -> None:
        self._address = address.rstrip("/")
        self._answer_bytes_max = deliveries.answer_bytes_max
        self._connections_max = deliveries.connections_max
        self._head_bytes_max = limits.head_bytes_max
        self._session: ClientSession | None = None

    async def open(self) -> None:
        """Begin."""
        self._session = ClientSession(
            connector=PartnerConnector(
                self._head_bytes_max, limit=self._connections_max, keepalive_timeout=IDLE_SECONDS
            ),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            # Nothing compressed is asked for, and the media type is the channel's to name.
            skip_auto_headers=("Accept-Encoding", "Content-Type", "User-Agent"),
            max_line_size=self._head_bytes_max,
            max_field_size=self._head_bytes_max,
            max_headers=HEADERS_MAX,
        )
        # (aiohttp makes a GET again, on a new connection too; when a call is made again is told
        # below.)
        self._session._retry_connection = False

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
            # The transports close in the loop's next turn.
            await asyncio.sleep(0)

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """The partner's response; redirects are not followed.

        The call is made once. It is made once more when a kept connection turns out to be closed
        before any byte of a response came on it.

        Raises:
            Unreachable: when none came in time, or none that is one.
        """
        session = self._session
        if session is None:
            raise Unreachable("the exchange is closing")
        base = partner.url.rstrip("/") if partner.url else f"{self._address}/{partner.id}"
        url = url_of(base, call)
        try:
            async with asyncio.timeout(timeout_seconds):
                try:
                    return await self._exchange(session, url, call)
                except KeptConnectionClosed:
                    return await self._exchange(session, url, call)
        except TimeoutError as error:
            raise Unreachable(f"no response within {timeout_seconds:g} s") from error
        except (ClientError, OSError) as error:
            raise Unreachable(self._why(error)) from error

    async def _exchange(self, session: ClientSession, url: URL, call: Call) -> Reply:
        async with session.request(
            call.method,
            url,
            data=call.body if len(call.body) < WHOLE_BYTES_MAX else BytesIO(call.body),
            headers=call.headers,
            allow_redirects=False,
            timeout=_NO_TIMEOUT,
        ) as response:
            try:
                body = await self._read(response)
            except BaseException:
                response.close()
                raise
            return Reply(
                response.status, body, response.headers.get("Content-Type", ""), response.headers
            )

    async def _read(self, response: ClientResponse) -> bytes:
        most = self._answer_bytes_max
        codings = response.headers.getall(hdrs.TRANSFER_ENCODING, ["chunked"])
        if [each.lower() for each in codings] != ["chunked"]:
            raise Unreachable("the response is in a transfer coding that is not just chunked")
        length = response.content_length
        if length is not None and length > most:
            raise Unreachable(f"the response is larger than {most} bytes")
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > most:
                raise Unreachable(f"the response is larger than {most} bytes")
            parts.append(part)
        return b"".join(parts)

    def _why(self, error: ClientError | OSError) -> str:
        """The failure in words of ours: what the partner sent is not repeated."""
        if isinstance(error, ClientConnectorError):
            return f"{type(error.os_error).__name__}: {error.os_error}"[:300]
        if isinstance(error, HeadTooLarge) or _is_caused_by(error, LineTooLong):
            return f"the response's head is larger than {self._head_bytes_max} bytes"
        if isinstance(error, ClientResponseError):
            return "no HTTP response"
        return "the partner closed the connection before its response was whole"


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__
    return error is not None


#: The time of a call is `send`'s, connection and repeat included.
_NO_TIMEOUT = ClientTimeout(total=None)


def url_of(base: str, call: Call) -> URL:
    """The address of a call, as it goes over the wire.

    Raises:
        Unreachable: when the partner's address is no address of HTTP.
        ValueError: when the path would break out of its line.
    """
    if BREAKS.search(call.path):
        raise ValueError("the path of a call would break out of its line")
    _check(base)
    query = f"?{urlencode(call.query)}" if call.query else ""
    return URL(f"{base}{call.path}{query}", encoded=True)


@lru_cache(maxsize=1024)
def _check(base: str) -> None:
    if not is_http_address(base):
        raise Unreachable(f"no address of HTTP: {base[:200]}")

"""Calls to partners over HTTP; what is called and what the response means is the channel's."""

from __future__ import annotations

import asyncio
import io

import aiohttp

from exchange.errors import Unreachable
from schemas.call import Call, Reply
from schemas.directory import Partner

_PIECES_FROM_BYTES = 1 << 20


class HttpTransport:
    """One pool of connections to all partners."""

    def __init__(self, address: str, answer_bytes_max: int, connections: int = 128) -> None:
        self._address = address.rstrip("/")
        self._answer_bytes_max = answer_bytes_max
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the pool."""
        connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=30)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """The partner's response; redirects are not followed."""
        if self._session is None:
            raise Unreachable("the exchange is closing")
        url = (partner.url.rstrip("/") if partner.url else f"{self._address}/{partner.id}") + call.path
        try:
            async with self._session.request(
                call.method,
                url,
                # aiohttp writes a large body in one go when it is bytes, and in pieces when it is a file.
                data=io.BytesIO(call.body) if len(call.body) > _PIECES_FROM_BYTES else call.body or None,
                headers=call.headers,
                params=call.query or None,
                timeout=aiohttp.ClientTimeout(total=timeout_seconds),
                allow_redirects=False,
            ) as response:
                body = await self._read(response)
                return Reply(response.status, body, response.headers.get("Content-Type", ""), response.headers)
        except TimeoutError as error:
            raise Unreachable(f"no response within {timeout_seconds:g} s") from error
        except aiohttp.ClientError as error:
            raise Unreachable(f"{type(error).__name__}: {error}"[:300]) from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The body, refused when it grows beyond the limit."""
        length = response.content_length
        if length is not None and length <= self._answer_bytes_max:
            return await response.read()
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > self._answer_bytes_max:
                response.close()
                raise Unreachable(f"the response is larger than {self._answer_bytes_max} bytes")
            parts.append(part)
            await asyncio.sleep(0)
        return b"".join(parts)

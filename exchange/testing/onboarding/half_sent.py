"""A push whose body comes in two halves: whether its receiver answers before it has both."""

from __future__ import annotations

import asyncio
import ssl

from exchange.errors import Unreachable
from exchange.schemas.call import Call
from exchange.web.partner_calls import url_of

LINE_BYTES_MAX = 8192


async def answered_early(
    base: str, call: Call, held_seconds: float, timeout_seconds: float
) -> tuple[str, str]:
    """The status lines that came before the second half of the body (empty: none did), which is
    held back for so long, and after it.

    Raises:
        Unreachable: when there is no connection, or no answer in time.
    """
    url = url_of(base.rstrip("/"), call)
    tls = ssl.create_default_context() if url.scheme == "https" else None
    headers = {"Host": url.authority, **call.headers, "Content-Length": str(len(call.body))}
    lines = [f"{call.method} {url.raw_path_qs} HTTP/1.1"]
    lines += [f"{name}: {each}" for name, each in {**headers, "Connection": "close"}.items()]
    head = "\r\n".join([*lines, "", ""]).encode()
    middle = len(call.body) // 2
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_connection(
                url.host, url.port, ssl=tls, limit=LINE_BYTES_MAX
            )
            try:
                writer.write(head + call.body[:middle])
                await writer.drain()
                early = await _line_within(reader, held_seconds)
                if early:
                    return early, early
                writer.write(call.body[middle:])
                await writer.drain()
                return "", _text(await reader.readline())
            finally:
                writer.close()
    except TimeoutError as error:
        raise Unreachable(f"no answer within {timeout_seconds:g} s") from error
    except (OSError, ValueError) as error:
        raise Unreachable(f"{type(error).__name__}: {error}"[:300]) from error


async def _line_within(reader: asyncio.StreamReader, seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            return _text(await reader.readline())
    except TimeoutError:
        return ""


def _text(line: bytes) -> str:
    """A status line without its end; something also where the connection was closed."""
    return line.decode("latin-1").strip() or "a closed connection"

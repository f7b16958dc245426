"""Calls to the exchange over HTTP, repeated as the exchange asks; what is called is the channels'.

aiohttp carries them: the exchange needs it anyway. Proxies and authorities of the environment are
used (`HTTPS_PROXY`, `SSL_CERT_FILE`); an exchange on this machine is called without a proxy.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from exchange.client.errors import NoAnswer, Problem, problem_of
from exchange.schemas.call import Call, Reply

#: What the client waits for an answer, in seconds; a Kelmu query in bulk may take 30.
TIMEOUT_SECONDS = 60.0
#: A larger body is written in pieces, between which others have the loop.
WHOLE_BYTES_MAX = 1 << 20
#: Answers after which the same call may be made again: it is stored once, by its message id.
AGAIN = frozenset((408, 425, 429, 502, 503, 504))


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a call is made, and the waits between: each twice as long as the one before, drawn
    from its upper half; at least what `Retry-After` says.
    """

    attempts: int = 5
    first_seconds: float = 0.2
    seconds_max: float = 30.0

    def waits(self) -> Iterator[float]:
        """The waits between attempts, in seconds."""
        for number in range(self.attempts - 1):
            longest = min(self.first_seconds * 2**number, self.seconds_max)
            yield random.uniform(longest / 2, longest)


class AsyncClient:
    """A partner's connection to an exchange: its address and the partner's key or, in `tls`, the
    certificate that the partner shows and the authorities that it trusts. Use it as an async
    context.
    """

    def __init__(
        self,
        address: str,
        key: str = "",
        retries: Retries = Retries(),
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.address = address.rstrip("/")
        self._credentials = {"X-API-Key": key} if key else {}
        self._tls = tls
        self._retries = retries
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            trust_env=not _is_here(self.address),
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(
        self, call: Call, problem: Callable[[Reply], Problem] = problem_of, again: bool = True
    ) -> Reply:
        """Make a call: its answer, where that is no refusal. `problem` reads a refusal in the form
        of its channel; `again` is whether the call may be made more than once.

        Raises:
            NoAnswer: when no answer came.
            Problem: when the exchange refused.
        """
        waits = self._retries.waits() if again else iter(())
        while True:
            reply, why = await self._once(call)
            if reply is not None and reply.status < 400:
                return reply
            wait_seconds = next(waits, None)
            if reply is not None and (reply.status not in AGAIN or wait_seconds is None):
                raise problem(reply)
            if wait_seconds is None:
                raise NoAnswer(f"no exchange answers at {self.address}: {why}")
            asked = reply.headers.get("Retry-After", "") if reply is not None else ""
            least = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
            await asyncio.sleep(max(wait_seconds, min(least, self._retries.seconds_max)))

    async def _once(self, call: Call) -> tuple[Reply | None, str]:
        session = self._session
        if session is None:
            raise RuntimeError("the client is not open: use it as a context")
        try:
            async with session.request(
                call.method,
                self.address + call.path,
                params=call.query or None,
                data=BytesIO(call.body) if len(call.body) > WHOLE_BYTES_MAX else call.body or None,
                headers={**self._credentials, **call.headers},
                ssl=self._tls or True,
                allow_redirects=False,
            ) as response:
                body = await response.read()
                headers = response.headers
                reply = Reply(response.status, body, headers.get("Content-Type", ""), headers)
                return reply, ""
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
            # (A host's name that is none is a UnicodeError.)
            return None, str(error) or type(error).__name__


def _is_here(address: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

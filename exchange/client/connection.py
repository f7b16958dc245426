"""Calls to the exchange over HTTP, repeated as the exchange asks; what is called is the channels'.

aiohttp carries them: the exchange needs it anyway. Proxies and authorities of the environment are
used (`HTTPS_PROXY`, `SSL_CERT_FILE`); an exchange on this machine is called without a proxy.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from exchange.client.answers import problem_of
from exchange.client.errors import ClientError, NoAnswer, NotTheExchange
from exchange.schemas.call import Call, Reply, retry_after_seconds

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

    Raises:
        ClientError: when that is no address, or a key that no header can carry.
    """

    def __init__(
        self,
        address: str,
        key: str = "",
        retries: Retries = Retries(),
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.address = _checked(address)
        if not key.isprintable():
            raise ClientError("the key has a character that no header has: the end of a line?")
        self._credentials = {"X-API-Key": key} if key else {}
        self._tls = tls
        self._is_secure = self.address.startswith("https:")
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
        self,
        call: Call,
        problem: Callable[[Reply], ClientError] = problem_of,
        again: bool = True,
    ) -> Reply:
        """Make a call: its answer, where that is no refusal. `problem` reads a refusal in the form
        of its channel; `again` is whether the call may be made more than once.

        Raises:
            NoAnswer: when no answer came, or none of an exchange.
            Problem: when the exchange refused.
            ClientError: when the call can't be written as HTTP.
        """
        waits = self._retries.waits() if again else iter(())
        while True:
            reply, why = await self._once(call)
            if reply is not None and reply.status < 300:
                return reply
            if reply is not None and reply.status < 400:
                to = reply.headers.get("Location", "nowhere")
                why = f"it leads to {to!r:.200}, where the key is not sent on to"
                raise NotTheExchange(reply, why)
            wait_seconds = next(waits, None)
            if reply is not None and (reply.status not in AGAIN or wait_seconds is None):
                raise problem(reply)
            if wait_seconds is None:
                # (What refuses a certificate, or the lack of one, often just goes.)
                hint = "; does it want a certificate (tls=)?" if self._is_secure else ""
                raise NoAnswer(f"no exchange answers at {self.address}: {why}{hint}")
            now = time.time_ns() // 1_000_000
            asked_seconds = retry_after_seconds(reply, now) if reply is not None else 0.0
            await asyncio.sleep(max(wait_seconds, min(asked_seconds, self._retries.seconds_max)))

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
        except aiohttp.ClientConnectorCertificateError as error:
            raise NoAnswer(
                f"the certificate at {self.address} is not trusted: {error.certificate_error}; "
                "name the file of its authority in SSL_CERT_FILE or in "
                "tls=ssl.create_default_context(cafile=...)"
            ) from error
        except aiohttp.ClientSSLError as error:
            raise NoAnswer(
                f"no TLS is agreed upon with {self.address}: {error}; does it speak http:// there, "
                "or ask for a certificate (tls=)?"
            ) from error
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
            # (A host's name that is none is a UnicodeError.)
            return None, str(error) or type(error).__name__
        except ValueError as error:
            raise ClientError(f"the call can't be written as HTTP: {error}") from error


def _checked(address: str) -> str:
    """An address without its last slash.

    Raises:
        ClientError: when it is none.
    """
    try:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.hostname and (parts.port or 0) >= 0:
            return address.rstrip("/")
    except ValueError:  # a port, or an IPv6 address, that is none
        pass
    raise ClientError(f"{address!r:.200} is no address such as http://127.0.0.1:8080")


def _is_here(address: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

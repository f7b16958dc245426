"""A closed-loop HTTP client for benchmarks: prepared requests over so many connections, every
status checked; no statistics beyond one run.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast

#: How long an answer may take, in seconds.
ANSWER_SECONDS = 30.0
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Measured:
    """One run: requests answered as expected, seconds, each latency in seconds, the first
    unexpected answer.
    """

    answered: int = 0
    unexpected: int = 0
    seconds: float = 0.0
    #: Until the last delivery was made, where deliveries follow; else 0.
    whole_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    first_unexpected: bytes = b""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.answered / self.seconds if self.seconds else 0.0

    @property
    def whole_rate(self) -> float:
        """Messages a second that went the whole way; 0 where there is no further way."""
        return self.answered / self.whole_seconds if self.whole_seconds else 0.0

    @property
    def carried_rate(self) -> float:
        """Messages a second as far as they go: delivered where deliveries follow, else answered."""
        return self.whole_rate or self.rate

    def percentile(self, share: float) -> float:
        """A latency in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def never(_answer: bytes) -> bool:
    """Every 2xx is a yes."""
    return False


class Connection(asyncio.Protocol):
    """One keep-alive connection: the next request goes out when the answer to the last has come."""

    def __init__(
        self,
        requests: Iterator[bytes],
        until: float,
        measured: Measured,
        ended: asyncio.Event,
        is_refused: Callable[[bytes], bool] = never,
    ) -> None:
        self._requests = requests
        self._until = until
        self._measured = measured
        self._is_refused = is_refused
        self.ended = ended
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    @property
    def received(self) -> bytes:
        """What came of an answer that is not whole yet."""
        return self._buffer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.ended.set()

    def give_up(self) -> None:
        """Close it without an answer."""
        if self._transport is not None:
            self._transport.abort()

    def _next(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None) if time.perf_counter() < self._until else None
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take what came; when the response is whole, note it and go on."""
        self._buffer = buffer = self._buffer + data if self._buffer else data
        head = buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        found = CONTENT_LENGTH.search(buffer, 0, head + 2)
        length = int(found.group(1)) if found else 0
        if len(buffer) < head + 4 + length:
            return
        measured = self._measured
        if buffer[9:10] == b"2" and not self._is_refused(buffer):
            measured.answered += 1
            measured.latencies.append(time.perf_counter() - self._sent_at)
        else:
            measured.unexpected += 1
            measured.first_unexpected = measured.first_unexpected or buffer[:2000]
        self._buffer = b""
        self._next()


def _same(connection: Connection) -> Connection:
    return connection


async def drive(
    host: str,
    port: int,
    requests: Iterator[bytes],
    connections: int,
    seconds: float,
    is_refused: Callable[[bytes], bool] = never,
) -> Measured:
    """Send until the time is over or the requests are; returns when every answer has come.
    `is_refused` tells an answer with a status of 2xx that says no all the same.
    """
    loop = asyncio.get_running_loop()
    measured = Measured()
    begun = time.perf_counter()
    opened = [
        Connection(
            requests=requests,
            until=begun + seconds,
            measured=measured,
            ended=asyncio.Event(),
            is_refused=is_refused,
        )
        for _ in range(connections)
    ]
    await asyncio.gather(
        *(loop.create_connection(partial(_same, each), host, port) for each in opened)
    )
    try:
        await asyncio.wait_for(
            asyncio.gather(*(each.ended.wait() for each in opened)), seconds + ANSWER_SECONDS
        )
    except TimeoutError:
        silent = [each for each in opened if not each.ended.is_set()]
        for each in silent:
            each.give_up()
        await asyncio.gather(*(each.ended.wait() for each in silent))
        raise TimeoutError(
            f"{len(silent)} of {connections} requests were not answered within "
            f"{ANSWER_SECONDS:.0f} s; "
            f"one got {silent[0].received[:300]!r}"
        ) from None
    measured.seconds = time.perf_counter() - begun
    return measured


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A POST, ready to be written."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

"""Sends spans to a collector over OTLP/HTTP, some at once; what it does not take is kept for a
while, and nobody waits for it.

Source: OpenTelemetry Protocol 1.x, "OTLP/HTTP": POST of JSON, 2xx when it is taken; after 429, 502,
503, 504, or without an answer, the same may be sent again, after all else not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from importlib.metadata import version
from itertools import islice

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

from exchange.journey.repeat import Repeated
from exchange.settings import Telemetry
from exchange.web.telemetry.span import Span, document

log = structlog.get_logger(__name__)

#: Spans of one call to the collector: some milliseconds of writing JSON.
TOGETHER_MAX = 200
#: How long the exchange's end waits for the collector to take what is left.
CLOSE_SECONDS = 1.0
AGAIN = frozenset({429, 502, 503, 504})


class Exporter:
    """The spans of one process. `sent` and `lost` count them: lost are those for which there is no
    room, and those that the collector refuses.
    """

    def __init__(self, settings: Telemetry, instance: str) -> None:
        self._settings = settings
        self._resource = {
            "service.name": "exchange-simulator",
            "service.version": version("exchange-simulator"),
            "service.instance.id": instance,
        }
        self._waiting: deque[Span] = deque()
        self._session: ClientSession | None = None
        self._every = Repeated(
            "telemetry", self.flush, settings.every_seconds, asyncio.sleep, at_once=False
        )
        #: What was wrong the last time, so that the log tells it once.
        self._wrong = ""
        self.sent = self.lost = 0

    async def open(self) -> None:
        """Begin."""
        self._session = ClientSession(
            timeout=ClientTimeout(total=self._settings.timeout_seconds),
            headers={**self._settings.headers, "Content-Type": "application/json"},
            cookie_jar=DummyCookieJar(),
        )
        self._every.start()

    async def close(self) -> None:
        """End, with what is left sent where the collector takes it at once."""
        await self._every.stop()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.flush()
        except TimeoutError:
            pass
        self.lost += len(self._waiting)
        self._waiting.clear()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def add(self, span: Span) -> None:
        """Take a span; where no room is left it is lost."""
        if len(self._waiting) >= self._settings.spans_max:
            self.lost += 1
        else:
            self._waiting.append(span)

    async def flush(self) -> None:
        """Send what waits, as far as the collector takes it."""
        while self._waiting and self._session is not None:
            some = [*islice(self._waiting, TOGETHER_MAX)]
            try:
                status = await self._post(self._session, document(some, self._resource))
                wrong = "" if 200 <= status < 300 else f"it answered {status}"
            except (ClientError, OSError) as error:  # (a TimeoutError is an OSError)
                status, wrong = 0, type(error).__name__
            self._tell(wrong)
            if wrong and (not status or status in AGAIN):
                return
            for _ in some:
                self._waiting.popleft()
            if wrong:
                self.lost += len(some)
            else:
                self.sent += len(some)

    async def _post(self, session: ClientSession, body: bytes) -> int:
        """The status of the answer, whose body is not looked at."""
        async with session.post(
            self._settings.traces_url, data=body, allow_redirects=False
        ) as response:
            return response.status

    def _tell(self, wrong: str) -> None:
        if wrong and wrong != self._wrong:
            log.warning("spans are not taken", collector=self._settings.traces_url, why=wrong)
        elif self._wrong and not wrong:
            log.info("spans are taken again", lost=self.lost)
        self._wrong = wrong

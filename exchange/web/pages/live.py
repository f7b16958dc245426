"""The live page's address, its assets and its events on aiohttp; what they say is rendered
elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from aiohttp_sse import sse_response

from exchange.ports import Channel, Ledger
from exchange.ports.lanes import Nodes
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory
from exchange.statistics.rows import Rows
from exchange.web.access.guard import Guard, Need
from exchange.web.figures.overview import Snapshots
from exchange.web.figures.process_figures import ProcessFigures
from exchange.web.figures.receiver_conditions import Conditions
from exchange.web.pages.figures import Figures, Rates, ShownChannel, ShownType, Source
from exchange.web.pages.layout import HEADERS, language_of, signed_in_name
from exchange.web.pages.render import Renderer
from exchange.web.pages.source import LedgerSource

ASSETS = Path(__file__).with_name("assets")
ASSET_TYPES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

#: Pages open at once that are told of changes; a further one still gets the figures of the moment.
WATCHERS_MAX = 100
INTERVAL_SECONDS = 1.0
#: How long a page is told of changes; then the browser comes again, and is asked anew whether it
#: may. Whoever reads nothing keeps its place no longer.
STREAM_SECONDS = 300.0
#: Figures are kept for this many times as long as they took, so that watching costs at most a tenth
#: of a reader.
COST_FACTOR = 9


class LivePage:
    """One page for all that watch: figures are taken only while somebody does, and shared."""

    def __init__(
        self,
        source: Source,
        channels: Sequence[ShownChannel],
        rows: Rows,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._source = source
        self._renderer = Renderer(channels, rows)
        self._interval_seconds = interval_seconds
        self._rates = Rates()
        self._figures: Figures | None = None
        self._fresh_until = 0.0
        self._lock = asyncio.Lock()
        self._closing = asyncio.Event()
        self._watchers = 0

    def attach(self, app: web.Application, guard: Guard | None = None) -> None:
        """Add the page's routes to an application; its events end when the application
        shuts down. The guard is told that nobody needs a key for the assets.
        """
        app.router.add_get("/", self.show)
        app.router.add_get("/live/events", self.tell)
        for name in ASSET_TYPES:
            route = app.router.add_get(f"/live/{name}", _asset(name))
            if guard is not None:
                guard.declare(route, Need(""))
        app.on_shutdown.append(self._close)

    async def show(self, request: web.Request) -> web.Response:
        """The page with the figures of the moment."""
        language = language_of(request)
        operator = signed_in_name(request)
        html = self._renderer.page(await self._newest(), self._rates, language, operator)
        return web.Response(
            text=html, content_type="text/html", headers={**HEADERS, "Content-Language": language}
        )

    async def tell(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events with the texts that changed, until the reader leaves, its time is over
        or the exchange stops.
        """
        if self._watchers >= WATCHERS_MAX or self._closing.is_set():
            return web.Response(status=503, headers={"Retry-After": "30"})
        language = language_of(request)
        self._watchers += 1
        try:
            async with sse_response(request) as response:
                with suppress(ConnectionResetError, TimeoutError):
                    async for figures in self._follow(STREAM_SECONDS):
                        await response.send(
                            self._renderer.event(figures, self._rates, language), retry=2000
                        )
            return response
        finally:
            self._watchers -= 1

    async def _follow(self, seconds: float) -> AsyncIterator[Figures]:
        """Figures as they are taken, for so long, each once: figures may be kept for longer than
        the interval when they cost much.
        """
        last: Figures | None = None
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._closing.is_set() and loop.time() < until:
            newest = await self._newest()
            if newest is not last:
                yield newest
                last = newest
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._interval_seconds)

    async def _newest(self) -> Figures:
        async with self._lock:
            loop = asyncio.get_running_loop()
            started = loop.time()
            if self._figures is None or started >= self._fresh_until:
                self._figures = await self._source()
                self._rates.add(self._figures)
                cost_seconds = loop.time() - started
                self._fresh_until = started + max(
                    self._interval_seconds * 0.9, cost_seconds * (COST_FACTOR + 1)
                )
            return self._figures

    async def _close(self, _app: web.Application) -> None:
        self._closing.set()


def _asset(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    body = (ASSETS / name).read_bytes()

    async def serve(request: web.Request) -> web.Response:
        headers = {**HEADERS, "Cache-Control": "max-age=60"}
        return web.Response(
            body=body, content_type=ASSET_TYPES[name], charset="utf-8", headers=headers
        )

    return serve


def live_page(
    snapshots: Snapshots,
    conditions: Conditions,
    ledger: Ledger,
    directory: Directory,
    channels: Iterable[Channel],
    catalogue: Catalogue,
    rows: Rows,
    process: Callable[[], ProcessFigures],
    nodes: Nodes,
) -> LivePage:
    """The page of an exchange, comparing with the newest figures that were published."""
    year = max(year for row in rows.rows for year in row.published)
    types = [message_type.name for message_type in catalogue]
    source = LedgerSource(
        snapshots=snapshots,
        ledger=ledger,
        directory=directory,
        rows=rows,
        known_types=types,
        year=year,
        conditions=conditions,
        process=process,
        nodes=nodes,
    )
    return LivePage(source, [shown(channel, catalogue) for channel in channels], rows)


def shown(channel: Channel, catalogue: Catalogue) -> ShownChannel:
    """A channel as the page lists it, with the message types of the families that it carries."""
    types = [
        ShownType(message_type.name, message_type.titles, message_type.basis)
        for message_type in catalogue
        if message_type.folder.name in channel.families
    ]
    return ShownChannel(channel.name, channel.titles, types)

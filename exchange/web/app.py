"""The application of one worker: doors, pages, API, metrics and health put on one aiohttp app; what they do lives beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from exchange.ports import Channel, Clock, Desk, Ledger
from exchange.settings import Limits
from exchange.web.api import Api
from exchange.web.doors import Doors
from exchange.web.metrics import Metrics
from exchange.web.snapshot import Snapshots
from schemas.directory import Directory

#: How often the number of waiting deliveries is looked at, in seconds.
BACKLOG_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What an application is made of; `open` and `close` are called at its start and end, `held` counts deliveries in memory."""

    limits: Limits
    directory: Directory
    channels: Iterable[Channel]
    desk: Callable[[Channel], Desk]
    ledger: Ledger
    clock: Clock
    snapshots: Snapshots
    api: Api
    held: Callable[[], int]
    open: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
    worker: int = 0


def build(parts: Parts) -> web.Application:
    """The application; it opens the exchange at start and closes it at the end."""
    metrics = Metrics()
    app = web.Application(client_max_size=parts.limits.body_bytes_max + 1)
    doors = Doors(parts.directory, parts.limits, metrics, lambda: parts.snapshots.waiting >= parts.limits.waiting_max)
    for channel in parts.channels:
        app.add_routes(doors.routes(channel, parts.desk(channel)))
    app.add_routes(parts.api.routes())
    app.add_routes(_health(parts, metrics))
    app.cleanup_ctx.append(_lifetime(parts))
    return app


def _health(parts: Parts, metrics: Metrics) -> list[web.RouteDef]:
    async def live(request: web.Request) -> web.Response:
        """The process answers."""
        return web.json_response({"status": "live"})

    async def ready(request: web.Request) -> web.Response:
        """The ledger answers as well."""
        await parts.ledger.message(0)
        return web.json_response({"status": "ready", "worker": parts.worker})

    async def show_metrics(request: web.Request) -> web.Response:
        """Prometheus."""
        snapshot = await parts.snapshots.current()
        metrics.show(snapshot.channels, parts.held())
        return metrics.response()

    return [web.get("/health/live", live), web.get("/health/ready", ready), web.get("/metrics", show_metrics)]


def _lifetime(parts: Parts) -> Callable[[web.Application], AsyncIterator[None]]:
    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        await parts.open()
        watch = asyncio.create_task(_watch_backlog(parts.snapshots))
        yield
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await parts.close()

    return lifetime


async def _watch_backlog(snapshots: Snapshots) -> None:
    """Keep `snapshots.waiting` fresh, so that the doors can refuse before the queue outgrows its limit."""
    while True:
        await snapshots.current()
        await asyncio.sleep(BACKLOG_SECONDS)

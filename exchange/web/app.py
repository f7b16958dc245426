"""The application of one worker: endpoints, pages, API, metrics and health put on one
aiohttp app; what they do lives beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from exchange.errors import LedgerClosed, LedgerError, LedgerUnavailable
from exchange.journey.repeat import Repeated
from exchange.journey.requests import Requests
from exchange.journey.worker_thread import WorkerThread
from exchange.ports import Channel, Clock, Desk, Ids, Ledger, Transport
from exchange.ports.description import reference
from exchange.ports.lanes import Nodes
from exchange.schemas.call import problem
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory
from exchange.schemas.instants import instant_or_none
from exchange.settings import Limits
from exchange.settings.x_road import XRoad
from exchange.web.access.guard import Need
from exchange.web.api.examples import EXAMPLES
from exchange.web.api.nodes import NodeOperations
from exchange.web.api.operations import Api
from exchange.web.api.schemas import SCHEMAS
from exchange.web.caseworkers.pages import CaseworkersPages
from exchange.web.endpoints import Endpoints
from exchange.web.figures.overview import Snapshots
from exchange.web.figures.receiver_conditions import Conditions
from exchange.web.interface.documents import Documents
from exchange.web.interface.openapi import OpenApi
from exchange.web.metrics import Metrics
from exchange.web.operation import Operation, problem_response
from exchange.web.pages.form import NoForm
from exchange.web.pages.sign_in import SignIn
from exchange.web.rate_limits import Rates
from exchange.web.refusals import REFUSALS, Refusals
from exchange.web.telemetry.tracing import Tracing
from exchange.web.x_road.clients import Clients
from exchange.web.x_road.monitoring import Monitoring
from exchange.web.x_road.provider_server import ProviderServer
from exchange.web.x_road.security_server import Parts as SecurityServerParts
from exchange.web.x_road.security_server import SecurityServer
from exchange.web.x_road.services import Services

log = structlog.get_logger(__name__)

#: How often the number of waiting deliveries is looked at, in seconds.
BACKLOG_SECONDS = 1.0
#: How often it is looked whether the ledger can be written, where it said no, and whether its files
#: are there still.
LOOK_SECONDS = 0.5
#: A commit that is no older says that the ledger can be written, to whoever asks.
READY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What an application is made of; `open` and `close` are called at its start and end, `held`
    counts deliveries in memory, `end_waits` has every call that waits for something answered,
    `tell_commits` is given who measures commits.
    """

    limits: Limits
    directory: Directory
    channels: Iterable[Channel]
    desk: Callable[[Channel], Desk]
    ledger: Ledger
    clock: Clock
    snapshots: Snapshots
    requests: Requests
    conditions: Conditions
    api: Api
    held: Callable[[], int]
    open: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
    sign_in: SignIn
    x_road: XRoad
    monitoring: Monitoring
    transport: Transport
    ids: Ids
    worker_thread: WorkerThread
    catalogue: Catalogue
    samples: Mapping[str, Path]
    nodes: Nodes
    tracing: Tracing
    reset_wanted: Callable[[], bool] = lambda: False
    end_waits: Callable[[], None] = lambda: None
    tell_commits: Callable[[Callable[[int, float], None]], None] = lambda _: None
    worker: Callable[[], int] = lambda: 0
    role: str = ""
    workers: int = 1


def build(parts: Parts) -> web.Application:
    """The application; it opens the exchange at start and closes it at the end."""
    metrics = Metrics()
    parts.tell_commits(metrics.committed)
    guard = parts.sign_in.guard
    rates = Rates(parts.workers)
    endpoints = Endpoints(
        directory=parts.directory,
        limits=parts.limits,
        metrics=metrics,
        requests=parts.requests,
        rates=rates,
        tracing=parts.tracing,
    )
    app = web.Application(
        client_max_size=parts.limits.body_bytes_max,
        middlewares=[say_why, guard.middleware()],
    )
    app[REFUSALS] = Refusals(endpoints, parts.limits)
    channels = list(parts.channels)
    for channel in channels:
        desk = parts.desk(channel)
        # (Before the channel's endpoints, which refuse all other addresses below theirs.)
        if channel.caseworkers is not None:
            CaseworkersPages(
                channel=channel,
                pages=channel.caseworkers,
                desk=desk,
                endpoints=endpoints,
                directory=parts.directory,
                catalogue=parts.catalogue,
                ledger=parts.ledger,
                clock=parts.clock,
            ).attach(app, guard)
        guard.pass_partners(app.add_routes(endpoints.routes(channel, desk)))
    security_server = _x_road(parts, channels, endpoints, metrics)
    guard.pass_partners(app.add_routes(security_server.routes()))
    nodes = NodeOperations(parts.nodes, parts.clock, parts.worker)
    operations = [*parts.api.operations(), *nodes.operations(), *_health(parts, metrics)]
    documents = Documents(
        channels=channels,
        operations=operations,
        shapes=SCHEMAS,
        catalogue=parts.catalogue,
        samples=parts.samples,
        examples=EXAMPLES,
    )
    operations += documents.operations()
    for operation in operations:
        (route,) = app.add_routes([operation.route()])
        guard.declare(route, Need(operation.role, operation.changes, operation.any_host))
    parts.sign_in.attach(app)
    app.cleanup_ctx.append(_lifetime(parts))

    async def end_waits(_: web.Application) -> None:
        parts.end_waits()

    app.on_shutdown.append(end_waits)
    return app


def _x_road(
    parts: Parts, channels: list[Channel], endpoints: Endpoints, metrics: Metrics
) -> SecurityServer:
    def described(channel: Channel) -> dict[str, Any]:
        return OpenApi(
            channels=[channel],
            operations=[],
            shapes=SCHEMAS,
            catalogue=parts.catalogue,
            samples=parts.samples,
        ).document()

    address = parts.x_road.provider_address
    return SecurityServer(
        SecurityServerParts(
            x_road=parts.x_road,
            provider=(
                ProviderServer(parts.transport, address, parts.monitoring.now) if address else None
            ),
            clients=Clients(parts.directory, parts.x_road),
            services=Services(channels, parts.desk, parts.x_road),
            endpoints=endpoints,
            metrics=metrics,
            tracing=parts.tracing,
            ids=parts.ids,
            monitoring=parts.monitoring,
            limits=parts.limits,
            worker_thread=parts.worker_thread,
            describe=described,
        )
    )


def _not_ready(why: str) -> web.Response:
    reply = problem(503, "Not ready", why, retry_after_seconds=1)
    headers = {**reply.headers, "Content-Type": reply.content_type}
    return web.Response(status=reply.status, body=reply.body, headers=headers)


@web.middleware
async def say_why(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer 503 where the ledger is needed and can't be read or written, 400 where a page was sent
    what is no form.
    """
    try:
        return await handler(request)
    except (LedgerClosed, LedgerUnavailable) as error:
        return _not_ready(str(error))
    except NoForm as error:
        return problem_response(400, "No form", str(error))


def _health(parts: Parts, metrics: Metrics) -> list[Operation]:
    async def live(request: web.Request) -> web.Response:
        """The process answers."""
        return web.json_response({"status": "live"})

    async def ready(request: web.Request) -> web.Response:
        """The ledger can be written and read as well; 503 and why while it can't. `full` names the
        receivers that take no more (`*`: nobody does; mailboxes are served all the same), `held_up`
        how many deliveries wait behind dead letters of their conversation, for an operator.
        """
        if parts.reset_wanted():
            return _not_ready("the exchange begins again with an empty ledger")
        why = await parts.ledger.check(READY_SECONDS)
        if not why:
            try:
                await parts.ledger.message(0)
            except LedgerError as error:
                why = str(error)
        if why:
            return _not_ready(why)
        held_up = (await parts.conditions.held_up()).values()
        said = {
            "status": "ready",
            "worker": parts.worker(),
            "role": parts.role,
            "full": parts.snapshots.full(),
            "held_up": sum(each.deliveries for each in held_up),
            "held_up_oldest_at": instant_or_none(
                min((each.oldest_at for each in held_up), default=0)
            ),
        }
        return web.json_response(said)

    async def show_metrics(request: web.Request) -> web.Response:
        """Metrics of this worker and the ledger's counters, for Prometheus; also while the ledger
        says no: what it told last stands then, since nothing is written to it.
        """
        is_up = False
        with contextlib.suppress(LedgerError):
            if not await parts.ledger.check(READY_SECONDS):
                await _look(parts, metrics)
                is_up = True
        metrics.show_process(parts.held(), parts.tracing.counts, is_up)
        metrics.show_full(parts.snapshots.full())
        return metrics.response()

    state = reference("Health")
    return [
        Operation("GET", "/health/live", live, state, role="", any_host=True),
        Operation("GET", "/health/ready", ready, state, problems=(503,), role="", any_host=True),
        Operation("GET", "/metrics", show_metrics, media_type="text/plain"),
    ]


async def _look(parts: Parts, metrics: Metrics) -> None:
    """Take over what the ledger tells now."""
    snapshot, now = await parts.snapshots.current(), parts.clock.now()
    conditions, cluster = await parts.conditions.all(), await parts.nodes.look(now)
    metrics.show(snapshot.channels)
    metrics.show_receivers(conditions, now)
    metrics.nodes.show(cluster, parts.worker(), now)


def _lifetime(parts: Parts) -> Callable[[web.Application], AsyncIterator[None]]:
    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        await parts.open()
        await parts.tracing.open()
        with contextlib.suppress(LedgerUnavailable):
            await parts.snapshots.current()
        looks = (
            # Messages are refused before a receiver's queue outgrows its limit.
            Repeated("backlog", parts.snapshots.current, BACKLOG_SECONDS, asyncio.sleep),
            # That it can be written again, or its files are gone, is found when nobody calls, too.
            Repeated(
                "ledger-check", parts.ledger.check, LOOK_SECONDS, asyncio.sleep, at_once=False
            ),
        )
        for look in looks:
            look.start()
        yield
        await asyncio.gather(*(look.stop() for look in looks))
        await parts.close()
        await parts.tracing.close()

    return lifetime

"""One channel whose endpoint waits until it is let go, on a real server: what the tests of
endpoints and entrance call; no test.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import aiohttp
from aiohttp import web
from aiohttp_sse import sse_response

from exchange.cli.serving.port import bind
from exchange.clocks import WallClock
from exchange.errors import LedgerClosed, LedgerUnavailable
from exchange.journey.requests import Requests
from exchange.ports import Channel, Desk, Endpoint, Inbound, Outcome
from exchange.ports.channel import refuse_with_problem
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.envelope import Envelope
from exchange.settings import Limits, Listener
from exchange.storage.sqlite import SqliteLedger
from exchange.web.connection_limits import Connections
from exchange.web.endpoints import Endpoints
from exchange.web.metrics import Metrics
from exchange.web.rate_limits import Rates
from exchange.web.refusals import REFUSALS, Refusals
from exchange.web.serving import serving

ONE, TWO = (
    Partner("one", "One", "bank", key="key-one"),
    Partner("two", "Two", "bank", key="key-two"),
)


#: With a rate and a size of its own.
LIMITED = Partner("limited", "Limited", "kela", key="key-limited", per_second=2, body_bytes_max=100)


class NotingDesk:
    """A desk that only notes what was refused unread."""

    def __init__(self) -> None:
        self.refused: list[tuple[str, str]] = []

    async def refuse(self, inbound: Inbound, reason: str, violations: Any) -> Outcome:
        """Note it."""
        self.refused.append((inbound.partner.id, reason))
        return Outcome(
            "rejected",
            Envelope(1, "c", "", inbound.partner.id, "", 0, ""),
            list(violations),
            reason,
        )


class Served:
    """A server with one channel whose endpoint waits until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.inside: list[str] = []
        self.most = 0
        self.desk = NotingDesk()
        self.metrics = Metrics()
        self.url = ""
        self.secure: list[str] = []
        self.connections: Connections
        self.large = 0
        #: What partners' rates are measured by, in seconds.
        self.now = 0.0

    async def wait(self, call: Call, partner: Partner, desk: Desk) -> Reply:
        """Wait, then tell the length of the body."""
        self.inside.append(partner.id)
        self.most = max(self.most, len(self.inside))
        try:
            if "X-Quick" not in call.headers:
                await self.go.wait()
        finally:
            self.inside.remove(partner.id)
        return Reply(202, str(len(call.body)).encode())

    async def read(self, request: web.Request) -> web.Response:
        """An address of no channel, which reads a body of anybody."""
        return web.json_response(len(await request.read()))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Events without end, as a page's are."""
        async with sse_response(request) as response:
            while True:
                self.large += 1
                await response.send("x" * 10_000)

    def page(self, call: Call) -> Reply:
        """A page of a megabyte."""
        self.large += 1
        return Reply(200, b"x" * 1_000_000, "text/plain")

    async def fail(self, call: Call, partner: Partner, desk: Desk) -> Reply:
        """A bug, or a ledger that is closing or full."""
        errors = {"closing": LedgerClosed("closing"), "full": LedgerUnavailable("full")}
        bug = ZeroDivisionError("key-one in a traceback")
        raise next((error for asked, error in errors.items() if asked in call.query), bug)


@asynccontextmanager
async def server(
    listeners: Sequence[Mapping[str, Any]] = (), partners: Sequence[Partner] = (), **limits: Any
) -> AsyncIterator[tuple[Served, aiohttp.ClientSession]]:
    """A real server on a free port, and on one for each listener with TLS."""
    served = Served()
    nothing: Any = lambda *_: None  # noqa: E731 - the journey's half of the channel is never called here
    endpoints = (
        Endpoint("POST", "/c/v1/messages", "Wait", served.wait, takes_messages=True),
        Endpoint("GET", "/c/v1/fail", "Fail", served.fail),
        Endpoint(
            "GET",
            "/c/v1/things/{id}",
            "Public",
            public=lambda call: Reply(200, call.parameters["id"].encode(), "text/plain"),
        ),
        Endpoint("GET", "/c/v1/large", "Large", public=served.page),
        Endpoint("GET", "/c/v1/wait", "Wait long", served.wait, waits=True),
    )
    channel = Channel(
        "c",
        {"en": "C"},
        (),
        endpoints,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        refuse=lambda refusal: replace(
            refuse_with_problem(refusal),
            body=refuse_with_problem(refusal).body.replace(b"{", b'{"channel":"c",', 1),
        ),
    )
    bounds = Limits(**{"body_bytes_max": 2048, **limits})
    # (What is counted of its calls is kept nowhere.)
    requests = Requests(SqliteLedger(Path("never-opened.db")), WallClock())
    gate = Endpoints(
        Directory([ONE, TWO, LIMITED, *partners]),
        bounds,
        served.metrics,
        requests,
        Rates(now=lambda: served.now),
    )
    app = web.Application(client_max_size=bounds.body_bytes_max)
    app[REFUSALS] = Refusals(gate, bounds)
    app.add_routes(gate.routes(channel, cast(Desk, served.desk)))
    app.router.add_post("/open", served.read)
    app.router.add_get("/stream", served.stream)
    bound = bind("127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    secure = [
        (Listener(**{"port": 0, "channels": ["c"], **each}), bind("127.0.0.1", 0))
        for each in listeners
    ]
    served.secure = [f"https://localhost:{each.getsockname()[1]}" for _, each in secure]
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        serving(app, bounds, bound, 1.0, secure) as served.connections,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        yield served, session
        served.go.set()


async def post(
    served: Served,
    session: aiohttp.ClientSession,
    partner: Partner,
    quick: bool = False,
    body: Any = b"x",
    **headers: str,
) -> tuple[int, str, Any]:
    """Status, Retry-After and body of a call."""
    sent = {
        "X-API-Key": partner.key,
        **({"X-Quick": "yes"} if quick else {}),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    async with session.post(f"{served.url}/c/v1/messages", data=body, headers=sent) as response:
        text = await response.text()
        is_problem = response.headers["Content-Type"] == "application/problem+json"
        return (
            response.status,
            response.headers.get("Retry-After", ""),
            json.loads(text) if is_problem else text,
        )


async def until_inside(served: Served, at_least: int, at_most: int = 100) -> None:
    """Wait until so many calls are being served."""
    until = time.monotonic() + 5
    while not at_least <= len(served.inside) <= at_most:
        assert time.monotonic() < until, served.inside
        await asyncio.sleep(0.005)

"""An exchange and its stubs over real sockets in this process, for the tests of whole journeys; no
assertion.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from exchange import discovery
from exchange.assembly import Exchange
from exchange.cli.serving.port import bind
from exchange.partners.faults import Faults
from exchange.partners.server import HOST, StubHost, serve_stubs
from exchange.ports import Channel, Clock
from exchange.ports.verification import Verification
from exchange.schemas import directory
from exchange.schemas.call import Call
from exchange.schemas.directory import Directory
from exchange.settings import Settings
from exchange.storage.proof.verify import verify
from exchange.web.connection_limits import Connections
from exchange.web.serving import serving
from tests.waiting import WAIT_SECONDS


@dataclass
class Running:
    """A running exchange: its address, a session to call it, the stubs that it calls."""

    exchange: Exchange
    url: str
    session: aiohttp.ClientSession
    stubs: StubHost
    #: The addresses of its listeners with TLS.
    secure: Sequence[str] = ()
    #: Its callers' connections, with the bytes that they hold.
    connections: Connections | None = None

    def key(self, partner: str) -> dict[str, str]:
        """The header that tells who calls."""
        found = self.exchange.directory.get(partner)
        assert found is not None, partner
        return {"X-API-Key": found.key}

    async def post(
        self, path: str, body: bytes | str, partner: str = "", **headers: str
    ) -> tuple[int, Any, bytes]:
        """POST as a partner: status, headers, body. Header names with underscores for hyphens."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | (
            self.key(partner) if partner else {}
        )
        async with self.session.post(self.url + path, data=body, headers=sent) as response:
            return response.status, response.headers, await response.read()

    async def get(self, path: str, partner: str = "") -> tuple[int, Any, bytes]:
        """GET as a partner."""
        async with self.session.get(
            self.url + path, headers=self.key(partner) if partner else {}
        ) as response:
            return response.status, response.headers, await response.read()

    async def send(self, call: Call) -> tuple[int, bytes]:
        """Make a call as it stands: status and body."""
        async with self.session.request(
            call.method,
            self.url + call.path,
            data=call.body,
            headers=dict(call.headers),
            params=dict(call.query),
        ) as response:
            return response.status, await response.read()

    async def counts(self, channel: str) -> dict[str, int]:
        """The channel's counters by kind."""
        rows = await self.exchange.ledger.totals(("channel", "kind"))
        return {kind: count for (name, kind), count, _, _ in rows if name == channel}

    async def settled(self) -> None:
        """Wait until nothing is on its way any more."""
        await self.until(lambda: not self.exchange.dispatcher.held)
        await self.stubs.settle()
        until = time.monotonic() + WAIT_SECONDS
        while any((await self.exchange.ledger.waiting_by_channel()).values()):
            assert time.monotonic() < until, "deliveries still wait"
            await asyncio.sleep(0.02)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to become true."""
        until = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < until, "it did not happen in time"
            await asyncio.sleep(0.01)

    def verify(self) -> Verification:
        """Recount the ledger."""
        return verify(self.exchange.ledger.where)


@asynccontextmanager
async def running(
    folder: Path,
    faults: Faults | None = None,
    channels: Mapping[str, Channel] | None = None,
    everybody: Directory | None = None,
    listeners: Sequence[Mapping[str, Any]] = (),
    clock: Clock | None = None,
    **sections: Any,
) -> AsyncIterator[Running]:
    """Start both on free ports; sections of the settings may be given (`limits={...}`), other
    channels than those that are there, other partners, listeners with TLS, and another clock than
    the wall's.
    """
    # (Without other partners the exchange reads the directory of its settings.)
    played = everybody or directory.load()
    bound = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    stubs = await serve_stubs(discovery.stubs(), played, "127.0.0.1", 0, faults or Faults(), 1, url)
    defaults: dict[str, Any] = {
        "storage": {"url": f"sqlite:///{folder / 'exchange.db'}"},
        "partners": {"address": f"http://127.0.0.1:{stubs.addresses[0][1]}"},
        "deliveries": {"first_backoff_seconds": 0.05, "poll_seconds": 0.05},
        # Signatures have tests of their own.
        "rules": {"unsigned_deliveries": "take"},
    }
    settings = Settings(
        **{
            name: {**defaults.get(name, {}), **sections.get(name, {})}
            for name in defaults | sections
        },
        listeners=[{"host": "127.0.0.1", "port": 0, **each} for each in listeners],
    )
    exchange = Exchange(settings, clock=clock, channels=channels, directory=everybody)
    app = exchange.application()
    secure = [(each, bind(each.host, each.port)) for each in settings.listeners]
    addresses = [f"https://localhost:{each.getsockname()[1]}" for _, each in secure]
    try:
        async with (
            serving(app, settings.limits, bound, 1.0, secure) as connections,
            aiohttp.ClientSession() as session,
        ):
            yield Running(exchange, url, session, stubs.app[HOST], addresses, connections)
    finally:
        await stubs.cleanup()

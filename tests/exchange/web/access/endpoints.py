"""An exchange whose operators' endpoints are shut, with an operator of each role; no test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exchange.clocks import WallClock
from exchange.ports import Actor, Operator
from exchange.ports.operators import ROLES
from exchange.schemas.directory import digest_of
from exchange.storage.operators.accounts import LedgerOperators
from tests.journeys.running import Running, running

ME = Actor(Operator("test", "admin"), "here")


@dataclass
class Shut:
    """A running exchange, its operators and the key of each role."""

    running: Running
    operators: LedgerOperators
    keys: dict[str, str]

    async def call(
        self, method: str, path: str, role: str = "", data: Any = None, **headers: str
    ) -> tuple[int, Any, str]:
        """Status, headers and text. Header names with underscores for hyphens; no redirects."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if role:
            sent["Authorization"] = f"Bearer {self.keys[role]}"
        async with self.running.session.request(
            method, self.running.url + path, data=data, headers=sent, allow_redirects=False
        ) as response:
            return response.status, response.headers, await response.text()


@asynccontextmanager
async def shut(
    folder: Path, limits: Mapping[str, Any] | None = None, **operators: Any
) -> AsyncIterator[Shut]:
    """Serve on loopback as if beyond it: keys are demanded."""
    settings = {"operators": {"open": False, **operators}, "limits": limits or {}}
    async with running(folder, **settings) as started:
        kept = LedgerOperators(started.exchange.ledger)
        keys = {role: f"key-of-a-{role}-{'x' * 32}" for role in ROLES}
        for role, key in keys.items():
            await kept.add(Operator(f"a-{role}", role), digest_of(key), WallClock().now(), ME)
        yield Shut(started, kept, keys)


async def raw(url: str, lines: str) -> int:
    """The status that a request gets, sent as these lines: what a client would not send."""
    address = urlsplit(url)
    assert address.hostname is not None
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write((lines.replace("\n", "\r\n") + "\r\n\r\n").encode())
    await writer.drain()
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status

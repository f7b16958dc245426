"""A receiver of the drills: journals each delivery before it answers, and can misbehave towards
one partner's deliveries; also a program, so that it can be killed.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import sys
from collections import Counter
from pathlib import Path

from aiohttp import web

from tests.drills.journal import Arrival, ReceiverJournal

BLOCK = b"x" * 65_536
#: Bytes of an answer without end that are sent at most.
ENDLESS_BYTES = 256 * 1024 * 1024
#: How partners can misbehave.
WAYS = ("silent", "slow", "closing", "half-closing", "endless-header", "endless-body", "garbage")


class Receiver:
    """Answers for every partner at `/<partner>/...`; `badly` names who misbehaves and how."""

    def __init__(self, journal: ReceiverJournal) -> None:
        self.journal = journal
        self.badly: dict[str, str] = {}
        #: Calls that were misbehaved at, by the way.
        self.misbehaved: Counter[str] = Counter()
        #: The most that the exchange, and the system for it, took of one answer without end.
        self.poured_bytes = 0
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> str:
        """Listen; the base address."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{partner}/{rest:.*}", self.take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def take(self, request: web.Request) -> web.StreamResponse:
        """A delivery: misbehave, or journal it and answer."""
        partner = request.match_info["partner"]
        body = await request.read()
        if way := self.badly.get(partner):
            self.misbehaved[way] += 1
            await self._misbehave(request, way)
            return web.Response(status=503)
        self.journal.write(
            Arrival(
                partner,
                request.headers.get("X-Message-Id", ""),
                request.headers.get("X-Delivery-Id", ""),
                hashlib.sha256(body).hexdigest(),
            )
        )
        return web.Response(status=202)

    async def _misbehave(self, request: web.Request, way: str) -> None:
        transport = request.transport
        if transport is None:
            return
        assert isinstance(transport, asyncio.Transport)
        if way in ("silent", "slow"):
            while not transport.is_closing() and request.match_info["partner"] in self.badly:
                if way == "slow":
                    transport.write(b"H")
                await asyncio.sleep(0.05)
        elif way == "garbage":
            transport.write(bytes(range(256)) * 16)
        elif way == "half-closing":
            transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\n")
            transport.write_eof()
            await asyncio.sleep(0.2)
        elif way.startswith("endless"):
            transport.write(b"HTTP/1.1 200 OK\r\n")
            transport.write(
                b"X-Long: "
                if way == "endless-header"
                else b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % ENDLESS_BYTES
            )
            await self._pour(transport)
        transport.close()

    async def _pour(self, transport: asyncio.Transport) -> None:
        """Send for as long as the exchange reads."""
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, len(BLOCK)
        )
        sent = 0
        while sent < ENDLESS_BYTES and not transport.is_closing():
            if transport.get_write_buffer_size() < 4 * len(BLOCK):
                transport.write(BLOCK)
                sent += len(BLOCK)
            await asyncio.sleep(0)
            self.poured_bytes = max(self.poured_bytes, sent - transport.get_write_buffer_size())


async def _serve(port: int, path: Path) -> None:
    await Receiver(ReceiverJournal(path)).start(port)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))

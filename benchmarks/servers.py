"""What the exchange is measured against: a bare aiohttp echo, aiohttp with parsing and XSD validation, and a sink for deliveries."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import cast

import uvloop
from aiohttp import web
from lxml import etree

BODY_BYTES_MAX = 64 * 1024 * 1024


def echo() -> web.Application:
    """Answers every POST with the same bytes."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_post("/{path:.*}", answer)
    return app


def ceiling(schema_path: Path) -> web.Application:
    """Parses, finds the message (the body of a SOAP envelope, or the root), validates it, answers a few bytes."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    schema = etree.XMLSchema(etree.parse(str(schema_path)))
    soap_body = "{http://schemas.xmlsoap.org/soap/envelope/}Body"

    async def answer(request: web.Request) -> web.Response:
        root = etree.fromstring(await request.read(), parser)
        wrapped = root.find(soap_body)
        valid = schema.validate(root if wrapped is None else wrapped[0])
        return web.Response(status=200 if valid else 400, body=b"<ok/>")

    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_post("/{path:.*}", answer)
    return app


class Sink(asyncio.Protocol):
    """A partner that takes every delivery at once, at the least cost that HTTP allows."""

    def __init__(self, answer: bytes) -> None:
        self._answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(answer),
            answer,
        )
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        buffer = self._buffer
        buffer += data
        while (head := buffer.find(b"\r\n\r\n")) >= 0:
            at = buffer.lower().find(b"content-length:", 0, head)
            length = int(buffer[at + 15 : buffer.find(b"\r\n", at)]) if at >= 0 else 0
            if len(buffer) < head + 4 + length:
                return
            del buffer[: head + 4 + length]
            self._transport.write(self._answer)


async def _serve(kind: str, port: int, argument: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if kind == "sink":
        server = await asyncio.get_running_loop().create_server(lambda: Sink(argument.encode()), "127.0.0.1", port)
        await stop.wait()
        server.close()
        return
    runner = web.AppRunner(echo() if kind == "echo" else ceiling(Path(argument)), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))

"""What the exchange is measured against: a bare aiohttp echo, aiohttp with parsing and XSD
validation, and a sink for deliveries.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import uvloop
from aiohttp import web
from lxml import etree
from multidict import CIMultiDict

from exchange import discovery
from exchange.partners.stub import Situation
from exchange.schemas import directory
from exchange.schemas.call import Call, Reply

BODY_BYTES_MAX = 64 * 1024 * 1024


def echo() -> web.Application:
    """Answers every POST with the same bytes."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_post("/{path:.*}", answer)
    return app


def schema_judge(schema_paths: Sequence[Path]) -> Callable[[Any], bool]:
    """Judges a parsed document by XSDs: the message (the body of a SOAP envelope, or the root).

    With several schemas the first judges the root, the others the root's children from the second
    on (a SED after its header).
    """
    schema, *further = (etree.XMLSchema(etree.parse(str(path))) for path in schema_paths)
    soap_body = "{http://schemas.xmlsoap.org/soap/envelope/}Body"

    def is_valid(root: Any) -> bool:
        wrapped = root.find(soap_body)
        return schema.validate(root if wrapped is None else wrapped[0]) and all(
            each.validate(element) for each, element in zip(further, list(root)[1:], strict=True)
        )

    return is_valid


def ceiling(schema_paths: Sequence[Path]) -> web.Application:
    """Parses, judges by the schemas, answers a few bytes."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    is_valid = schema_judge(schema_paths)

    async def answer(request: web.Request) -> web.Response:
        valid = is_valid(etree.fromstring(await request.read(), parser))
        return web.Response(status=200 if valid else 400, body=b"<ok/>")

    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_post("/{path:.*}", answer)
    return app


class Sink(asyncio.Protocol):
    """A partner that takes every delivery at once, at the least cost that HTTP allows."""

    def __init__(self, answer: Callable[[bytes, bytes], Reply]) -> None:
        self._answer = answer
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
            reply = self._answer(bytes(buffer[:head]), bytes(buffer[head + 4 : head + 4 + length]))
            del buffer[: head + 4 + length]
            line = (
                f"HTTP/1.1 {reply.status} -\r\nContent-Type: "
                f"{reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n\r\n"
            )
            self._transport.write(line.encode() + reply.body)


def take_all(_head: bytes, _body: bytes) -> Reply:
    """Every delivery is taken."""
    return Reply(200, b"{}")


def play(channel: str) -> Callable[[bytes, bytes], Reply]:
    """The stub of a channel answers; what it would send unasked is left out."""
    stub = next(stub for stub in discovery.stubs() if stub.channel == channel)
    everybody = directory.load()

    def answer(head: bytes, body: bytes) -> Reply:
        request, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = request.split(" ")
        partner_id, _, path = target[1:].partition("/")
        headers = CIMultiDict(
            (name, value) for name, _, value in (line.partition(": ") for line in lines)
        )
        partner = everybody.get(partner_id)
        assert partner is not None, partner_id
        situation = Situation(random.Random(head), time.time_ns() // 1_000_000, 1, everybody)
        served = stub.serve(partner, Call(method, "/" + path, headers, body), situation)
        return served.reply if served is not None else Reply(404)

    return answer


async def stopped() -> None:
    """Returns when the process is told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


async def serve(app: web.Application, port: int) -> None:
    """Serve the application until the process is told to stop."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await stopped()
    await runner.cleanup()


async def _main(kind: str, port: int, arguments: Sequence[str]) -> None:
    if kind != "sink":
        app = echo() if kind == "echo" else ceiling([Path(argument) for argument in arguments])
        await serve(app, port)
        return
    answer = play(arguments[0]) if arguments else take_all
    server = await asyncio.get_running_loop().create_server(lambda: Sink(answer), "127.0.0.1", port)
    await stopped()
    server.close()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))

"""Every push that a channel makes is described: its path and its headers, in the OpenAPI too."""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import openapi_spec_validator
from aiohttp import web

from exchange import discovery
from exchange.partners.stub import Situation
from exchange.ports.channel import Push
from tests.journeys.bad_input.forms import FORMS
from tests.journeys.running import Running, running

#: Channels that only answer who asks.
CALLS_NOBODY = {"population-register"}
#: Headers of HTTP itself.
OF_HTTP = {"host", "accept", "accept-encoding", "user-agent", "content-length", "content-type"}
OF_EVERY_PUSH = {
    "X-Delivery-Id",
    "X-Sender",
    "X-Message-Type",
    "X-Sender-Message-Id",
    "X-Timestamp",
    "X-Signature",
    "traceparent",
    "X-Request-Id",
}
#: For receivers with a secret, and for what came with a trace.
NOT_ALWAYS = {"X-Timestamp", "X-Signature", "traceparent", "X-Request-Id"}


@asynccontextmanager
async def noting(seen: list[tuple[str, Mapping[str, str]]]) -> AsyncIterator[str]:
    """A receiver that notes path and headers of every call."""

    async def take(request: web.Request) -> web.Response:
        # The first step is the partner's own address.
        seen.append(("/" + request.path.split("/", 2)[2], dict(request.headers)))
        return web.Response(status=202)

    app = web.Application(client_max_size=1 << 25)
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def described(path: str) -> Push | None:
    """The description of a push to that path."""
    for channel in discovery.channels().values():
        for push in channel.pushes:
            if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(push.path)), path):
                return push
    return None


async def test_what_is_pushed_is_described(tmp_path: Path) -> None:
    seen: list[tuple[str, Mapping[str, str]]] = []
    async with (
        noting(seen) as address,
        running(tmp_path, partners={"address": address}) as started,
    ):
        calls = [form.sending().call for form in FORMS]
        posts = [
            asyncio.ensure_future(
                started.session.request(
                    call.method, started.url + call.path, data=call.body, headers=call.headers
                )
            )
            for call in calls
        ]
        wanted = {"/luova", "/kelmu", "/eessi"}
        await started.until(lambda: wanted <= {path[: path.index("/", 1)] for path, _ in seen})
        for post in posts:
            post.cancel()
            with suppress(asyncio.CancelledError):
                await post
    for path, headers in seen:
        push = described(path)
        assert push is not None, path
        own = {name for name in headers if name.lower() not in OF_HTTP}
        assert own - OF_EVERY_PUSH <= {*push.headers}, path
        assert own >= OF_EVERY_PUSH - NOT_ALWAYS, path
        assert headers["Content-Type"].partition(";")[0] in push.media_types


async def test_the_interface_describes_every_push(tmp_path: Path) -> None:
    async with (
        running(tmp_path) as started,
        started.session.get(f"{started.url}/api/openapi.json") as answered,
    ):
        document = await answered.json()
    openapi_spec_validator.validate(document)
    for channel in discovery.channels().values():
        assert bool(channel.pushes) != (channel.name in CALLS_NOBODY), channel.name
        for push in channel.pushes:
            told = document["webhooks"][f"{channel.name} {push.path}"]["post"]
            names = {each["name"] for each in told["parameters"]}
            assert names == {*push.headers, *OF_EVERY_PUSH}


async def kept(served: Running, channel: str) -> tuple[int, int]:
    """Messages of a channel and their deliveries, after one call of each type of its stub."""
    directory, now = served.exchange.directory, served.exchange.clock.now()
    (stub,) = (each for each in discovery.stubs() if each.channel == channel)
    flows = {flow.message_type: flow for flow in stub.flows(directory)}
    for serial, flow in enumerate(flows.values(), 1):
        made = flow.make(Situation(random.Random(serial), now, serial, directory))
        status, reply = await served.send(made.call)
        assert status in (200, 202), reply
    await served.settled()
    with closing(sqlite3.connect(served.exchange.ledger.path)) as connection:
        messages, deliveries = connection.execute(
            "SELECT COUNT(DISTINCT message.id),COUNT(delivery.id) FROM message "
            "LEFT JOIN delivery ON delivery.message_id=message.id AND mode='push' WHERE channel=?",
            (channel,),
        ).fetchone()
    return messages, deliveries


async def test_what_describes_no_push_delivers_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as served:
        for channel in CALLS_NOBODY:
            messages, deliveries = await kept(served, channel)
            assert (messages > 0, deliveries) == (True, 0)
        messages, deliveries = await kept(served, "eessi")
        assert messages > 0 < deliveries, "of a channel with pushes the same query finds some"

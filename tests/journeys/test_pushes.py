"""Every push that a channel makes is described: its path and its headers, in the OpenAPI too."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import openapi_spec_validator
from aiohttp import web

from exchange import discovery
from exchange.ports.channel import Push
from tests.journeys.bad_input.forms import FORMS
from tests.journeys.running import running

#: Headers of HTTP itself.
OF_HTTP = {"host", "accept", "accept-encoding", "user-agent", "content-length", "content-type"}
OF_EVERY_PUSH = {
    "X-Delivery-Id",
    "X-Sender",
    "X-Sender-Message-Id",
    "X-Timestamp",
    "X-Signature",
}


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
        assert own >= OF_EVERY_PUSH - {"X-Timestamp", "X-Signature"}, path
        assert headers["Content-Type"].partition(";")[0] in push.media_types


async def test_the_interface_describes_every_push(tmp_path: Path) -> None:
    async with (
        running(tmp_path) as started,
        started.session.get(f"{started.url}/api/openapi.json") as answered,
    ):
        document = await answered.json()
    openapi_spec_validator.validate(document)
    for channel in discovery.channels().values():
        assert channel.pushes, f"{channel.name} describes what it pushes"
        for push in channel.pushes:
            told = document["webhooks"][f"{channel.name} {push.path}"]["post"]
            names = {each["name"] for each in told["parameters"]}
            assert names == {*push.headers, *OF_EVERY_PUSH}

"""Tests of the live page over HTTP: its headers, its events, and that watching is bounded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from exchange.web.pages import live
from exchange.web.pages.live import LivePage
from tests.exchange.web.pages.made_up import CHANNELS, ROWS, Growing

Client = Callable[[web.Application], Awaitable[TestClient[Any, Any]]]


def application(source: Growing, interval_seconds: float = 0.01) -> web.Application:
    app = web.Application()
    LivePage(source, CHANNELS, ROWS, interval_seconds).attach(app)
    return app


async def next_event(response: ClientResponse) -> dict[str, Any]:
    while True:
        line = (await response.content.readline()).decode()
        assert line, "the stream ended"
        if line.startswith("data: "):
            return dict(json.loads(line.removeprefix("data: ")))


def number(text: str) -> int:
    return int(text.replace("\u00a0", ""))


async def test_the_page_and_its_assets_are_served_with_a_tight_policy(
    aiohttp_client: Client,
) -> None:
    client = await aiohttp_client(application(Growing()))
    response = await client.get("/", headers={"Accept-Language": "fi"})
    assert response.status == 200
    assert response.headers["Content-Language"] == "fi"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    for asset, content_type in live.ASSET_TYPES.items():
        served = await client.get(f"/live/{asset}")
        assert (served.status, served.content_type) == (200, content_type)


async def test_events_tell_of_what_grew(aiohttp_client: Client) -> None:
    client = await aiohttp_client(application(Growing()))
    async with client.get("/live/events?lang=en") as response:
        assert response.content_type == "text/event-stream"
        first, second = await next_event(response), await next_event(response)
    assert (
        number(second["texts"]["luova.received"]) == number(first["texts"]["luova.received"]) + 100
    )
    assert second["texts"]["luova.received.rate"] == "100"


async def test_figures_that_cost_much_are_told_once(aiohttp_client: Client) -> None:
    """They are kept for longer than the interval; an event that repeats them would say that nothing
    grew.
    """
    client = await aiohttp_client(application(Growing(cost_seconds=0.02), interval_seconds=0.001))
    async with client.get("/live/events?lang=en") as response:
        told = [number((await next_event(response))["texts"]["luova.received"]) for _ in range(3)]
    assert told == [1100, 1200, 1300]


async def test_all_that_watch_share_the_figures(aiohttp_client: Client) -> None:
    source = Growing()
    client = await aiohttp_client(application(source, interval_seconds=60))
    await asyncio.gather(*(client.get("/") for _ in range(20)))
    assert source.asked == 1


async def test_nobody_watching_costs_nothing(aiohttp_client: Client) -> None:
    source = Growing()
    await aiohttp_client(application(source))
    assert source.asked == 0


async def test_one_watcher_too_many_is_asked_to_come_again(
    aiohttp_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WATCHERS_MAX", 1)
    client = await aiohttp_client(application(Growing()))
    async with client.get("/live/events") as response:
        await next_event(response)
        refused = await client.get("/live/events")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "30")


async def test_streams_end_when_the_exchange_stops(aiohttp_client: Client) -> None:
    app = application(Growing())
    client = await aiohttp_client(app)
    async with client.get("/live/events") as response:
        await next_event(response)
        await app.shutdown()
        async with asyncio.timeout(5):
            await response.content.read()

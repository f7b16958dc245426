"""Nothing answers without a trace: each call of each endpoint leaves a message or a counted
request, and what tells of persons leaves a record of to whom.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from exchange import discovery
from exchange.ports import Channel, Desk, Endpoint
from exchange.schemas.call import Call, Reply, json_reply
from exchange.schemas.directory import Partner
from exchange.web.figures.overview import FRESH_SECONDS
from tests.journeys.running import Running, running
from tests.journeys.traces.callers import populate, pushed, without_trace


async def test_every_endpoint_of_every_channel_leaves_a_trace(tmp_path: Path) -> None:
    async with running(tmp_path) as served:
        await populate(served)
        assert await without_trace(served) == {}
        await pushed(served)
        await asyncio.sleep(FRESH_SECONDS)
        assert await shown(served) == await counted(served)
        assert served.verify().clean


async def counted(served: Running) -> tuple[int, int]:
    """Messages received and requests, by the API."""
    async with served.session.get(f"{served.url}/api/v1/counters?by=kind") as response:
        kinds = {row["kind"]: row["count"] for row in await response.json()}
    assert kinds["requested"], "something was asked that is no message"
    assert kinds["request-refused"], "something of it was refused"
    return kinds["received"], kinds["requested"] + kinds["request-refused"]


async def shown(served: Running) -> tuple[int, int]:
    """The same, by /metrics."""
    status, _, body = await served.get("/metrics")
    assert status == 200
    text = body.decode()
    received = re.findall(r'^exchange_messages_total\{.*kind="received"\} (\S+)$', text, re.M)
    requests = re.findall(r"^exchange_requests_total\{.*\} (\S+)$", text, re.M)
    return int(sum(map(float, received))), int(sum(map(float, requests)))


async def _nothing(call: Call, partner: Partner, desk: Desk) -> Reply:
    return json_reply({"taken": True})


async def _everything(call: Call, partner: Partner, desk: Desk) -> Reply:
    types = ("population.births", "kelmu.benefit-query", "unemployment.earnings-data")
    bodies = [body for _, body in await desk.stored(types, 0, 1 << 62, 10)]
    return Reply(200, b"".join(bodies))


#: Endpoints that answer without a trace, and what is told of each.
PLANTED: dict[str, tuple[Callable[[Call, Partner, Desk], Awaitable[Reply]], bool, str]] = {
    "/luova/v1/planted-message": (_nothing, True, "no message after a reply with status 200"),
    "/luova/v1/planted-reading": (
        _everything,
        False,
        "persons were told of, and nothing says to whom",
    ),
}


@pytest.mark.parametrize("path", PLANTED)
async def test_an_endpoint_that_answers_without_a_trace_is_found(tmp_path: Path, path: str) -> None:
    handler, takes_messages, why = PLANTED[path]
    planted = Endpoint("POST", path, "Planted", handler, takes_messages=takes_messages)
    luova = discovery.channels()["luova"]
    channels: dict[str, Channel] = {"luova": replace(luova, endpoints=(planted,))}
    async with running(tmp_path, channels=channels) as served:
        if not takes_messages:
            await fill(served)
        assert await without_trace(served) == {f"POST {path}": why}


async def fill(served: Running) -> None:
    """One message about a person, past the endpoints."""
    from exchange.ports import Inbound
    from tests.exchange.journey.way import BODY

    dvv = served.exchange.directory.get("dvv")
    assert dvv is not None
    hints = {"type": "population.births", "id": "one"}
    desk = served.exchange.desk(served.exchange.channels["luova"])
    taken = await desk.accept(Inbound(dvv, BODY, "application/json", "api", hints))
    assert taken.kind == "accepted", taken.violations

"""Every address that takes a body, whoever added it, refuses one of a byte more than the limit and
one that is compressed: in its own form, counted, and nothing of it is kept.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.exchange.web.access.endpoints import Shut, shut
from tests.exchange.web.access.test_every_route import Route, of_partners, routes

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT_BYTES = 65_536
COUNTED = re.compile(rb'exchange_refused_total\{channel="([^"]+)",reason="([^"]+)"\} (\d+)')
#: Addresses that answer without the whole body: there is nothing to do, or nobody by that name.
UNREAD = {
    "/sign-out": 303,
    "/sign-in": 400,
    "/api/v1/dead-letters/job/stop": 404,
    "/api/v1/partners/{id}/resume": 404,
    "/api/v1/partners/{id}/rotate": 404,
    "/api/v1/partners/{id}/remove": 404,
    "/api/v1/reset": 409,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shut]:
    """An exchange that takes bodies of at most 64 KiB."""
    folder = tmp_path_factory.mktemp("bodies")
    async with shut(folder, limits={"body_bytes_max": LIMIT_BYTES}) as started:
        yield started


def taking_bodies(small: Shut) -> list[Route]:
    """The routes that take a body."""
    every = routes(small.running.exchange.application())
    return [each for each in every if each.method in ("POST", "PUT", "PATCH", "DELETE")]


async def refused(small: Shut) -> Counter[str]:
    """How many calls each channel refused so far, and why."""
    _, _, text = await small.call("GET", "/metrics", "viewer")
    return Counter(
        {
            f"{channel.decode()} {reason.decode()}": int(count)
            for channel, reason, count in COUNTED.findall(text.encode())
        }
    )


async def whole(body: bytes) -> AsyncIterator[bytes]:
    """The body, whose length nobody says before."""
    yield body


async def sent(
    small: Shut, route: Route, body: bytes, is_partners: bool, chunked: bool, **more: str
) -> tuple[int, str, bytes]:
    """Status, media type and body of the reply to a caller who may call."""
    headers = {"Content-Type": "application/json", **more}
    if is_partners:
        headers |= small.running.key("dvv")
    else:
        headers["Authorization"] = f"Bearer {small.keys['admin']}"
    async with small.running.session.request(
        route.method,
        small.running.url + route.address,
        data=whole(body) if chunked else body,
        headers=headers,
        allow_redirects=False,
    ) as response:
        return response.status, response.content_type, await response.read()


async def nothing_is_held(small: Shut) -> None:
    connections = small.running.connections
    assert connections is not None
    async with asyncio.timeout(5):
        while connections.held_bytes or connections.unknown_bytes:
            await asyncio.sleep(0.01)


#: X-Road's own addresses: a REST call to a service, an envelope, and that anywhere below its root.
TO_X_ROAD = (
    ("PUT", "/r1/FI-TEST/GOV/0245437-2/VTJmutpa/VTJmutpa/api/v1/perustiedot"),
    ("POST", "/x-road"),
    ("POST", "/x-road/anywhere"),
    ("PUT", "/x-road/r1/FI-TEST/GOV/0245437-2/VTJmutpa/VTJmutpa/x"),
)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("what", ["too-large", "unsupported"])
async def test_x_road_refuses_it_with_its_own_fault(small: Shut, what: str, chunked: bool) -> None:
    body, more = b" " * (LIMIT_BYTES + 1), {"X-Road-Client": "FI-TEST/MUN/1234567-1/koe"}
    if what == "unsupported":
        body, more = gzip.compress(b"{}"), {**more, "Content-Encoding": "gzip"}
    before = await refused(small)
    for method, address in TO_X_ROAD:
        route = Route(method, address, address)
        status, kind, text = await sent(small, route, body, True, chunked, **more)
        # (A SOAP fault of a security server comes with 200.)
        assert status == (500 if "/r1/" in address else 200), (address, status, text)
        assert b"server.clientproxy.io_error" in text, (address, text)
        assert kind == ("application/json" if "/r1/" in address else "text/xml"), (address, kind)
    counted = await refused(small) - before
    assert counted == {"x-road server.clientproxy.io_error": len(TO_X_ROAD)}
    await nothing_is_held(small)


@pytest.mark.parametrize(("what", "status"), [("too-large", 413), ("unsupported", 415)])
async def test_every_address_refuses_it(small: Shut, what: str, status: int) -> None:
    """Every second one comes in chunks, so that nobody says before how large it is."""
    body, more = b" " * (LIMIT_BYTES + 1), {}
    if what == "unsupported":
        body, more = gzip.compress(b"{}"), {"Content-Encoding": "gzip"}
    before, wrong, told = await refused(small), [], 0
    every, partners = taking_bodies(small), {each.path for each in of_partners(small)}
    assert len(every) > 30
    for number, route in enumerate(every):
        is_partners = route.path in partners
        got, kind, text = await sent(small, route, body, is_partners, number % 2 == 1, **more)
        expected = status if what == "unsupported" else UNREAD.get(route.path, status)
        told += got == status
        if got != expected or (
            kind == "application/problem+json" and json.loads(text)["status"] != got
        ):
            wrong.append((route, got, text[:200]))
    assert wrong == []
    counted = await refused(small) - before
    assert sum(count for name, count in counted.items() if name.endswith(what)) == told
    await nothing_is_held(small)

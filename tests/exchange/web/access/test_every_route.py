"""Every route that the application has, whoever added it, asks for a key, a role, our host and our
page, by whichever method; what needs none is listed here.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import NamedTuple

import pytest
import pytest_asyncio
from aiohttp import web

from exchange.ports.operators import ROLES
from tests.exchange.web.access.endpoints import Shut, shut
from tests.exchange.web.access.test_keys import DESCRIBED, HIGHER

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Channels' addresses that anybody may read: descriptions.
PUBLIC = re.compile(r"GET /[\w/-]+/(schemas/x|\w+Service\.svc)|(GET|HEAD) /listClients")
#: Of the operators' addresses those that need no key, and pages that need more than a viewer's.
ANY_HOST = {"/health/live", "/health/ready"}
OPEN = ANY_HOST | {*DESCRIBED, "/sign-in", "/sign-out"}
PAGES = {"/audit": "admin", "/disclosures": "admin", "/kelmu/": "operator"}
FORMS = dict.fromkeys(("/messages", "/stubs", "/dead-letters", "/partners/{id}"), "operator")
FOREIGN = {"Host": "evil.example"}, {"Origin": "https://evil.example"}


class Route(NamedTuple):
    """A method, an address as the router has it, and one to call."""

    method: str
    path: str
    address: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shut]:
    async with shut(tmp_path_factory.mktemp("routes"), failed_keys_max=100_000) as started:
        yield started


def routes(app: web.Application) -> Iterator[Route]:
    """Every route with ids of nothing in it; of those for all methods GET."""
    for route in app.router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        whole = re.sub(r"\{(rest|tail)\}", "/nothing", path)
        # (A report would take a process to be made.)
        query = "?year=1" if path.startswith("/statistics") else ""
        address = re.sub(r"\{\w+\}", "x", DESCRIBED.get(path, whole)) + query
        yield Route("GET" if route.method == "*" else route.method, path, address)


def of_partners(closed: Shut) -> list[Route]:
    """The routes that partners call."""
    channels = closed.running.exchange.channels.values()
    roots = {each.path.split("/")[1] for channel in channels for each in channel.endpoints}
    roots |= {"r1", "x-road", "listClients"}
    return [
        each
        for each in routes(closed.running.exchange.application())
        if re.split(r"[/{]", each.path)[1] in roots and each.path not in PAGES
    ]


async def status(closed: Shut, route: Route, role: str = "", **headers: str) -> int:
    """What a call gets; no more of it is read."""
    return (await answered(closed, route, role, **headers))[0]


async def answered(
    closed: Shut, route: Route, role: str = "", **headers: str
) -> tuple[int, Mapping[str, str]]:
    """The same with the headers of the reply."""
    sent = {"Content-Type": "application/json", **headers}
    if role:
        sent["Authorization"] = f"Bearer {closed.keys[role]}"
    url = closed.running.url + route.address
    async with closed.running.session.request(
        route.method, url, headers=sent, allow_redirects=False
    ) as response:
        return response.status, response.headers


async def test_every_route_of_the_operators_asks_for_its_role_and_for_our_own_page(
    closed: Shut,
) -> None:
    partner = closed.running.key("dvv")["X-API-Key"]
    of_others = {each.path for each in of_partners(closed)}
    own = [
        each for each in routes(closed.running.exchange.application()) if each.path not in of_others
    ]
    assert {"GET", "HEAD", "POST"} == {each.method for each in own}
    wrong = []
    for route in own:
        named = "get" if route.method == "HEAD" else route.method.lower()
        pages = PAGES | FORMS if named == "post" else PAGES
        role = HIGHER.get((named, route.path), pages.get(route.path, "viewer"))
        is_open = route.path in OPEN or (
            route.path.startswith("/live/") and "events" not in route.path
        )
        replies = {each: await answered(closed, route, each) for each in ("", *ROLES)}
        found = {each: got for each, (got, _) in replies.items()}
        got, told = replies["admin"]
        kept = told.get("Cache-Control"), told.get("X-Content-Type-Options")
        if got == 200 and not route.path.startswith("/live/") and kept != ("no-store", "nosniff"):
            wrong.append((route, {str(kept): got}))
        allowed = {each for each, got in found.items() if got not in (401, 403)}
        may = {"", *ROLES} if is_open else {*ROLES[ROLES.index(role) :]}
        if allowed != may or (found[""] != 401 and not is_open):
            wrong.append((route, found))
        for headers in ({"X-API-Key": partner}, {"Authorization": f"Bearer {partner}"}):
            if not is_open and (got := await status(closed, route, "", **headers)) != 401:
                wrong.append((route, {"a partner's key": got}))
        for headers, refusal in zip(FOREIGN, (421, 403), strict=True):
            got = await status(closed, route, "admin", **headers)
            if got != refusal and not (refusal == 421 and route.path in ANY_HOST):
                wrong.append((route, {str(headers): got}))
    assert wrong == []


async def test_every_route_of_the_partners_asks_for_a_partners_key(closed: Shut) -> None:
    """X-Road's own addresses answer with faults, whose tests are beside them."""
    own = [each for each in of_partners(closed) if not each.path.startswith(("/r1", "/x-road"))]
    assert len(own) > 50
    wrong = []
    for route in own:
        is_public = PUBLIC.fullmatch(f"{route.method} {route.address}") is not None
        no_endpoint = "{rest}" in route.path
        for role, headers in (("", {}), ("admin", {}), ("", {"X-API-Key": "nobody's"})):
            got = await status(closed, route, role, **headers)
            if not (is_public or got == (404 if no_endpoint else 401)):
                wrong.append((route, role, got))
    assert wrong == []


async def test_head_leases_nothing(closed: Shut) -> None:
    """What a mailbox hands out would be lost: a reply to HEAD has no body."""
    mailbox = Route("HEAD", "", "/luova/v1/mailbox")
    headers = closed.running.key("fund.super")
    assert await status(closed, mailbox, **headers) == 405
    assert await status(closed, mailbox._replace(method="GET"), **headers) == 200

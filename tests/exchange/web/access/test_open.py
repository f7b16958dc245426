"""On loopback as shipped: no key, but the Host, the Origin and the media type of changes are always
looked at; partners' endpoints look at none.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.exchange.journey.way import BODY
from tests.exchange.web.access.endpoints import raw
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS = (
    "/",
    "/live/events",
    "/live/page.css",
    "/sign-in",
    "/metrics",
    "/api/openapi.json",
    "/api/v1/snapshot",
    "/api/v1/messages/00000000000000000000000000000001/body",
    "/no/such/page",
)
FOREIGN_HOSTS = (
    "evil.example",
    "evil.example:8080",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil-localhost",
    "localhost@evil.example",
    "[::2]:8080",
    "127.0.0.1:port",
)
FOREIGN_ORIGINS = (
    "https://evil.example",
    "null",
    "http://127.0.0.1:1",
    "http://127.0.0.1",
    "file://",
    "",
)
RESEND = json.dumps({"deliveries": ["0" * 31 + "1"]})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("open")) as started:
        yield started


async def status_of(served: Running, path: str, method: str = "GET", **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    data = RESEND if method == "POST" else None
    async with served.session.request(
        method, served.url + path, headers=sent, data=data, allow_redirects=False
    ) as response:
        return response.status


@pytest.mark.parametrize("path", PATHS)
async def test_a_foreign_host_gets_nothing_of_the_operators(served: Running, path: str) -> None:
    for host in FOREIGN_HOSTS:
        assert await status_of(served, path, Host=host) == 421, host
    for host in ("localhost", "127.0.0.1:9", "[::1]:8080", "LOCALHOST:8080"):
        assert await status_of(served, path, Host=host) != 421, host


@pytest.mark.parametrize(
    "lines",
    [
        "GET /api/v1/snapshot HTTP/1.1\nHost: localhost\nHost: evil.example",
        "GET /api/v1/snapshot HTTP/1.1\nHost: evil.example\nHost: localhost",
        "GET http://evil.example/api/v1/snapshot HTTP/1.1\nHost: localhost",
        "GET /api/v1/snapshot HTTP/1.1\nHost:",
        "GET /api/v1/snapshot HTTP/1.0",
    ],
)
async def test_a_host_that_is_not_one_of_ours_alone_is_refused(served: Running, lines: str) -> None:
    assert await raw(served.url, lines) in (400, 421)


@pytest.mark.parametrize("path", PATHS)
async def test_a_foreign_page_gets_nothing(served: Running, path: str) -> None:
    for origin in FOREIGN_ORIGINS:
        assert await status_of(served, path, Origin=origin) == 403, origin
    assert await status_of(served, path, Origin=served.url) != 403 or path == "/live/events"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; "
                                                                        "boundary=x", ""]
)  # fmt: skip
async def test_a_change_is_json_or_nothing(served: Running, content_type: str) -> None:
    path = "/api/v1/dead-letters/resend"
    assert await status_of(served, path, "POST", Content_Type=content_type) == 415
    json_type = "application/json"
    assert await status_of(served, path, "POST", Content_Type=json_type) == 200
    assert await status_of(served, path, "POST", Content_Type=json_type, Origin="null") == 403


async def test_partners_are_served_by_any_host(served: Running) -> None:
    headers = {"X_Message_Type": "population.births", "Content_Type": "application/json"}
    status, _, body = await served.post(
        "/luova/v1/messages", BODY, "dvv", X_Message_Id="h-1", Host="exchange.example", **headers
    )
    assert status == 202, body
    assert await status_of(served, "/luova/v1/nothing", Host="exchange.example") == 404
    assert await status_of(served, "/health/live", Host="exchange.example") == 200


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP"]
)  # fmt: skip
async def test_what_a_proxy_hands_on_needs_a_key(served: Running, header: str) -> None:
    """A proxy on this machine makes every caller look like loopback."""
    name = header.replace("-", "_")
    assert await status_of(served, "/api/v1/snapshot") == 200
    assert await status_of(served, "/api/v1/snapshot", **{name: "for=192.0.2.7"}) == 401
    assert await status_of(served, "/", **{name: "x", "Accept": "text/html"}) == 303
    assert await status_of(served, "/health/ready", **{name: "192.0.2.7"}) == 200


async def test_a_wrong_key_is_told_where_none_is_needed(served: Running) -> None:
    assert await status_of(served, "/api/v1/snapshot", Authorization="Bearer wrong") == 401


async def test_a_resend_is_in_the_audit_log(served: Running) -> None:
    wanted = {"deliveries": ["0" * 30 + "ff"]}
    headers = {"Content-Type": "application/json"}
    async with served.session.post(
        served.url + "/api/v1/dead-letters/resend", json=wanted, headers=headers
    ) as response:
        assert response.status == 200
    _, _, body = await served.get("/api/v1/audit")
    newest = json.loads(body)[0]
    assert {name: newest[name] for name in ("operator", "role", "what", "target", "outcome")} == {
        "operator": "open",
        "role": "admin",
        "what": "resend",
        "target": "0" * 30 + "ff",
        "outcome": "no dead letter has that id",
    }
    assert newest["address"] == "127.0.0.1"
    _, _, rest = await served.get(f"/api/v1/audit?before={newest['id']}")
    assert newest["id"] not in [row["id"] for row in json.loads(rest)]
    assert (await served.get("/api/v1/audit?before=x"))[0] == 400

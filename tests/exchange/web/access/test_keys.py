"""Where keys are demanded: each operation asks for its role, sessions last as long as their
keys, and wrong keys are slowed down without locking anybody out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from yarl import URL

from exchange.cli.accounts import operators_of
from exchange.clocks import WallClock
from exchange.ports import Operator
from exchange.ports.operators import ROLES
from exchange.schemas.directory import digest_of
from exchange.web.pages import live
from tests.exchange.web.access.endpoints import ME, Shut, shut
from tests.journeys.running import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What needs more than a viewer.
HIGHER = {
    ("get", "/api/v1/messages/{id}/body"): "operator",
    ("post", "/api/v1/dead-letters/resend"): "operator",
    ("post", "/api/v1/dead-letters/job/stop"): "operator",
    ("post", "/api/v1/dead-letters/skip"): "operator",
    ("post", "/api/v1/partners/{id}/pause"): "operator",
    ("post", "/api/v1/partners/{id}/resume"): "operator",
    ("post", "/api/v1/partners"): "admin",
    ("post", "/api/v1/partners/{id}/rotate"): "admin",
    ("post", "/api/v1/partners/{id}/remove"): "admin",
    ("post", "/api/v1/reset"): "admin",
    ("get", "/api/v1/audit"): "admin",
    ("post", "/api/v1/messages/search"): "operator",
    ("get", "/api/v1/disclosures"): "operator",
    ("post", "/api/v1/disclosures/search"): "admin",
    ("post", "/api/v1/stubs/overrides"): "operator",
    ("post", "/api/v1/stubs/overrides/remove"): "operator",
}
#: The description of the interface, and where its schemas are.
DESCRIBED = {
    "/api/openapi.json": "/api/openapi.json",
    "/api/asyncapi.json": "/api/asyncapi.json",
    "/docs": "/docs",
    "/api/schemas/{family}/{file}": "/api/schemas/pension/decisions.xsd",
    "/api/schemas/{file}": "/api/schemas/value_types.xsd",
}
NO_KEY = {("get", path) for path in ("/health/live", "/health/ready", *DESCRIBED)}
FORM = "application/x-www-form-urlencoded"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shut]:
    async with shut(tmp_path_factory.mktemp("shut"), failed_keys_max=1000) as started:
        yield started


async def sign_in(closed: Shut, key: str, **headers: str) -> tuple[int, str]:
    """Status and the Set-Cookie of the form."""
    given = {"Origin": closed.running.url, "Content_Type": FORM, **headers}
    status, answered, _ = await closed.call("POST", "/sign-in", data=f"key={key}", **given)
    return status, answered.get("Set-Cookie", "")


async def test_each_operation_asks_for_its_role(closed: Shut) -> None:
    _, _, text = await closed.call("GET", "/api/openapi.json")
    described = json.loads(text)
    seen = 0
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if "operators" not in operation["tags"]:
                continue
            seen += 1
            wanted = HIGHER.get((method, path), "viewer")
            address = DESCRIBED.get(path, path).replace("{id}", "0" * 31 + "1")
            for role in ("", *ROLES):
                status, headers, body = await closed.call(
                    method.upper(), address, role, Content_Type="application/json"
                )
                if (method, path) in NO_KEY:
                    assert status == 200
                elif not role:
                    assert (status, headers["WWW-Authenticate"].split()[0]) == (401, "Bearer")
                    assert "Authorization: Bearer" in json.loads(body)["detail"]
                elif ROLES.index(role) < ROLES.index(wanted):
                    assert (status, f"role {wanted}" in body) == (403, True), (path, role)
                else:
                    assert status not in (401, 403, 415), (path, role, body)
            assert ("security" in operation) == ((method, path) not in NO_KEY)
    assert seen >= 10


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Basic a2V5", "Bearer wrong", "wrong", "Bearer " + "x" * 5000, "Bearer \xff"]
)  # fmt: skip
async def test_a_wrong_key_opens_nothing(closed: Shut, value: str) -> None:
    status, _, body = await closed.call("GET", "/api/v1/snapshot", Authorization=value)
    assert status == 401
    assert "wrong" not in body


async def test_pages_lead_to_the_form_and_everything_else_is_shut(closed: Shut) -> None:
    status, headers, _ = await closed.call("GET", "/?lang=sv", Accept="text/html,*/*")
    assert (status, headers["Location"]) == (303, "/sign-in?lang=sv")
    for path in ("/", "/live/events", "/metrics", "/no/such/page"):
        assert (await closed.call("GET", path))[0] == 401
    for path in ("/sign-in", "/live/page.css", "/live/icon.svg"):
        status, headers, _ = await closed.call("GET", path)
        assert status == 200
        assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/messages?state=dead&lang=sv", "/messages?state=dead&lang=sv"),
        ("/sign-in?lang=sv", "/?lang=sv"),
        ("https://evil.example/", "/?lang=sv"),
        ("//evil.example/", "/?lang=sv"),
        ("///evil.example/", "/?lang=sv"),
        ("/\\evil.example/", "/?lang=sv"),
        ("/x/..//evil.example/", "/x/..//evil.example/?lang=sv"),
        ("/\t/evil.example/", "/?lang=sv"),
        ("\n//evil.example", "/?lang=sv"),
        ("javascript:alert(1)", "/?lang=sv"),
    ],
)
async def test_signing_in_leads_back_to_our_page_only(
    closed: Shut, wanted: str, led_to: str
) -> None:
    form = str(URL.build(path="/sign-in", query={"lang": "sv", "back": wanted}))
    if wanted.startswith("/messages"):
        _, headers, _ = await closed.call("GET", wanted, Accept="text/html")
        assert headers["Location"] == form
        _, headers, _ = await closed.call(
            "GET", wanted, Accept="text/html", Cookie="exchange_session=x"
        )
        assert headers["Location"] == form, "a session that ended loses no place"
    given = {"Origin": closed.running.url, "Content_Type": FORM}
    _, headers, _ = await closed.call("POST", form, data=f"key={closed.keys['viewer']}", **given)
    assert headers["Location"] == led_to


async def test_the_form_opens_a_session_and_signing_out_ends_it(closed: Shut) -> None:
    status, cookie = await sign_in(closed, closed.keys["operator"])
    assert status == 303
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/", "max-age=28800"} <= parts
    assert "secure" not in parts
    secure = await sign_in(closed, closed.keys["operator"], X_Forwarded_Proto="https")
    assert "secure" in secure[1].lower()
    held = cookie.partition(";")[0]
    origin = closed.running.url
    status, _, page = await closed.call("GET", "/", Cookie=held)
    assert (status, "a-operator" in page) == (200, True)
    resend = {"data": '{"deliveries":[]}', "Content_Type": "application/json", "Cookie": held}
    path = "/api/v1/dead-letters/resend"
    assert (await closed.call("POST", path, **resend))[0] == 403, "no Origin: not from our page"
    assert (await closed.call("POST", path, Origin=origin, **resend))[0] == 200
    assert (await closed.call("GET", "/api/v1/audit", Cookie=held))[0] == 403
    blind = await closed.call("POST", "/sign-out", Cookie=held)
    assert blind[0] == 403
    status, headers, _ = await closed.call("POST", "/sign-out", Cookie=held, Origin=origin)
    assert (status, headers["Location"]) == (303, "/sign-in")
    assert (await closed.call("GET", "/api/v1/snapshot", Cookie=held))[0] == 401
    _, _, text = await closed.call("GET", "/api/v1/audit", "admin")
    done = [(row["what"], row["operator"]) for row in json.loads(text)]
    assert done[0] == ("sign-out", "a-operator")
    assert ("sign-in", "a-operator") in done


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        ("key=wrong", {}, 401),
        ("key=", {}, 401),
        ("", {}, 401),
        ("key=" + "x" * 5000, {}, 400),
        ("key=\xff", {}, 400),
        ("key=right", {"Content_Type": "text/plain"}, 400),
        ("key=right", {"Origin": "https://evil.example"}, 403),
        ("key=right", {"Origin": "null"}, 403),
        ("key=right", {"Host": "evil.example"}, 421),
    ],
)
async def test_the_form_takes_nothing_else(
    closed: Shut, data: str, headers: dict[str, str], status: int
) -> None:
    data = data.replace("right", closed.keys["admin"])
    given = {"Origin": closed.running.url, "Content_Type": FORM, **headers}
    got, answered, body = await closed.call("POST", "/sign-in", data=data, **given)
    assert (got, "Set-Cookie" in answered) == (status, False)
    assert closed.keys["admin"] not in body


async def test_keys_count_from_their_commit_and_sessions_end_with_them(closed: Shut) -> None:
    """Changed from outside, as the command line does, while the exchange serves."""
    async with operators_of(closed.running.exchange.settings) as (operators, actor):
        keys = [f"key-{number}-{'y' * 32}" for number in range(3)]
        closed.keys |= {f"k{number}": key for number, key in enumerate(keys)}

        async def let_in() -> list[int]:
            return [
                (await closed.call("GET", "/api/v1/snapshot", f"k{number}"))[0]
                for number in range(3)
            ]

        now = WallClock().now()
        await operators.add(Operator("eve", "viewer"), digest_of(keys[0]), now, actor)
        assert await let_in() == [200, 401, 401]
        held = (await sign_in(closed, keys[0]))[1].partition(";")[0]
        await operators.rotate("eve", digest_of(keys[1]), now + 1, actor)
        assert await let_in() == [200, 200, 401], "two at once"
        await operators.rotate("eve", digest_of(keys[2]), now + 2, actor)
        assert await let_in() == [401, 200, 200]
        assert (await closed.call("GET", "/api/v1/snapshot", Cookie=held))[0] == 401
        held = (await sign_in(closed, keys[2]))[1].partition(";")[0]
        await operators.drop_old_key("eve", now + 3, actor)
        assert await let_in() == [401, 401, 200]
        assert (await closed.call("GET", "/api/v1/snapshot", Cookie=held))[0] == 200
        await operators.remove("eve", now + 4, actor)
        assert await let_in() == [401, 401, 401]
        assert (await closed.call("GET", "/api/v1/snapshot", Cookie=held))[0] == 401
    _, _, text = await closed.call("GET", "/api/v1/audit", "admin")
    mine = [(row["what"], row["address"]) for row in json.loads(text) if row["target"] == "eve"]
    assert [what for what, address in mine if address == "command line"] == [
        "operator-remove",
        "operator-drop-old-key",
        "operator-rotate",
        "operator-rotate",
        "operator-add",
    ]


async def test_a_session_ends_with_its_time(closed: Shut) -> None:
    now, key = WallClock().now(), digest_of(closed.keys["viewer"])
    await closed.operators.begin_session(b"t" * 32, key, now, now + 1000, ME)
    assert await closed.operators.by_session(b"t" * 32, now + 999, now + 1000) is not None
    assert await closed.operators.by_session(b"t" * 32, now + 1000, now + 2000) is None
    # It would last longer than any: the clock has stepped back.
    assert await closed.operators.by_session(b"t" * 32, now - 9000, now + 999) is None


async def test_wrong_keys_are_slowed_down_and_a_right_one_is_let_in(tmp_path: Path) -> None:
    async with shut(tmp_path, failed_keys_max=2) as closed:
        wrong = {"Authorization": "Bearer wrong"}
        told = [(await closed.call("GET", "/api/v1/snapshot", **wrong)) for _ in range(4)]
        assert [status for status, _, _ in told] == [401, 401, 429, 429]
        assert 0 < int(told[-1][1]["Retry-After"]) <= 60
        assert (await sign_in(closed, "wrong"))[0] == 429
        assert (await closed.call("GET", "/api/v1/snapshot", "viewer"))[0] == 200
        assert (await sign_in(closed, closed.keys["viewer"]))[0] == 303


async def test_beyond_loopback_open_opens_nothing(tmp_path: Path) -> None:
    """What counts is the address that is bound, not the one that a caller comes from."""
    async with running(tmp_path, server={"host": "0.0.0.0"}) as started:
        assert (await started.get("/api/v1/snapshot"))[0] == 401
        assert (await started.get("/health/ready"))[0] == 200


async def test_a_stream_ends_and_is_asked_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever was removed would go on watching."""
    monkeypatch.setattr(live, "STREAM_SECONDS", 0.0)
    async with running(tmp_path / "open") as started, asyncio.timeout(10):
        status, _, _ = await started.get("/live/events")
        assert status == 200, "where nobody needs a key, whoever reads nothing keeps no place"
    async with shut(tmp_path) as closed, asyncio.timeout(10):
        assert (await closed.call("GET", "/live/events", "viewer"))[0] == 200
        await closed.operators.remove("a-viewer", WallClock().now(), ME)
        assert (await closed.call("GET", "/live/events", "viewer"))[0] == 401


async def test_without_a_ledger_nobody_is_let_in(tmp_path: Path) -> None:
    async with shut(tmp_path) as closed:
        await closed.running.exchange.ledger.close()
        status, headers, _ = await closed.call("GET", "/api/v1/snapshot", "viewer")
        assert (status, headers["Retry-After"]) == (503, "1")
        assert (await closed.call("GET", "/api/v1/snapshot"))[0] == 401


async def test_the_program_that_watches_is_a_viewer(tmp_path: Path) -> None:
    async with shut(tmp_path, watcher_sha256=digest_of("w" * 40).hex()) as closed:
        closed.keys["watcher"] = "w" * 40
        assert (await closed.call("GET", "/api/v1/snapshot", "watcher"))[0] == 200
        assert (await closed.call("GET", "/api/v1/audit", "watcher"))[0] == 403
        assert (await sign_in(closed, "w" * 40))[0] == 401

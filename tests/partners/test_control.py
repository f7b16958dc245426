"""The stubs' own interface over sockets: answers are overridden while they run, by who may."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from exchange.partners.control import KEY
from exchange.partners.faults import Fault, Faults
from exchange.partners.server import serve_stubs
from tests.partners.echo import CHECKING, Echo


@asynccontextmanager
async def serving(key: str = "", *faults: Fault) -> AsyncIterator[str]:
    runner = await serve_stubs(
        [Echo()], CHECKING, "127.0.0.1", 0, Faults(faults), 1, control_key=key
    )
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def called(url: str, path: str, data: Any = None, **headers: str) -> tuple[int, Any]:
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            "GET" if data is None else "POST",
            url + path,
            data=None if data is None else json.dumps(data),
            headers={"Content-Type": "application/json", **sent},
        ) as response,
    ):
        text = await response.text(errors="replace")
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text


async def test_a_call_gets_what_was_set_and_then_the_stubs_own_answer_again() -> None:
    given = {
        "id": "one",
        "partner": "fund.a",
        "times": 1,
        "status": 418,
        "body": "<tea/>",
        "content_type": "text/xml",
        "headers": {"Retry-After": "3"},
    }
    async with serving("", Fault("*", "down", 1.0)) as url:
        assert await called(url, "/_control/overrides", given) == (200, {"id": "one"})
        # (The script's fault befalls the others.)
        assert (await called(url, "/fund.b/echo", {}))[0] == 503
        assert await called(url, "/fund.a/echo", {}) == (418, "<tea/>")
        assert (await called(url, "/fund.a/echo", {}))[0] == 503
        (standing,) = (await called(url, "/_control/overrides"))[1]
        assert (standing["id"], standing["alike"]) == ("one", 2)
        calls = (await called(url, "/_control/calls?partner=fund.a"))[1]
        assert [each["met"] for each in calls] == ["", "one"]
        assert await called(url, "/_control/overrides/remove", {"id": "one"}) == (
            200,
            {"removed": 1},
        )
        assert (await called(url, "/_control/overrides/remove", {"id": "one"}))[0] == 404


async def test_a_fault_or_a_delay_alone_leaves_the_stub_its_own_part() -> None:
    async with serving() as url:
        for number, each in enumerate(({"fault": "garbage"}, {"delay_seconds": 0.01})):
            given = {"id": str(number), "partner": "fund.a", "times": 1, **each}
            assert (await called(url, "/_control/overrides", given))[0] == 200
        status, told = await called(url, "/fund.a/echo", {})
        assert (status, "chance" in told) == (200, True)
        assert "chance" not in (await called(url, "/fund.a/echo", {}))[1]


async def test_a_call_that_is_not_the_exchanges_is_met_by_nothing() -> None:
    async with serving() as url:
        given = {"id": "one", "partner": "fund.secret", "times": 1, "status": 204}
        await called(url, "/_control/overrides", given)
        assert (await called(url, "/fund.secret/echo", {}))[0] == 401
        (standing,) = (await called(url, "/_control/overrides"))[1]
        assert standing["alike"] == 0


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/_control/overrides", {"id": "1"}),
        ("/_control/overrides", [1]),
        ("/_control/overrides", {"id": "1", "status": 200, "body": "x" * 300_000}),
        ("/_control/overrides/remove", {}),
        ("/_control/overrides/remove", {"all": False}),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(path: str, data: Any) -> None:
    async with serving() as url:
        status, told = await called(url, path, data)
        assert (status, told["status"]) == (400, 400)
        assert (await called(url, "/_control/overrides"))[1] == []


@pytest.mark.parametrize(
    ("key", "headers", "status"),
    [
        ("", {}, 200),
        ("", {"Origin": "http://elsewhere.example"}, 403),
        ("", {"Host": "elsewhere.example"}, 403),
        ("", {"Content_Type": "text/plain"}, 415),
        ("secret", {}, 403),
        ("secret", {"X_Control_Key": "Secret"}, 403),
        ("secret", {"X_Control_Key": "secret"}, 200),
        ("secret", {"X_Control_Key": "secret", "Host": "stubs.example"}, 200),
    ],
)
async def test_who_may(key: str, headers: dict[str, str], status: int) -> None:
    assert KEY.replace("-", "_") == "X_Control_Key"
    given = {"id": "one", "status": 204}
    async with serving(key) as url:
        assert (await called(url, "/_control/overrides", given, **headers))[0] == status

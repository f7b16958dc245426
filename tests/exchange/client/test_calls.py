"""Calls that are repeated, calls that are not, and pushes that are not the exchange's."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from exchange.client import (
    AsyncClient,
    AsyncPushes,
    Client,
    NoAnswer,
    NotSigned,
    NotYet,
    Push,
    Rejected,
    Retries,
    TryLater,
    luova,
    verify,
)
from exchange.schemas.call import Reply, json_reply

SECRET = "a secret"
QUICK = Retries(attempts=3, first_seconds=0.001)
RECEIPT = (
    b'{"id":"1","messageId":"m","messageType":"t","receivedAt":"","items":1,"receivers":[],'
    b'"warnings":[]}'
)


@asynccontextmanager
async def answering(statuses: Iterable[int]) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that answers with each status in turn; its address, and the ids that came."""
    left, came = iter(statuses), list[str]()

    async def answer(request: web.Request) -> web.Response:
        came.append(request.headers["X-Message-Id"])
        return web.Response(status=next(left), body=RECEIPT)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", came
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("statuses", [[202], [503, 202], [429, 502, 200]])
async def test_what_is_refused_for_now_is_sent_again_under_its_id(statuses: list[int]) -> None:
    async with answering(statuses) as (address, came), AsyncClient(address, "key", QUICK) as client:
        await luova.submit(client, "t", b"{}")
        assert (len(came), len(set(came))) == (len(statuses), 1)


@pytest.mark.parametrize(
    ("statuses", "kind", "calls"),
    [([422], Rejected, 1), ([503, 503, 503], TryLater, 3), ([500], TryLater, 1)],
)
async def test_what_stays_refused_is_raised(
    statuses: list[int], kind: type[Exception], calls: int
) -> None:
    async with answering(statuses) as (address, came), AsyncClient(address, "key", QUICK) as client:
        with pytest.raises(kind):
            await luova.submit(client, "t", b"{}")
        assert len(came) == calls


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_an_exchange_on_this_machine_is_called_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with answering([202]) as (address, came):
        here = address.replace("127.0.0.1", name)
        async with AsyncClient(here, "key", QUICK) as client:
            await luova.submit(client, "t", b"{}")
        assert len(came) == 1


def test_where_nobody_answers_it_is_told() -> None:
    with Client("http://127.0.0.1:1", "key", QUICK) as client, pytest.raises(NoAnswer) as told:
        client.call(luova.submit, "t", b"{}")
    assert "127.0.0.1:1" in str(told.value)


def test_a_client_that_is_not_open_says_so() -> None:
    with pytest.raises(RuntimeError, match="use it as a context"):
        Client("http://127.0.0.1:1", "key").call(luova.state, "1")


def signed(body: bytes, at: float, secret: str = SECRET, delivery: str = "d-1") -> dict[str, str]:
    """The headers of a push, by the words of the docstring and not by code of ours."""
    timestamp = str(int(at))
    text = f"{delivery}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), text, "sha256").hexdigest()
    return {"X-Delivery-Id": delivery, "X-Timestamp": timestamp, "X-Signature": f"v1={digest}"}


def test_a_push_is_verified() -> None:
    verify(SECRET, signed(b"body", 1000), b"body", 1200)
    lower = {name.lower(): text for name, text in signed(b"body", 1000).items()}
    verify(SECRET, lower, b"body", 1000)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (signed(b"other", 1000), "not that of this delivery"),
        (signed(b"body", 1000, "guessed"), "not that of this delivery"),
        (signed(b"body", 1000) | {"X-Delivery-Id": "d-2"}, "not that of this delivery"),
        (signed(b"body", 1000) | {"X-Timestamp": "1001"}, "not that of this delivery"),
        (signed(b"body", 1000) | {"X-Signature": "v1=\u00e4"}, "not that of this delivery"),
        # (As a server has a byte of a header that is no text.)
        (signed(b"body", 1000) | {"X-Delivery-Id": "d-\udcff"}, "not that of this delivery"),
        (signed(b"body", 1000) | {"X-Timestamp": "\udcff"}, "not that of this delivery"),
        (signed(b"body", 600), "seconds away"),
        (signed(b"body", 1400), "seconds away"),
        ({}, "missing"),
    ],
)
def test_what_is_not_the_exchanges_is_told(headers: dict[str, str], said: str) -> None:
    with pytest.raises(NotSigned, match=said):
        verify(SECRET, headers, b"body", 1000)


async def test_a_delivery_is_taken_once() -> None:
    asked = []

    def answer(push: Push) -> Reply:
        asked.append(push)
        return json_reply({"number": len(asked)})

    async with (
        AsyncPushes(SECRET, answer=answer, journal="/taken") as pushes,
        aiohttp.ClientSession() as session,
    ):

        async def push(headers: dict[str, str]) -> int:
            address = f"{pushes.address}/luova/deliveries/1"
            async with session.post(address, data=b"body", headers=headers) as answer:
                return answer.status

        statuses = [await push(signed(b"body", time.time())) for _ in range(2)]
        statuses.append(await push(signed(b"body", time.time(), "guessed")))
        assert statuses == [200, 200, 401]
        assert len(asked) == 1
        assert [each.body for each in await pushes.await_received(1)] == [b"body"]
        async with session.get(f"{pushes.address}/taken") as told:
            assert json.loads(await told.text()) == {"delivery_id": asked[0].delivery_id}
        with pytest.raises(NotYet, match="1 of 2 pushes came"):
            await pushes.await_received(2, timeout_seconds=0.01)

"""What a proxy, a page to sign in at, another server or a broken connection answers is told as what it
is, by every channel's functions, and never taken for the exchange's word.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate

import pytest

from exchange.client import (
    AsyncClient,
    ClientError,
    NoAnswer,
    NotTheExchange,
    Rejected,
    Retries,
    TryLater,
    eessi,
    income_register,
    kelmu,
    luova,
)

LETTER = luova.Letter("1", "2", "t", "m", "s", "", "", b"")
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"


async def _work_list(client: AsyncClient) -> object:
    return [each async for each in kelmu.work_list(client, "notices", "u-1")]


#: A function of each kind of answer.
FUNCTIONS: dict[str, Callable[[AsyncClient], Awaitable[object]]] = {
    "luova.submit": lambda client: luova.submit(client, "t", b"{}"),
    "luova.state": lambda client: luova.state(client, "1"),
    "luova.read": luova.read,
    "luova.acknowledge": lambda client: luova.acknowledge(client, [LETTER]),
    "kelmu.query": lambda client: kelmu.query(client, {}),
    "kelmu.give_notice": lambda client: kelmu.give_notice(client, {}),
    "kelmu.ask_list": lambda client: kelmu.ask_list(client, {}),
    "kelmu.work_list": _work_list,
    "eessi.send": lambda client: eessi.send(client, b"<x/>"),
    "eessi.case": lambda client: eessi.case(client, "1"),
    "wage reports": lambda client: income_register.send_wage_reports(client, b"<x/>"),
    "no document": lambda client: income_register.send_wage_reports(client, b"no XML"),
}


def answer(status: str, body: bytes = b"", media_type: str = "text/html", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{more}Connection: close\r\n\r\n".encode() + body


JSON, XML, PROBLEM = "application/json", "text/xml", "application/problem+json"
SOAP = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%b</s:Body></s:Envelope>'
#: What comes, what is raised, and a part of what is told.
ANSWERS: dict[str, tuple[bytes, type[ClientError], str]] = {
    "a page": (answer("200 OK", PAGE), NotTheExchange, "Sign in"),
    "nothing": (answer("200 OK", media_type=JSON), NotTheExchange, "200 OK"),
    "no content": (
        b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        NotTheExchange,
        "204 No Content, no media type",
    ),
    "half of JSON": (answer("202 Accepted", b'{"id": "1", "mes', JSON), NotTheExchange, "mes"),
    "other JSON": (answer("200 OK", b'["ok"]', JSON), NotTheExchange, "ok"),
    "deep JSON": (answer("200 OK", b"[" * 200_000, JSON), NotTheExchange, "[[["),
    "other XML": (answer("200 OK", b"<html/>", XML), NotTheExchange, "<html/>"),
    "no bytes of text": (answer("200 OK", b"\xff\xfe\x00", JSON), NotTheExchange, "200 OK"),
    "a redirect": (
        answer("302 Found", more="Location: https://login.example/\r\n"),
        NotTheExchange,
        "leads to 'https://login.example/'",
    ),
    "not modified": (answer("304 Not Modified"), NotTheExchange, "304"),
    "a proxy that wants a name": (answer("407 Proxy Auth", PAGE), NotTheExchange, "407"),
    "another server": (answer("404 Not Found", PAGE), NotTheExchange, "404 Not Found"),
    "another API": (answer("404 Not Found", b'{"error": 1}', JSON), NotTheExchange, "404"),
    "broken violations": (
        answer("422 Wrong", b'{"title": "x", "violations": [1]}', PROBLEM),
        NotTheExchange,
        "422",
    ),
    "a proxy without its server": (answer("502 Bad Gateway", PAGE), TryLater, "502 Bad Gateway"),
    "an absurd wait": (
        answer("503 Busy", PAGE, more=f"Retry-After: {'9' * 300}\r\n"),
        TryLater,
        "503 Service Unavailable",
    ),
    "a status of its own": (answer("599 Odd", PAGE), TryLater, "599"),
    "half of a body": (
        answer("200 OK", b"x" * 9).replace(b": 9", b": 99"),
        NoAnswer,
        "no exchange",
    ),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", NoAnswer, "no exchange"),
    "no word": (b"", NoAnswer, "no exchange"),
    "no gzip": (
        answer("200 OK", PAGE, more="Content-Encoding: gzip\r\n"),
        NoAnswer,
        "no exchange",
    ),
}


class Answering(asyncio.Protocol):
    """Answers with bytes, whatever is asked, and closes."""

    def __init__(self, left: list[bytes]) -> None:
        self._left = left

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._left.pop(0) if len(self._left) > 1 else self._left[0])
            self._transport.close()


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[str]:
    """The address of a server that answers with these bytes in turn, then always with the last."""
    left = list(answers)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(left), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_is_no_exchanges_answer_is_told_as_that(name: str) -> None:
    raw, kind, told = ANSWERS[name]
    quick = Retries(attempts=2, first_seconds=0.001, seconds_max=0.002)
    async with answering(raw) as address, AsyncClient(address, "key", quick) as client:
        for function, call in FUNCTIONS.items():
            with pytest.raises(ClientError) as raised:
                await call(client)
            assert type(raised.value) is kind, (function, raised.value)
            assert told in str(raised.value), function


async def test_a_soap_fault_is_one_whatever_its_status() -> None:
    fault = b"<s:Fault><faultcode>s:Client</faultcode><faultstring>odd: no</faultstring></s:Fault>"
    for status in ("200 OK", "500 Internal Server Error"):
        raw = answer(status, SOAP % fault, XML)
        async with answering(raw) as address, AsyncClient(address, "key") as client:
            with pytest.raises(Rejected) as raised:
                await FUNCTIONS["wage reports"](client)
            assert (raised.value.reason, raised.value.detail) == ("odd", "no")


async def test_a_wait_until_a_date_is_kept() -> None:
    late = f"Retry-After: {formatdate(time.time() + 3600, usegmt=True)}\r\n"
    told = answer("503 Busy", b'{"title": "busy"}', PROBLEM, late), answer("200 OK", b"{}", JSON)
    waits = Retries(attempts=2, first_seconds=0.001, seconds_max=0.2)
    async with answering(*told) as address, AsyncClient(address, "key", waits) as client:
        begun = time.monotonic()
        await eessi.case(client, "1")
        assert time.monotonic() - begun >= 0.2


async def test_where_no_tls_is_spoken_it_is_told_at_once() -> None:
    async with (
        answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address,
        AsyncClient(address.replace("http:", "https:"), "key") as client,
    ):
        with pytest.raises(NoAnswer, match="no TLS is agreed upon"):
            await eessi.case(client, "1")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8080", "localhost", "ftp://x", "http://", "http://[", "http://x:y", ""]
)
def test_what_is_no_address_is_told_before_a_call(address: str) -> None:
    with pytest.raises(ClientError, match="no address such as"):
        AsyncClient(address)


async def test_what_no_header_can_hold_is_told() -> None:
    with pytest.raises(ClientError, match="the end of a line"):
        AsyncClient("http://127.0.0.1:1", "key\n")
    async with answering(b"") as address, AsyncClient(address, "key") as client:
        with pytest.raises(ClientError, match="can't be written"):
            await luova.submit(client, "t", b"{}", message_id="a\nb")

"""Calls to partners: over real sockets, against partners that answer well, badly, slowly, in parts,
without end, or not at all.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from exchange.errors import Unreachable
from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from exchange.web.partner_calls import url_of
from tests.exchange.web.partners import (
    CALL,
    Behaviour,
    always,
    endless,
    once,
    partner,
    request_of,
)
from tests.waiting import WAIT_SECONDS


async def test_a_connection_is_used_again() -> None:
    async with partner(
        always(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nX-Y: z\r\n\r\nok")
    ) as (transport, to, seen):
        for _ in range(5):
            reply = await transport.send(to, CALL, 5)
            assert (reply.status, reply.body, reply.headers["x-y"]) == (202, b"ok", "z")
        assert (seen.connections, len(seen.requests)) == (1, 5)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            200,
            b"abc",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", 200, b"to the end"),
        (b"HTTP/1.0 500 Oops\r\n\r\n", 500, b""),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\0",
            200,
            b"\x1f\x8b\x08\0",
        ),
    ],
    ids=["chunked", "no content", "interim", "ends with the connection", "HTTP/1.0", "packed"],
)
async def test_every_form_of_response_is_read(answer: bytes, status: int, body: bytes) -> None:
    async with partner(once(answer)) as (transport, to, _):
        reply = await transport.send(to, CALL, 5)
        assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_call_on_a_connection_of_its_own_is_made_once(method: str) -> None:
    async with partner(once(b"")) as (transport, to, seen):
        with pytest.raises(Unreachable):
            await transport.send(to, Call(method, "/in"), 5)
        assert len(seen.requests) == 1


SECRET = "secret-of-a-partner"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "closed the connection"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            "closed the connection",
        ),
        (b"\x00\x01 no HTTP at all " + SECRET.encode() + b"\r\n\r\n", "no HTTP response"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n" + b"a" * 1025,
            "larger than 1024 bytes",
        ),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"a" * 1025, "larger than 1024 bytes"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", "head is larger"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: %s\r\n" % (b"a" * 900) * 60 + b"\r\n", "head is larger"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no HTTP response"),
    ],
    ids=[
        "nothing",
        "cut off",
        "cut off in chunks",
        "no HTTP",
        "too large",
        "too large at the end",
        "header too large",
        "head too large",
        "wrong chunk",
    ],
)
async def test_a_bad_response_says_why(answer: bytes, why: str) -> None:
    async with partner(once(answer)) as (transport, to, seen):
        with pytest.raises(Unreachable, match=why) as raised:
            await transport.send(to, CALL, 5)
        assert SECRET not in str(raised.value)
        assert len(seen.requests) == 1, "one attempt is one request"


@pytest.mark.parametrize(
    ("start", "again", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"a" * 65_536, "head is larger"),
        (b"HTTP/1.1 200 OK\r\nX", b"a" * 65_536, "head is larger"),
        (b"HTTP/1.1 200 ", b"a" * 65_536, "head is larger"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000, "head is larger"),
        (b"", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" * 2_000, "head is larger"),
        (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n" * 10_000, "no HTTP|head is larger"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65_536, "larger than 1024 bytes"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\na\r\n" * 10_000,
            "larger than 1024 bytes",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
            b"a" * 65_536,
            "no response within",
        ),
    ],
    ids=["value", "name", "phrase", "100", "103", "headers", "body", "chunks", "chunk extension"],
)
async def test_an_endless_response_is_cut_off_and_others_are_served(
    start: bytes, again: bytes, why: str
) -> None:
    good = always(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok")
    async with partner(endless(start, again)) as (transport, to, _), partner(good) as other:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds = 0.5 if "within" in why else 10
        attempts = [asyncio.create_task(transport.send(to, CALL, seconds)) for _ in range(16)]
        for _ in range(20):
            assert (await other[0].send(other[1], CALL, 5)).status == 202
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        for outcome in outcomes:
            with pytest.raises(Unreachable, match=why):
                raise outcome  # type: ignore[misc]
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 60_000, "KiB, of gigabytes that were offered"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_response_and_not_followed(status: int) -> None:
    answer = b"HTTP/1.1 %d Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" % status
    async with partner(always(answer)) as (transport, to, seen):
        assert (await transport.send(to, CALL, 5)).status == status
        assert len(seen.requests) == 1


async def test_a_silent_partner_is_given_up_in_time_and_its_late_answer_taken_for_nobody_elses() -> (
    None
):
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"slow" in await request_of(reader):
            await asyncio.sleep(0.3)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")
        await writer.drain()

    async with partner(behave) as (transport, to, seen):
        with pytest.raises(Unreachable, match="no response within"):
            await transport.send(to, Call("POST", "/slow", {}, b""), 0.05)
        assert (await transport.send(to, CALL, 5)).body == b"next"
        assert (seen.connections, len(seen.requests)) == (2, 2)


def held_by_a_process(port: int) -> bool:
    """Whether a process still has the socket that is bound to this port of the loopback."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(int(row[1].split(":")[1], 16) == port and row[9] != "0" for row in rows)


async def test_a_partner_that_does_not_read_is_not_waited_for_to_close() -> None:
    ports: list[int] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        await reader.read(10)
        await asyncio.sleep(60)

    async with partner(behave) as (transport, to, _):
        call = Call("POST", "/in", {}, b"x" * 60_000_000)
        sending = asyncio.create_task(transport.send(to, call, 2))
        while not ports:
            await asyncio.sleep(0.01)
        with pytest.raises(Unreachable, match="no response within"):
            await sending
        async with asyncio.timeout(WAIT_SECONDS):
            while held_by_a_process(ports[0]):
                await asyncio.sleep(0.01)


def _answers_then(
    end: Callable[[asyncio.StreamWriter], None], closes: Callable[[int], bool]
) -> Behaviour:
    numbers = count(1)

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request_of(reader):
            if closes(next(numbers)):
                end(writer)
                return
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()

    return behave


def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.mark.parametrize("end", [_close, _reset])
async def test_a_kept_connection_that_closes_without_a_byte_costs_one_repeat(
    end: Callable[[asyncio.StreamWriter], None],
) -> None:
    async with partner(_answers_then(end, lambda number: number == 2)) as (transport, to, seen):
        assert (await transport.send(to, CALL, 5)).body == b"ok"
        assert (await transport.send(to, CALL, 5)).body == b"ok"
        assert (seen.connections, len(seen.requests)) == (2, 3)


@pytest.mark.parametrize("end", [_close, _reset])
async def test_one_attempt_is_one_request_seen_and_at_most_one_more(
    end: Callable[[asyncio.StreamWriter], None],
) -> None:
    async with partner(_answers_then(end, lambda number: number > 1)) as (transport, to, seen):
        assert (await transport.send(to, CALL, 5)).body == b"ok"
        with pytest.raises(Unreachable, match="closed the connection"):
            await transport.send(to, CALL, 5)
        assert len(seen.requests) == 3, "the kept connection, and a new one"
        for attempt in range(3):
            with pytest.raises(Unreachable, match="closed the connection"):
                await transport.send(to, CALL, 5)
            assert len(seen.requests) == 4 + attempt, "on a new connection nothing is repeated"


async def test_half_an_answer_on_a_kept_connection_is_not_repeated() -> None:
    def half(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HT")
        writer.close()

    async with partner(_answers_then(half, lambda number: number == 2)) as (transport, to, seen):
        assert (await transport.send(to, CALL, 5)).body == b"ok"
        with pytest.raises(Unreachable):
            await transport.send(to, CALL, 5)
        assert len(seen.requests) == 2


async def test_connections_are_limited() -> None:
    inside: list[int] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request_of(reader):
            inside.append(1)
            await asyncio.sleep(0.01)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()

    async with partner(behave) as (transport, to, seen):
        await asyncio.gather(*(transport.send(to, CALL, 5) for _ in range(200)))
        assert (seen.connections, len(inside)) == (64, 200)


async def test_nobody_listens() -> None:
    async with partner(once(b"")) as (transport, to, _):
        nobody = Partner(to.id, to.name, to.sector, url="http://127.0.0.1:1")
        with pytest.raises(Unreachable, match="ConnectionRefused"):
            await transport.send(nobody, CALL, 5)


@pytest.mark.parametrize(
    "address", ["ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://a\r\nb/"]
)
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(Unreachable, match="no address"):
        url_of(address, CALL)


@pytest.mark.parametrize(
    "call",
    [
        Call("POST", "/in", {"X-A": "1\r\nX-B: 2"}),
        Call("POST", "/in HTTP/1.1\r\nX-B: 2"),
        Call("POST", "/in there"),
        Call("POST", "/in", {"X-A\nX-B": "2"}),
    ],
)
async def test_nothing_breaks_out_of_its_line(call: Call) -> None:
    async with partner(always(b"HTTP/1.1 204 No Content\r\n\r\n")) as (transport, to, seen):
        with pytest.raises(ValueError):
            await transport.send(to, call, 5)
        assert seen.requests == []


async def test_a_request_is_what_it_should_be() -> None:
    async with partner(always(b"HTTP/1.1 204 No Content\r\n\r\n")) as (transport, to, seen):
        await transport.send(to, Call("POST", "/in", {"X-A": "b"}, b"body", {"q": "a b&c"}), 5)
        await transport.send(to, Call("POST", "/a%2Fb", {}, b""), 5)
        first, second = seen.requests
        head, _, body = first.partition(b"\r\n\r\n")
        line, *headers = head.split(b"\r\n")
        assert (line, body) == (b"POST /somebody/in?q=a+b%26c HTTP/1.1", b"body")
        assert {each.split(b":")[0] for each in headers} == {
            b"Host",
            b"X-A",
            b"Accept",
            b"Content-Length",
        }
        assert second.startswith(b"POST /somebody/a%2Fb HTTP/1.1\r\n")
        assert b"Content-Length: 0\r\n" in second

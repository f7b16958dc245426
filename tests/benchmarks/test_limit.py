"""The limit server does what it is measured for: it judges, keeps, signs and calls."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from lxml import etree
from signxml.verifier import XMLVerifier

from exchange.benchmarks.cases import CASES, Case
from exchange.benchmarks.limit import limit
from exchange.benchmarks.servers import Sink, play, take_all
from exchange.schemas.call import Reply

CASE = {case.name: case for case in CASES}
LIMITED = [case for case in CASES if case.limited]


class Receiver:
    """A sink that notes what it was called with."""

    def __init__(self, case: Case) -> None:
        self._answer = play(case.channel) if case.answered else take_all
        self.calls: list[tuple[str, bytes]] = []

    def __call__(self, head: bytes, body: bytes) -> Reply:
        self.calls.append((head.decode("latin-1"), body))
        return self._answer(head, body)


@asynccontextmanager
async def served(
    case: Case, folder: Path
) -> AsyncIterator[tuple[TestClient[web.Request, web.Application], Receiver]]:
    """The limit server of a case, and who receives."""
    receiver = Receiver(case)
    sink = await asyncio.get_running_loop().create_server(lambda: Sink(receiver), "127.0.0.1", 0)
    port = sink.sockets[0].getsockname()[1]
    app = await limit(case.channel, port, folder, list(case.schemas))
    async with TestClient(TestServer(app)) as client:
        yield client, receiver
    sink.close()


async def sent(
    client: TestClient[web.Request, web.Application], prepared: bytes
) -> tuple[int, bytes]:
    """A prepared request's status and answer."""
    head, _, body = prepared.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    async with client.post(line.split(" ")[1], data=body, headers=headers) as response:
        return response.status, await response.read()


async def until_called(client: TestClient[web.Request, web.Application]) -> None:
    """Wait until nothing waits any more."""
    while True:
        async with client.get("/api/v1/snapshot") as response:
            if not (await response.json())["channels"]["limit"]["waiting"]:
                return


@pytest.mark.parametrize("case", LIMITED, ids=lambda case: case.name)
async def test_each_message_is_a_row_and_what_the_channel_delivers_is_called(
    case: Case, tmp_path: Path
) -> None:
    requests = case.requests(3, time.time_ns() // 1_000_000)
    async with served(case, tmp_path) as (client, receiver):
        answers = await asyncio.gather(*(sent(client, each) for each in requests))
        await until_called(client)
    assert {status for status, _ in answers} <= {200, 202}, answers
    with sqlite3.connect(tmp_path / "limit.db") as connection:
        rows = {body for (body,) in connection.execute("SELECT body FROM message")}
    assert rows == {each.partition(b"\r\n\r\n")[2] for each in requests}
    delivers = case.channel != "income-register"
    assert {body for _, body in receiver.calls} == (rows if delivers else set())
    assert all("X-Signature: v1=" in head for head, _ in receiver.calls)


@pytest.mark.parametrize("case", LIMITED, ids=lambda case: case.name)
async def test_what_its_schema_refuses_is_refused_and_not_kept(case: Case, tmp_path: Path) -> None:
    (prepared,) = case.requests(1, time.time_ns() // 1_000_000)
    spoilt = prepared
    # Names of one length, so that Content-Length stays true.
    for name in (b"muutospv", b"purpose", b"DeliveryDataType", b"InstanceIdentifier"):
        spoilt = spoilt.replace(name, name[:-1] + b"x")
    assert spoilt != prepared
    async with served(case, tmp_path) as (client, receiver):
        status, _ = await sent(client, spoilt)
    assert status == 400
    assert not receiver.calls
    with sqlite3.connect(tmp_path / "limit.db") as connection:
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (0,)


async def test_a_delivery_changed_after_it_was_signed_is_refused_and_the_reply_is_signed(
    tmp_path: Path,
) -> None:
    case = CASE["wage-report"]
    (prepared,) = case.requests(1, time.time_ns() // 1_000_000)
    async with served(case, tmp_path) as (client, _):
        status, answer = await sent(client, prepared)
        changed, _ = await sent(
            client, prepared.replace(b"Exchange simulator", b"Exchange simulated")
        )
    assert (status, changed) == (200, 400)
    ack = etree.tostring(etree.fromstring(answer)[0][0])
    ends = (f"-----{end} CERTIFICATE-----" for end in ("BEGIN", "END"))
    pem = re.findall(r"X509Certificate>([^<]+)<", ack.decode())[0].join(
        f"\n{end}\n" for end in ends
    )
    assert XMLVerifier().verify(ack, x509_cert=pem.strip()).signed_xml is not None

"""Messages with attachments: over real sockets in, kept, pushed and fetched as they came."""

from __future__ import annotations

import base64
import email
import hashlib
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from exchange.adapters.luova.partner.stub import STUB
from exchange.partners.stub import Situation
from exchange.schemas import attachments
from exchange.schemas.call import Call
from tests.adapters.luova.judging import DIRECTORY
from tests.conformance.samples import ROOT
from tests.journeys.running import Running, running

VALID = ROOT / "luova/families/unemployment/samples/valid"
EARNINGS = next(VALID.glob("unemployment.earnings-data--*")).read_bytes()
BENEFITS = next(VALID.glob("unemployment.benefit-data--*")).read_bytes()
PDF = b"%PDF-1.7\r\n\x00\xff\r\n--not-a-boundary\r\n"


class Receiver:
    """Kela's system that takes what is pushed to it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.taken.append((request.headers["Content-Type"], await request.read()))
        return web.Response(status=202)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application(client_max_size=1 << 25)
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def gateway(folder: Path, **limits: int) -> AsyncIterator[tuple[Running, Receiver]]:
    async with (
        receiving() as receiver,
        running(folder, partners={"address": receiver.url}, limits=limits) as started,
    ):
        yield started, receiver
        assert not [check for check in started.verify().checks if check.broken]


def parts(*attachments: tuple[str, bytes], kind: str = "related") -> aiohttp.MultipartWriter:
    """A body as a client's library writes it, with a boundary drawn anew each time."""
    body = aiohttp.MultipartWriter(kind)
    body.append(EARNINGS, {"Content-Type": "text/xml"})
    for name, content in attachments:
        part = body.append(content, {"Content-Type": "application/pdf"})
        part.set_content_disposition("attachment", filename=name)
    return body


async def send(
    started: Running, name: str, body: Any, content_type: str = ""
) -> tuple[int, dict[str, Any]]:
    fund = next(each for each in started.exchange.directory if each.sector == "unemployment-fund")
    headers = {
        "X-API-Key": fund.key,
        "X-Message-Type": "unemployment.earnings-data",
        "X-Message-Id": name,
        **({"Content-Type": content_type} if content_type else {}),
    }
    async with started.session.post(
        f"{started.url}/luova/v1/messages", data=body, headers=headers
    ) as answered:
        return answered.status, json.loads(await answered.read())


def read(content_type: str, body: bytes) -> list[tuple[str, str, bytes]]:
    """Name, media type and bytes of each part, by the standard library's own reader."""
    whole = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    return [
        (
            part.get_filename() or "",
            part.get_content_type(),
            bytes(part.get_payload(decode=True) or b""),
        )
        for part in whole.walk()
        if not part.is_multipart()
    ]


def raw(*blocks: bytes) -> bytes:
    """Parts with those headers, each with a short body."""
    message = b"--b\r\nContent-Type: text/xml\r\n\r\n" + EARNINGS + b"\r\n"
    others = b"".join(b"--b\r\n" + block + b"\r\n\r\nx\r\n" for block in blocks)
    return message + others + b"--b--\r\n"


NAMED = b'Content-Disposition: attachment; filename="a.txt"\r\nContent-Type: text/plain'


@pytest.mark.parametrize("kind", ["related", "form-data"])
async def test_attachments_are_kept_and_handed_on_as_they_came(tmp_path: Path, kind: str) -> None:
    async with gateway(tmp_path) as (started, receiver):
        body = parts(("decision.pdf", PDF), ("empty.txt", b""), kind=kind)
        status, receipt = await send(started, "a-1", body)
        assert status == 202, receipt
        again = await send(
            started, "a-1", parts(("decision.pdf", PDF), ("empty.txt", b""), kind=kind)
        )
        assert again == (200, receipt), "the same parts behind another boundary are the same"
        await started.until(lambda: len(receiver.taken) == 1)
        content_type, pushed = receiver.taken[0]
        assert content_type.startswith(f"multipart/{kind}; boundary=")
        assert EARNINGS in pushed
        assert PDF in pushed, "byte for byte"
        assert [each[:2] for each in read(content_type, pushed)] == [
            ("", "text/xml"),
            ("decision.pdf", "application/pdf"),
            ("empty.txt", "application/pdf"),
        ]
        fund = next(
            each for each in started.exchange.directory if each.sector == "unemployment-fund"
        )
        async with started.session.get(
            f"{started.url}/luova/v1/messages/{receipt['id']}", headers={"X-API-Key": fund.key}
        ) as answered:
            told = await answered.json()
        assert told["attachments"][0] == {
            "name": "decision.pdf",
            "content_type": "application/pdf",
            "bytes": len(PDF),
            "sha256": hashlib.sha256(PDF).hexdigest(),
        }
        await started.until(lambda: not started.exchange.dispatcher.held)


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="päätös.pdf"', "päätös.pdf"),
        ("attachment; filename=plain.pdf", "plain.pdf"),
        ("attachment; filename=\"x\"; filename*=UTF-8''p%C3%A4%C3%A4t%C3%B6s.pdf", "päätös.pdf"),
        ('attachment; filename="Åbo, à la carte.pdf"', "Åbo, à la carte.pdf"),
        ("attachment; filename=Päätösà", "Päätösà"),
        ('form-data; name="decision"', "decision"),
        ('form-data; name="decision"; filename="a b.pdf"', "a b.pdf"),
    ],
)
def test_names_of_attachments(disposition: str, name: str) -> None:
    block = f"Content-Disposition: {disposition}\r\nContent-Type: a/b".encode()
    parts = attachments.split(raw(block), "multipart/related; boundary=b")
    assert [each.name for each in parts.attachments] == [name]
    assert parts.message == EARNINGS


async def test_a_question_with_an_attachment_is_answered(tmp_path: Path) -> None:
    request = next((ROOT / "luova/families/tax/samples/valid").glob("tax.request--*")).read_bytes()
    async with running(tmp_path) as started:
        kela = started.exchange.directory.get("kela.tax")
        assert kela is not None
        headers = {
            "X-API-Key": kela.key,
            "X-Message-Type": "tax.request",
            "X-Message-Id": json.loads(request)["requestId"],
            "Content-Type": "multipart/related; boundary=b",
        }
        body = raw(NAMED).replace(EARNINGS, request).replace(b"text/xml", b"application/json")
        async with started.session.post(
            f"{started.url}/luova/v1/messages", data=body, headers=headers
        ) as answered:
            assert answered.status == 202, await answered.text()
        await started.settled()
        assert (await started.counts("luova"))["accepted"] == 2, "the stub has read the question"


@pytest.mark.parametrize("attached", [(), (NAMED,)])
def test_a_stub_reads_past_attachments(attached: tuple[bytes, ...]) -> None:
    request = next((ROOT / "luova/families/tax/samples/valid").glob("tax.request--*")).read_bytes()
    body = raw(*attached).replace(EARNINGS, request) if attached else request
    kind = "multipart/related; boundary=b" if attached else "application/json"
    headers = {"X-Message-Type": "tax.request", "Content-Type": kind}
    call = Call("POST", "/luova/deliveries/tax", headers, body)
    receiver = DIRECTORY.get("tax-administration")
    assert receiver is not None
    served = STUB.serve(receiver, call, Situation(random.Random(1), 0, 7, DIRECTORY))
    assert served is not None
    assert served.reply.status == 200
    (answer,) = served.then
    assert json.loads(request)["requestId"].encode() in answer.call.body


async def test_another_attachment_under_the_same_id_is_another_message(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (started, _):
        assert (await send(started, "a-1", parts(("a.pdf", PDF))))[0] == 202
        for other in (parts(("a.pdf", PDF + b"x")), parts(("b.pdf", PDF)), parts()):
            status, told = await send(started, "a-1", other)
            assert (status, told["reason"]) == (409, "message-id-reused")


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        (
            raw(NAMED, b"A: b", b"Content-ID: <c>"),
            ["attachments.name", "attachments.type", "attachments.type"],
        ),
        (raw(*[NAMED] * 4), ["attachments.count"]),
    ],
)
async def test_what_is_wrong_with_attachments_is_told_and_nothing_is_kept_of_them(
    tmp_path: Path, body: bytes, rules: list[str]
) -> None:
    async with gateway(tmp_path, attachments_max=3, attachment_bytes_max=100) as (started, _):
        status, told = await send(started, "a-1", body, 'multipart/related; boundary="b"')
        assert (status, told["reason"]) == (400, "malformed")
        assert [each["rule"] for each in told["violations"]] == rules
        assert all(each["expected"] for each in told["violations"])
        if rules[0] == "attachments.name":
            first = told["violations"][0]
            assert first["line"] > EARNINGS.count(b"\n")
            assert "item" in first
        assert (told["messageId"], told["messageType"]) == ("a-1", "unemployment.earnings-data")
        good = await send(started, "a-1", raw(NAMED), "multipart/related; boundary=b")
        assert good[0] == 202, "the id is free still"


async def test_a_violation_stands_where_it_stands_in_the_message(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (started, _):
        body = raw(NAMED).replace(b"<EarningsData", b"<Earnings", 1)
        broken = body.replace(b"</EarningsData>", b"</Earnings>", 1)
        status, told = await send(started, "a-1", broken, "multipart/related; boundary=b")
        assert status == 422
        line = EARNINGS[: EARNINGS.index(b"<EarningsData")].count(b"\n") + 1
        assert told["violations"][0]["line"] == line


async def test_a_mailbox_gives_attachments_too(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (started, _):
        partners = list(started.exchange.directory)
        fund = next(
            each
            for each in partners
            if each.sector == "unemployment-fund" and each.delivery == "mailbox"
        )
        kela = next(each for each in partners if each.sector == "kela")
        body = raw(NAMED).replace(EARNINGS, BENEFITS)
        headers = {
            "X-API-Key": kela.key,
            "X-Message-Type": "unemployment.benefit-data",
            "X-Message-Id": "m-1",
            "X-Receiver": fund.id,
            "Content-Type": "multipart/related; boundary=b",
        }
        async with started.session.post(
            f"{started.url}/luova/v1/messages", data=body, headers=headers
        ) as answered:
            assert answered.status == 202, await answered.text()
        async with started.session.get(
            f"{started.url}/luova/v1/mailbox", headers={"X-API-Key": fund.key}
        ) as answered:
            (letter,) = (await answered.json())["deliveries"]
        assert [each["name"] for each in letter["attachments"]] == ["a.txt"]
        content = (
            letter["body"].encode()
            if letter["encoding"] == "utf-8"
            else base64.b64decode(letter["body"])
        )
        assert read(letter["contentType"], content)[1] == ("a.txt", "text/plain", b"x")


def test_headers_of_a_part_end_with_their_lines_and_nowhere_else() -> None:
    """U+0085 and U+00A0 break and space texts; in UTF-8 they are halves of letters."""
    part = b"--b\r\nContent-Type: %b\r\nContent-Disposition: attachment; filename=%b\r\n\r\nx\r\n"
    sent = part % (b"text/xml", b"m") + part % (b"a/b", '"\u00c5bo.pdf"'.encode())
    sent += part % (b"a/b\x85Content-ID: <injected>", "voil\u00e0".encode()) + b"--b--"
    found = attachments.split(sent, "multipart/related; boundary=b")
    assert [each.name for each in found.attachments] == ["\u00c5bo.pdf", "voil\u00e0"]

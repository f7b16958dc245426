"""Bad calls about mailboxes and dead letters: each gets a problem that says what would have been
right, and nothing else is lost. And a receiver whose answer has no end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from exchange import adapters
from tests.exchange.journey.way import BODY, FIRST
from tests.exchange.web.dead import die
from tests.journeys.running import Running, running

FUND, MAILBOX = "fund.super", "/luova/v1/mailbox"
DEAD = "/api/v1/dead-letters"
SAMPLE = (
    Path(next(iter(adapters.__path__)))
    / "luova/families/unemployment/samples/valid/unemployment.benefit-data--two-benefits.xml"
)
Letter = dict[str, Any]


@dataclass(frozen=True)
class Bad:
    """A bad call, made of the two letters that the reader holds; its status, and parts of what the
    problem says would have been right.
    """

    name: str
    path: str
    status: int
    right: str
    body: Callable[[Letter, Letter], object] | None = None
    partner: str = FUND
    rule: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def hold(letter: Letter, lease: Letter | None = None) -> dict[str, str]:
    """A letter with its lease, or another one's."""
    return {"id": letter["id"], "lease": (lease or letter)["lease"]}


BAD = [
    Bad(
        "unknown filter", f"{MAILBOX}?recevier=x", 400, "most or lease_seconds", rule="luova.query"
    ),
    Bad(
        "filter named twice",
        f"{MAILBOX}?most=1&most=2",
        400,
        "each at most once",
        rule="luova.query",
    ),
    Bad("filter out of range", f"{MAILBOX}?wait=31", 400, "0-30", rule="luova.query"),
    Bad("unknown type", f"{MAILBOX}?type=no.such", 400, "a message type of this channel"),
    Bad(
        "token of another lease",
        f"{MAILBOX}/acknowledgements",
        409,
        "the newest lease of the delivery",
        lambda one, two: {"deliveries": [hold(one, two)]},
        rule="luova.lease-over",
    ),
    Bad(
        "no token",
        f"{MAILBOX}/acknowledgements",
        400,
        '"lease": ...',
        lambda one, two: {"deliveries": [{"id": one["id"]}]},
        rule="luova.lease",
    ),
    Bad(
        "what nobody was given",
        f"{MAILBOX}/acknowledgements",
        409,
        "a delivery of your own mailbox",
        lambda one, two: {"deliveries": [{"id": "0" * 32, "lease": one["lease"]}]},
        rule="luova.lease-unknown",
    ),
    Bad(
        "another partner's letter",
        f"{MAILBOX}/acknowledgements",
        409,
        "a delivery of your own mailbox",
        lambda one, two: {"deliveries": [hold(one)]},
        partner="fund.finka",
        rule="luova.lease-unknown",
    ),
    Bad(
        "refusal without a reason",
        f"{MAILBOX}/refusals",
        400,
        '"reason": why',
        lambda one, two: {"deliveries": [hold(one)]},
        rule="luova.lease",
    ),
    Bad(
        "refusal with an empty reason",
        f"{MAILBOX}/refusals",
        400,
        "why, in 1-400 characters",
        lambda one, two: {"deliveries": [hold(one)], "reason": " "},
        rule="luova.lease",
    ),
    Bad(
        "extension beyond the limit of one",
        f"{MAILBOX}/extensions",
        400,
        "1-3600",
        lambda one, two: {"deliveries": [hold(one)], "lease_seconds": 3601},
        rule="luova.lease",
    ),
    Bad(
        "extension beyond the limit in all",
        f"{MAILBOX}/extensions",
        409,
        "a lease of at most so long in all",
        lambda one, two: {"deliveries": [hold(one)], "lease_seconds": 3600},
        rule="luova.lease-limit",
    ),
    Bad(
        "a version that is not there",
        "/luova/v1/messages",
        422,
        "",
        lambda one, two: json.loads(BODY),
        partner="dvv",
        headers={"X_Message_Id": "v-1", "X_Message_Type": "population.births;v=99"},
    ),
    Bad(
        "filter of dead letters named twice",
        f"{DEAD}?receiver=fund.pro&receiver=fund.super",
        400,
        "name it once",
        partner="",
    ),
    Bad("unknown filter of dead letters", f"{DEAD}?recevier=x", 400, "receiver, type", partner=""),
    Bad("a time that is none", f"{DEAD}?since=soon", 400, "2026-11-29T08:00:00Z", partner=""),
    Bad(
        "unknown filter of a resend",
        f"{DEAD}/resend",
        400,
        "receiver, type, reason, since",
        lambda one, two: {"filter": {"recevier": "x"}},
        partner="",
    ),
    Bad(
        "a resend at no rate",
        f"{DEAD}/resend",
        400,
        "above 0 and at most 5000",
        lambda one, two: {"filter": {}, "per_second": 0},
        partner="",
    ),
    Bad(
        "a resend of both",
        f"{DEAD}/resend",
        400,
        '{"deliveries": [at most 500 ids]}',
        lambda one, two: {"filter": {}, "deliveries": []},
        partner="",
    ),
    Bad(
        "too many at once",
        f"{DEAD}/resend",
        400,
        "more are named by a filter",
        lambda one, two: {"deliveries": ["0" * 32] * 501},
        partner="",
    ),
    Bad(
        "skip by a filter that is none",
        f"{DEAD}/skip",
        400,
        "receiver, type",
        lambda one, two: {"filter": {"recevier": "x"}},
        partner="",
    ),
    Bad("no job", f"{DEAD}/job", 404, "nothing was ever sent again or skipped", partner=""),
    Bad(
        "pause with another member",
        f"/api/v1/partners/{FIRST}/pause",
        400,
        '{"reason": why',
        lambda one, two: {"why": "x"},
        partner="",
    ),
    Bad(
        "pause of nobody",
        "/api/v1/partners/fund.pron/pause",
        404,
        "those of the partner directory",
        lambda one, two: {},
        partner="",
    ),
]


async def called(served: Running, bad: Bad, letters: list[Letter]) -> tuple[int, str, Any]:
    """Status, media type and problem."""
    if bad.body is None:
        status, headers, body = await served.get(bad.path, bad.partner)
    else:
        status, headers, body = await served.post(
            bad.path,
            json.dumps(bad.body(*letters)),
            bad.partner,
            Content_Type="application/json",
            **bad.headers,
        )
    return status, headers["Content-Type"], json.loads(body)


async def read(served: Running) -> list[Letter]:
    """What the mailbox gives next: one letter, so that each has a lease of its own."""
    status, _, body = await served.get(f"{MAILBOX}?most=1&lease_seconds=600", FUND)
    assert status == 200, body
    return list(json.loads(body)["deliveries"])


async def put(served: Running, number: int) -> None:
    """A letter into the fund's mailbox."""
    status, _, body = await served.post(
        "/luova/v1/messages",
        SAMPLE.read_bytes(),
        "kela.unemployment",
        Content_Type="text/xml",
        X_Message_Id=f"b-{number}",
        X_Receiver=FUND,
        X_Message_Type="unemployment.benefit-data",
    )
    assert status == 202, body


async def test_each_bad_call_is_told_what_would_have_been_right(tmp_path: Path) -> None:
    async with running(tmp_path) as served:
        for number in range(2):
            await put(served, number)
        dead = await die(served.exchange, "dead", "http-503")
        letters = await read(served) + await read(served)
        assert len(letters) == 2
        for bad in BAD:
            status, media_type, told = await called(served, bad, letters)
            assert (status, media_type) == (bad.status, "application/problem+json"), (bad, told)
            assert told["title"], bad
            assert bad.right in str(told.get("detail", "")) + "".join(
                each.get("expected", "") for each in told.get("violations", [])
            ), (bad, told)
            if bad.rule:
                assert told["violations"][0]["rule"] == bad.rule, (bad, told)
        assert await read(served) == [], "both are held as before"
        first, second = ({"deliveries": [hold(letter)]} for letter in letters)
        path = f"{MAILBOX}/acknowledgements"
        for body in (first, second):
            status, _, answer = await served.post(
                path, json.dumps(body), FUND, Content_Type="application/json"
            )
            assert status == 200, answer
        twice = Bad("twice", path, 409, "once", lambda *_: first, rule="luova.lease-ended")
        status, media_type, told = await called(served, twice, letters)
        assert (status, media_type) == (409, "application/problem+json")
        assert told["violations"][0]["rule"] == twice.rule
        (left,) = await served.exchange.ledger.dead(10)
        assert left.delivery.id == dead
        counts = await served.counts("luova")
        assert counts["delivered"] == 2
        assert not served.exchange.dispatcher.held
    assert not [check for check in served.verify().checks if check.broken]


@pytest.mark.parametrize("what", ["body", "head"])
async def test_a_receiver_that_answers_endlessly_costs_nobody_else_anything(
    tmp_path: Path, what: str
) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if FIRST.encode() not in request:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        elif what == "body":
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while FIRST.encode() in request:
                part = b"x" * 1000
                writer.write(
                    b"3e8\r\n" + part + b"\r\n" if what == "body" else b"X-A: " + part + b"\r\n"
                )
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    limits = {"answer_bytes_max": 10_000, "first_backoff_seconds": 0.05, "poll_seconds": 0.05}
    async with (
        server,
        running(tmp_path, partners={"address": address}, deliveries=limits) as served,
    ):
        headers = {"X_Message_Type": "population.births", "Content_Type": "application/json"}
        status, _, body = await served.post(
            "/luova/v1/messages", BODY, "dvv", X_Message_Id="e-1", **headers
        )
        assert status == 202, body
        message = int(json.loads(body)["id"], 16)
        status, _, body = await served.post(
            "/luova/v1/messages",
            (SAMPLE.parent / "unemployment.information-request--coordination.xml").read_bytes(),
            FUND,
            Content_Type="text/xml",
            X_Message_Id="e-2",
            X_Message_Type="unemployment.information-request",
        )
        assert status == 202, body
        other = int(json.loads(body)["id"], 16)
        async with asyncio.timeout(20):
            while (await served.exchange.ledger.deliveries(other))[0].state != "delivered":
                await asyncio.sleep(0.02)
            while not (await served.exchange.ledger.deliveries(message))[0].attempts:
                await asyncio.sleep(0.02)
        (row,) = await served.exchange.ledger.deliveries(message)
        assert (row.state, row.receiver) == ("waiting", FIRST)
        assert "is larger than" in row.reason

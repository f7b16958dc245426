"""Calls every endpoint of an exchange, found by discovery, and tells which answered a partner
without a trace; no assertion.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from exchange import discovery
from exchange.partners.stub import Situation
from exchange.ports import Channel, Endpoint
from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import public_id
from tests.journeys.running import Running

#: An artificial person's code.
PERSON = re.compile(rb"[0-9]{6}[-+A-FU-Y]9[0-9]{2}[0-9A-Y]")
#: Days that are asked after by every sector: one that has been, and none.
DAYS = ("2026-03-02", "2026-02-30")
#: Messages of a channel whose ids are tried at an endpoint that takes one.
IDS_MAX = 6


@dataclass(frozen=True)
class Left:
    """What a partner's calls left so far: messages and repetitions, requests, and what was handed
    out with a record (leased deliveries, answered questions).
    """

    messages: int
    requests: int
    handed_out: int

    def __sub__(self, other: Left) -> Left:
        return Left(
            self.messages - other.messages,
            self.requests - other.requests,
            self.handed_out - other.handed_out,
        )


async def left(served: Running, partner: Partner) -> Left:
    """By the counters, and by the rows for what was handed out."""
    await served.exchange.requests.flush()
    rows = await served.exchange.ledger.totals(("sender", "kind"))
    own = {kind: count for (sender, kind), count, *_ in rows if sender == partner.id}
    with closing(sqlite3.connect(served.exchange.ledger.path)) as connection:
        (leases,) = connection.execute(
            "SELECT TOTAL(attempts) FROM delivery WHERE lease>0 AND receiver=?", (partner.id,)
        ).fetchone()
    requests = own.get("requested", 0) + own.get("request-refused", 0)
    return Left(own.get("received", 0), requests, int(leases) + own.get("answered", 0))


async def populate(served: Running) -> None:
    """Send one message of each type that a stub sends, to have something that can be told."""
    directory, now = served.exchange.directory, served.exchange.clock.now()
    for stub in discovery.stubs():
        for number, flow in enumerate({f.message_type: f for f in stub.flows(directory)}.values()):
            made = flow.make(Situation(random.Random(number), now, number + 1, directory))
            await served.send(made.call)
    await pushed(served)


async def pushed(served: Running) -> None:
    """Wait until nothing is to be pushed any more; mailboxes keep what they hold."""
    await served.until(lambda: not served.exchange.dispatcher.held)
    await served.stubs.settle()


def channel_folder(channel: Channel) -> Path | None:
    """The folder of a channel that was discovered; None of one that a test made up."""
    for folder in discovery.adapter_folders():
        part = discovery.part(folder, "channel")
        if part.CHANNEL.name == channel.name:
            return Path(str(part.__file__)).parent
    return None


def bodies(channel: Channel) -> Iterator[bytes]:
    """Nothing, what is no message, and one golden message of each type."""
    yield from (b"", b"{}", b"<a/>")
    folder = channel_folder(channel)
    seen = set()
    for path in sorted(folder.rglob("samples/valid/*") if folder is not None else ()):
        name = path.name.partition("--")[0]
        if path.is_file() and ".expected" not in path.name and name not in seen:
            seen.add(name)
            yield path.read_bytes()


def names(served: Running, channel: Channel) -> list[tuple[str, str]]:
    """A partner of the channel and an id that it may ask after, of some messages of each type."""
    with closing(sqlite3.connect(served.exchange.ledger.path)) as connection:
        rows = connection.execute(
            "SELECT message.id,sender,sender_message_id,conversation,receiver FROM message "
            "JOIN delivery ON delivery.message_id=message.id WHERE channel=? "
            "GROUP BY message_type ORDER BY message.id LIMIT ?",
            (channel.name, IDS_MAX),
        ).fetchall()
    return [
        (partner, name)
        for number, sender, own, conversation, receiver in rows
        for partner in (sender, receiver)
        for name in (public_id(number), own, conversation)
        if name
    ]


def calls(served: Running, channel: Channel, endpoint: Endpoint) -> Iterator[tuple[str, Call]]:
    """Calls of an endpoint, each with the partner that makes it."""
    sectors = {each.sector: each.id for each in served.exchange.directory}
    if "{date}" in endpoint.path:
        for partner in sectors.values():
            for day in DAYS:
                yield partner, Call(endpoint.method, endpoint.path.replace("{date}", day))
        return
    if "{" in endpoint.path:
        for partner, name in names(served, channel):
            path = re.sub(r"\{\w+\}", name.replace("/", "%2F"), endpoint.path)
            yield partner, Call(endpoint.method, path, body=b"{}" * (endpoint.method == "POST"))
        return
    call = Call(endpoint.method, endpoint.path)
    if endpoint.method == "GET":
        waiting = [each.id for each in served.exchange.directory if each.delivery == "mailbox"]
        yield from ((partner, call) for partner in waiting)
        return
    for number, body in enumerate(bodies(channel)):
        partner = list(sectors.values())[number % len(sectors)]
        kind = "application/json" if body.lstrip()[:1] in (b"{", b"[") else "text/xml"
        headers = {"Content-Type": kind, "X-Message-Id": f"{endpoint.name}-{number}"}
        yield partner, replace(call, headers=headers, body=body)


async def without_trace(served: Running) -> dict[str, str]:
    """Endpoints that answered a partner without a trace, and what was missing."""
    found = {}
    for channel in served.exchange.channels.values():
        for endpoint in channel.endpoints:
            if endpoint.handler is None:
                continue
            made = False
            for name, call in calls(served, channel, endpoint):
                made = True
                if why := await _missing(served, endpoint, name, call):
                    found[endpoint.name] = why
            if not made:
                found[endpoint.name] = "was not called"
    return found


async def _missing(served: Running, endpoint: Endpoint, name: str, call: Call) -> str:
    partner = served.exchange.directory.get(name)
    assert partner is not None, name
    before = await left(served, partner)
    headers = {**call.headers, "X-API-Key": partner.key}
    status, reply = await served.send(replace(call, headers=headers))
    assert status != 404 or b"there is no such address" not in reply, call.path
    new = (await left(served, partner)) - before
    if endpoint.takes_messages and not new.messages:
        return f"no message after a reply with status {status}"
    if not endpoint.takes_messages and new.requests != 1:
        return f"{new.requests} requests after one reply"
    told = set(PERSON.findall(reply)) - set(PERSON.findall(call.body))
    if told and status < 400 and not new.handed_out:
        return "persons were told of, and nothing says to whom"
    return ""

"""The real exchange on a ledger file with partners played by a script in place of the network, for
the tests of the journey; every one ends with a recount.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from exchange import discovery
from exchange.adapters.luova.families import population
from exchange.assembly import Exchange
from exchange.ports import (
    Attempted,
    Channel,
    Delivered,
    Delivery,
    Destination,
    Identity,
    Inbound,
    Parsed,
    RefusedByPartner,
    Verdict,
    failed_with,
)
from exchange.ports.channel import all_or_nothing, no_rules
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Directory, Partner
from exchange.settings import Settings
from exchange.storage.proof.verify import verify
from tests.waiting import WAIT_SECONDS

BODY = (Path(population.__file__).parent / "samples/valid/population.births--one.json").read_bytes()
SENDER, FIRST, SECOND = "dvv", "kela.core-data", "kela.income-data"

Answer = Callable[[str, str, int], Awaitable[Reply]]


async def takes(receiver: str, message_id: str, attempt: int) -> Reply:
    """A partner that takes everything."""
    return Reply(200, b"taken")


@dataclass
class Script:
    """A transport that plays every partner: `answer` gets receiver, message id and the number of
    the attempt.
    """

    answer: Answer = takes
    calls: list[tuple[str, str]] = field(default_factory=list)
    taken: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """The scripted reply."""
        key = (partner.id, call.headers["X-Message-Id"])
        self.calls.append(key)
        reply = await self.answer(*key, self.calls.count(key))
        if reply.status == 200:
            self.taken.append(key)
        return reply


def identify(parsed: Parsed) -> Identity:
    """By the hints; a conversation is ordered."""
    hints = parsed.inbound.hints
    return Identity(hints["id"], hints.get("conversation", ""), ordered="conversation" in hints)


def route(
    parsed: Parsed, identity: Identity, verdict: Verdict, directory: Directory
) -> Sequence[Destination]:
    """To whom the hints name, in the mode that they name."""
    hints = parsed.inbound.hints
    return [Destination(hints["receiver"], hints.get("mode", "push"))]  # type: ignore[arg-type]


def request(delivery: Delivery) -> Call:
    """The body with the sender's id."""
    return Call("POST", "/", {"X-Message-Id": delivery.envelope.sender_message_id}, delivery.body)


def judge(delivery: Delivery, reply: Reply) -> Attempted:
    """200: taken; 499: never; anything else: perhaps later."""
    if reply.status == 200:
        return Delivered(reply.body, "text/plain")
    return RefusedByPartner("refused") if reply.status == 499 else failed_with(reply.status)


def channel(**changed: Any) -> Channel:
    """A channel that carries one simple message type, with parts of it changed."""
    real = discovery.channels()["luova"]
    plain: dict[str, Any] = {
        "identify": identify,
        "route": route,
        "request": request,
        "judge": judge,
        "rules": no_rules,
    }
    return replace(real, verdict=all_or_nothing, **{**plain, **changed})


@dataclass
class Way:
    """A running exchange with one channel, and who plays its partners."""

    exchange: Exchange
    channel: Channel
    script: Script

    async def send(self, message_id: str, receiver: str = FIRST, **hints: str) -> int:
        """Send a message; the id of it."""
        sender = self.exchange.directory.get(SENDER)
        assert sender is not None
        named = {"type": "population.births", "id": message_id, "receiver": receiver, **hints}
        outcome = await self.exchange.acceptance.accept(
            self.channel, Inbound(sender, BODY, "application/json", "api", named)
        )
        assert outcome.kind == "accepted", outcome
        return outcome.envelope.id

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to become true."""
        until = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < until, "it did not happen in time"
            await asyncio.sleep(0.005)

    async def settled(self) -> None:
        """Wait until nothing waits in the ledger."""
        until = time.monotonic() + WAIT_SECONDS
        while sum((await self.exchange.ledger.waiting_by_channel()).values()):
            assert time.monotonic() < until, "deliveries still wait"
            await asyncio.sleep(0.01)

    async def state(self, message_id: int) -> tuple[str, int, str]:
        """State, attempts and reason of the message's delivery."""
        (row,) = await self.exchange.ledger.deliveries(message_id)
        return row.state, row.attempts, row.reason


@asynccontextmanager
async def way(
    folder: Path, script: Script, directory: Directory | None = None, **parts: Any
) -> AsyncIterator[Way]:
    """An open exchange; `deliveries` are settings, `clock` is its time, other parts are the
    channel's. It is closed and proved at the end.
    """
    clock = parts.pop("clock", None)
    deliveries = {
        "first_backoff_seconds": 0.01,
        "poll_seconds": 0.02,
        **parts.pop("deliveries", {}),
    }
    settings = Settings(
        storage={"url": f"sqlite:///{folder / 'exchange.db'}"}, deliveries=deliveries
    )  # type: ignore[arg-type]
    made = channel(**parts)
    exchange = Exchange(
        settings,
        clock=clock,
        channels={made.name: made},
        transport=script,
        directory=directory,
    )
    await exchange.open()
    try:
        yield Way(exchange, made, script)
    finally:
        await exchange.close()
        broken = [check for check in verify(exchange.ledger.path).checks if check.broken]
        assert not broken, broken

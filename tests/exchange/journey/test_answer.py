"""Answers in the same call, mailboxes and forgetting on a real ledger: deadlines, limits, and what
a crash left half done.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import LedgerError, Unreachable
from exchange.journey.repeat import Repeated
from exchange.journey.retention import RetentionJob
from exchange.ports import Inbound, Outcome, Remember
from exchange.ports.ledger import Hold, Wanted
from exchange.schemas.call import Reply
from exchange.settings import Retention
from tests.exchange.journey.way import BODY, FIRST, SECOND, SENDER, Script, Way, way


async def ask(
    running: Way, message_id: str, deadline_seconds: float, body: bytes = BODY
) -> tuple[Outcome, bytes | None]:
    """Ask the first receiver."""
    sender = running.exchange.directory.get(SENDER)
    assert sender is not None
    hints = {"type": "population.births", "id": message_id, "receiver": FIRST, "mode": "ask"}
    inbound = Inbound(sender, body, "application/json", "api", hints)
    return await running.exchange.asking.ask(running.channel, inbound, deadline_seconds)


async def test_an_answer_comes_back_and_a_repetition_gets_the_same(tmp_path: Path) -> None:
    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        return Reply(200 if attempt == 2 else 503, f"answer {attempt}".encode())

    async with way(tmp_path, Script(answer)) as running:
        outcome, told = await ask(running, "a", 5)
        assert (outcome.kind, told) == ("accepted", b"answer 2")
        outcome, told = await ask(running, "a", 5)
        assert (outcome.kind, told) == ("duplicate", b"answer 2")
        assert len(running.script.calls) == 2, "the receiver is not asked again"


@pytest.mark.parametrize("limit", [{}, {"ask_seconds": 0.3}, {"timeout_seconds": 0.05}])
async def test_no_answer_before_the_deadline_is_none_and_the_delivery_is_dead(
    tmp_path: Path, limit: dict[str, Any]
) -> None:
    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        await asyncio.sleep(0.01)
        raise Unreachable("away")

    async with way(tmp_path, Script(answer), deliveries=limit) as running:
        began = time.monotonic()
        outcome, told = await ask(running, "a", 100 if "ask_seconds" in limit else 0.3)
        assert (outcome.kind, told) == ("accepted", None)
        assert 0.1 < time.monotonic() - began < 60, "by the shorter one of 0.3 s and 100 s"
        state, attempts, reason = await running.state(outcome.envelope.id)
        assert (state, reason) == ("dead", "unreachable: away")
        assert attempts > 1


async def test_what_was_refused_is_not_asked(tmp_path: Path) -> None:
    async with way(tmp_path, Script()) as running:
        outcome, told = await ask(running, "a", 5, b"{}")
        assert (outcome.kind, outcome.reason, told) == ("rejected", "schema", None)
        assert running.script.calls == []


async def test_a_question_that_a_crash_cut_off_is_settled_at_the_next_start(tmp_path: Path) -> None:
    async def never(receiver: str, message_id: str, attempt: int) -> Reply:
        await asyncio.sleep(3600)
        return Reply(200)

    async with way(tmp_path, Script(never)) as running:
        asking = asyncio.ensure_future(ask(running, "a", 3600))
        await running.until(lambda: bool(running.script.calls))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    async with way(tmp_path, Script()) as running:
        await running.settled()
        (dead,) = await running.exchange.ledger.dead(10)
        assert dead.delivery.reason == "interrupted"
        assert running.script.calls == []


async def test_a_mailbox_within_its_limits(tmp_path: Path) -> None:
    limits = {"lease_messages_max": 3, "lease_seconds_max": 60}
    async with way(tmp_path, Script(), deliveries=limits) as running:
        boxes, name, now = (
            running.exchange.mailboxes,
            running.channel.name,
            running.exchange.clock.now(),
        )
        for number in range(5):
            await running.send(f"m-{number}", mode="mailbox")
        wanted = Wanted(name, FIRST, 1000)
        first = await boxes.lease(wanted, 10**9)
        assert [each.envelope.sender_message_id for each in first] == ["m-0", "m-1", "m-2"]
        assert all(
            now + 60_000 <= each.lease_until <= now + 70_000 and each.body == BODY for each in first
        )
        (fourth,) = await boxes.lease(replace(wanted, most=-5), -5)
        assert fourth.lease_until >= now + 1000, "never shorter than a second"
        holds = [each.hold for each in first]
        assert await boxes.acknowledge(name, SECOND, holds) == ["unknown"] * 3
        assert await boxes.acknowledge("another", FIRST, holds) == ["unknown"] * 3
        told = await boxes.acknowledge(name, FIRST, [*holds, *holds, Hold(7, 7)])
        assert told == ["", "", "", "twice", "twice", "twice", "unknown"]
        assert await boxes.acknowledge(name, FIRST, holds) == ["delivered"] * 3
        (fifth,) = await boxes.lease(wanted, 10)
        told = await boxes.acknowledge(name, FIRST, [fifth.hold._replace(lease=fourth.lease)])
        assert told == ["held-by-another"]
        assert await boxes.refuse(name, FIRST, [fifth.hold], "no such person") == [""]
        assert await boxes.acknowledge(name, FIRST, [fifth.hold]) == ["dead"]
        assert running.script.calls == [], "nobody is called"


async def test_forgetting_outlives_a_ledger_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with way(tmp_path, Script()) as running:
        old = await running.send("old")
        await running.settled()
        drop, failures = running.exchange.ledger.drop, iter((True, True))

        async def sometimes(*arguments: int) -> Any:
            if next(failures, False):
                raise LedgerError("busy")
            return await drop(*arguments)

        monkeypatch.setattr(running.exchange.ledger, "drop", sometimes)
        ages = Retention.model_construct(body_seconds=-60, message_seconds=3600, rows_max=10)
        job = RetentionJob(running.exchange.ledger, running.exchange.clock, ages)
        retention = Repeated("retention", job.drop_old, 0.01, asyncio.sleep, at_once=False)
        retention.start()
        until = time.monotonic() + 10
        while await running.exchange.ledger.body(old) is not None:
            assert time.monotonic() < until, "not forgotten"
            await asyncio.sleep(0.01)
        await retention.stop()
        assert await running.exchange.ledger.message(old) is not None


async def test_many_that_remember_the_same_thing_at_once_are_all_taken(tmp_path: Path) -> None:
    """Each is judged anew when another changed what it recalled; every one adds to the same
    note.
    """

    def recall(parsed: Any, identity: Any) -> list[str]:
        return ["note"]

    def remember(parsed: Any, identity: Any, context: Any, verdict: Any) -> list[Remember]:
        known = context.known.get("note")
        return [
            Remember(
                "note",
                [*(known.value if known else []), identity.sender_message_id],
                known.version if known else 0,
            )
        ]

    async with way(tmp_path, Script(), recall=recall, remember=remember) as running:
        await asyncio.gather(*(running.send(f"m-{number}") for number in range(100)))
        await running.settled()
        noted = (await running.exchange.ledger.recall(running.channel.name, ["note"]))["note"]
        assert (sorted(noted.value), noted.version) == (
            sorted(f"m-{number}" for number in range(100)),
            100,
        )

"""Deliveries over a ledger that takes no outcomes for a while: each is made once, none meanwhile,
and all goes on by itself; the ledger is a real one, full by its own limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exchange.cli.serving.logs import told_by_place
from exchange.errors import LedgerUnavailable
from exchange.ports import Attempted, Delivered, Delivery, Settlement, failed_with
from exchange.schemas.call import Reply
from exchange.testing.clock import HandClock
from tests.exchange.journey.test_answer import ask
from tests.exchange.journey.way import FIRST, SECOND, Script, Way, way
from tests.schemas.codes import code_of

#: Pages that a ledger may have when it is to be full: SQLite takes its present size for less.
NONE, MANY = 1, 1 << 30


def fill(running: Way, pages: int = NONE) -> None:
    """Let the ledger have no more pages than it has."""
    connection = running.exchange.ledger._writer._connection
    assert connection is not None
    connection.execute(f"PRAGMA max_page_count={pages}")


async def refused(running: Way, turn: int = 0, mode: str = "push") -> None:
    """Send until the ledger says no."""
    with contextlib.suppress(LedgerUnavailable):
        for number in range(1000):
            await running.send(f"filling-{turn}-{number}", mode=mode)
    assert "full" in running.exchange.ledger.refusal


@pytest.mark.parametrize("ordered", [False, True])
async def test_what_was_made_while_the_ledger_was_full_is_made_once(
    tmp_path: Path, ordered: bool
) -> None:
    go = asyncio.Event()

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        if not message_id.startswith("filling"):
            await go.wait()
        return Reply(200, b"taken")

    hints = {"conversation": "c"} if ordered else {}
    bounds = {"concurrent_max": 8, "concurrent_receiver_max": 4}
    async with way(tmp_path, Script(answer), deliveries=bounds) as running:
        for number in range(30):
            await running.send(f"m-{number}", SECOND, **hints)
        out = 1 if ordered else 4
        await running.until(lambda: len(running.script.calls) == out)
        fill(running)
        await refused(running)
        made = len(running.script.calls)
        go.set()
        await running.until(
            lambda: sum(receiver == SECOND for receiver, _ in running.script.taken) == out
        )
        # Many polls long: those that are out have answered, and nothing else is made.
        await asyncio.sleep(0.3)
        assert len(running.script.calls) == made
        fill(running, MANY)
        await running.settled()
        calls = [message_id for receiver, message_id in running.script.calls if receiver == SECOND]
        assert sorted(calls) == sorted(f"m-{number}" for number in range(30)), "each once"
        if ordered:
            assert calls == [f"m-{number}" for number in range(30)]
        assert running.exchange.dispatcher.held == 0


async def test_a_failing_partner_is_called_no_more_often_than_allowed_over_a_full_ledger(
    tmp_path: Path,
) -> None:
    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        return Reply(200 if message_id.startswith("filling") else 503)

    async with way(
        tmp_path, Script(answer), deliveries={"attempts_max": 4, "failures_max": 99}
    ) as running:
        message = await running.send("m", SECOND)
        for turn in range(3):
            fill(running)
            await refused(running, turn)
            await asyncio.sleep(0.05)
            fill(running, MANY)
            await running.until(lambda: not running.exchange.ledger.refusal)
        await running.settled()
        assert await running.state(message) == ("dead", 4, "http-503")
        assert running.script.calls.count((SECOND, "m")) == 4


async def test_an_asker_is_told_and_the_answer_is_kept_for_the_repetition(tmp_path: Path) -> None:
    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        if message_id == "asked":
            fill(running)
            await refused(running)
        return Reply(200, b"the answer")

    async with way(tmp_path, Script(answer)) as running:
        with pytest.raises(LedgerUnavailable):
            await ask(running, "asked", 5)
        fill(running, MANY)
        await running.settled()
        outcome, told = await ask(running, "asked", 5)
        assert (outcome.kind, told) == ("duplicate", b"the answer")
        assert running.script.calls.count((FIRST, "asked")) == 1


async def test_nobody_is_asked_while_the_ledger_takes_no_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with way(tmp_path, Script()) as running:
        ledger = running.exchange.ledger
        record = ledger.record

        async def then_full(recorded: Any) -> Any:
            result = await record(recorded)
            monkeypatch.setattr(ledger, "record", record)
            fill(running)
            await refused(running)
            return result

        monkeypatch.setattr(ledger, "record", then_full)
        with pytest.raises(LedgerUnavailable):
            await ask(running, "asked", 5)
        fill(running, MANY)
        await running.settled()
        assert (FIRST, "asked") not in running.script.calls
        outcome, told = await ask(running, "asked", 5)
        assert (outcome.kind, told) == ("duplicate", None)
        assert await running.state(outcome.envelope.id) == ("dead", 1, "interrupted")


async def test_an_outcome_that_can_never_be_stored_is_settled_without_its_texts(
    tmp_path: Path,
) -> None:
    def judge(delivery: Delivery, reply: Reply) -> Attempted:
        # Half a surrogate pair, which no text of a database may hold.
        return Delivered(b"an answer", "secret \ud800")

    with capture_logs() as logs:
        async with way(tmp_path, Script(), judge=judge) as running:
            message = await running.send("m")
            await running.settled()
            assert await running.state(message) == ("delivered", 1, "")
            assert running.script.calls == [(FIRST, "m")], "it is not made again"
    told = [told_by_place(None, "", {**each}) for each in logs]
    assert "UnicodeEncodeError" in str(told)
    assert "secret" not in str(told), "the text of an error repeats what it is about"


async def test_an_answer_that_can_never_be_stored_is_no_error_of_the_asker_twice(
    tmp_path: Path,
) -> None:
    def judge(delivery: Delivery, reply: Reply) -> Attempted:
        return Delivered(reply.body, "\ud800")

    # (Errors that nobody captures are drawn in colours, which takes seconds.)
    with capture_logs():
        async with way(tmp_path, Script(), judge=judge) as running:
            with pytest.raises(UnicodeEncodeError):
                await ask(running, "asked", 5)
            await running.settled()
            outcome, told = await ask(running, "asked", 5)
            assert (outcome.kind, told) == ("duplicate", None)
            assert running.script.calls == [(FIRST, "asked")]


#: What could be a living person's.
CODE = code_of(datetime.date(1950, 1, 1), 123, "-")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("nobody \0here", "http-404: nobody here"),
        (f"no {CODE} here", "http-404"),
        # Of one that is cut the rest is easily computed.
        (f"{'x' * 189} {CODE}", "http-404"),
        (f"{'x' * 300}", f"http-404: {'x' * 200}"),
    ],
    ids=["character 0", "a living person", "half a code", "long"],
)
async def test_of_a_refusal_is_kept_what_can_be_stored_and_names_nobody(
    tmp_path: Path, said: str, kept: str
) -> None:
    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        return Reply(404, said.encode())

    def judge(delivery: Delivery, reply: Reply) -> Attempted:
        return failed_with(reply.status, reply.body)

    once = {"attempts_max": 1}
    async with way(tmp_path, Script(answer), judge=judge, deliveries=once) as running:
        message = await running.send("m")
        await running.settled()
        assert await running.state(message) == ("dead", 1, kept)


async def test_an_answer_that_may_name_a_living_person_is_kept_and_told_to_nobody(
    tmp_path: Path,
) -> None:
    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        return Reply(200, f"she is {CODE}".encode())

    async with way(tmp_path, Script(answer)) as running:
        outcome, told = await ask(running, "asked", 5)
        assert (outcome.kind, told) == ("accepted", None)
        assert await running.state(outcome.envelope.id) == ("dead", 1, "real-person")
        message = await running.send("pushed")
        await running.settled()
        assert await running.state(message) == ("delivered", 1, "")
        (row,) = await running.exchange.ledger.deliveries(message)
        assert await running.exchange.ledger.answer(row.id) is None


async def test_what_waited_when_the_ledger_said_no_goes_on_once_it_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = asyncio.Event()

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        await sent.wait()
        return Reply(200)

    bounds = {"concurrent_max": 1}
    async with way(tmp_path, Script(answer), deliveries=bounds) as running:
        ledger = running.exchange.ledger
        settle = ledger.settle

        async def then_full(settlement: Settlement) -> bool:
            """Nothing is out when the ledger says no: letters fill it, which nobody fetches."""
            settled = await settle(settlement)
            monkeypatch.setattr(ledger, "settle", settle)
            fill(running)
            await refused(running, mode="mailbox")
            return settled

        monkeypatch.setattr(ledger, "settle", then_full)
        messages = [f"m-{number}" for number in range(3)]
        for message in messages:
            await running.send(message)
        sent.set()
        await running.until(lambda: "full" in ledger.refusal)
        await asyncio.sleep(0)
        assert len(running.script.calls) == 1
        fill(running, MANY)
        await running.until(lambda: len(running.script.taken) == 3)
        assert [message for _, message in running.script.calls] == messages


async def test_a_retry_that_comes_due_waits_until_the_ledger_takes_its_outcome(
    tmp_path: Path,
) -> None:
    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        return Reply(503 if attempt == 1 else 200)

    clock, bounds = HandClock(), {"first_backoff_seconds": 60, "failures_max": 99}
    async with way(tmp_path, Script(answer), deliveries=bounds, clock=clock) as running:
        message = await running.send("m", conversation="c")
        await running.until(lambda: bool(running.script.calls))
        while not (await running.state(message))[1]:
            await asyncio.sleep(0.01)
        fill(running)
        await refused(running, mode="mailbox")
        clock.advance(minutes=2)
        # Many polls long.
        await asyncio.sleep(0.2)
        assert len(running.script.calls) == 1
        fill(running, MANY)
        await running.until(lambda: bool(running.script.taken))

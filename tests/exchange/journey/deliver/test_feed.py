"""Looks into the ledger for what is due: each is asked for once, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exchange.assembly.parts import bounds_of
from exchange.journey.deliver.dispatcher import Dispatcher
from exchange.ports import Delivery, Settlement
from exchange.schemas.call import Reply
from exchange.settings import Settings, Storage
from tests.exchange.journey.way import Script, way


@pytest.mark.parametrize("told", [False, True])
async def test_a_look_into_the_ledger_leaves_no_task_behind(
    tmp_path: Path, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with way(
        tmp_path, Script(), deliveries={"poll_seconds": 3600 if told else 0.001}
    ) as running:
        ledger, looks = running.exchange.ledger, 0
        waiting = ledger.waiting

        async def counted(*arguments: Any, **named: Any) -> Any:
            nonlocal looks
            looks += 1
            return await waiting(*arguments, **named)

        async def looked(times: int) -> int:
            """So many looks; the tasks that there are after them."""
            until = looks + times
            while looks < until:
                if told:
                    running.exchange.dispatcher._feed.look()
                await asyncio.sleep(0.002)
            return len(asyncio.all_tasks())

        monkeypatch.setattr(ledger, "waiting", counted)
        before = await looked(2)
        assert await looked(20) < before + 5


async def test_who_is_told_of_a_delivery_looks_once_and_asks_for_receivers_at_polls_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        async def ask(*arguments: Any, **named: Any) -> Any:
            asked.append(name)
            return await real(*arguments, **named)

        return ask

    def told(dispatcher: Dispatcher, _: Delivery) -> None:
        """As another worker tells of what it took in."""
        dispatcher._woken("")

    monkeypatch.setattr(Dispatcher, "offer", told)
    async with way(tmp_path, Script(), deliveries={"poll_seconds": 3600}) as running:
        ledger, states = running.exchange.ledger, running.exchange.receiver_states
        await running.send("first")
        await running.settled()
        monkeypatch.setattr(ledger, "waiting", counted("deliveries", ledger.waiting))
        monkeypatch.setattr(states, "all", counted("receivers", states.all))
        for number in range(5):
            await running.send(f"m-{number}")
            await running.settled()
        assert len(running.script.taken) == 6
    assert asked == ["deliveries"] * 5


@pytest.mark.parametrize(("ahead", "conversation"), [(True, ""), (True, "c"), (False, "")])
async def test_a_receiver_is_called_again_before_what_it_took_is_committed_but_not_in_order(
    tmp_path: Path, ahead: bool, conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the ledger is on a server; in a file it is committed first."""
    hints = {"conversation": conversation} if conversation else {}
    bounds = {"concurrent_receiver_max": 1, "concurrent_max": 3}
    sent, committing = asyncio.Event(), asyncio.Event()

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        await sent.wait()
        return Reply(200)

    async with way(tmp_path, Script(answer), deliveries=bounds) as running:
        ledger, dispatcher = running.exchange.ledger, running.exchange.dispatcher
        assert not dispatcher._bounds.calls_ahead
        dispatcher._bounds = replace(dispatcher._bounds, calls_ahead=ahead)
        settle = ledger.settle

        async def later(settlement: Settlement) -> bool:
            await committing.wait()
            return await settle(settlement)

        monkeypatch.setattr(ledger, "settle", later)
        for number in range(5):
            await running.send(f"m-{number}", **hints)
        sent.set()
        out = 3 if ahead and not conversation else 1
        await running.until(lambda: len(running.script.taken) == out)
        await asyncio.sleep(0.05)
        assert len(running.script.calls) == out, "no more may come twice than are made at once"
        committing.set()
        await running.settled()
        assert [each for _, each in running.script.calls] == [f"m-{n}" for n in range(5)]


def test_calls_go_ahead_of_commits_on_a_server_alone() -> None:
    server = Settings(storage=Storage(url="postgresql://ledger.example/exchange"))
    assert bounds_of(server).calls_ahead
    assert not bounds_of(Settings()).calls_ahead

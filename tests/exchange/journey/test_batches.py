"""Batches on the loop: others have their turns while a thousand messages are judged, and a large
batch is judged beside the loop.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from exchange.journey import accept
from exchange.ports import Inbound, Parsed
from tests.exchange.journey.way import BODY, FIRST, SENDER, Script, Way, channel, way


def inbounds(through: Way, count: int, body: bytes) -> list[Inbound]:
    """Messages of one sender."""
    sender = through.exchange.directory.get(SENDER)
    assert sender is not None, "the directory has it"
    hints = {"type": "population.births", "receiver": FIRST, "mode": "mailbox"}
    return [
        Inbound(sender, body, "application/json", "api", {**hints, "id": f"m-{number}"})
        for number in range(count)
    ]


@pytest.mark.parametrize("large", [False, True])
async def test_others_have_the_loop_while_a_batch_is_judged(tmp_path: Path, large: bool) -> None:
    turn = 0
    judged_in: list[int] = []
    on_loop: list[bool] = []
    real = channel()

    def parse(inbound: Inbound) -> Parsed:
        judged_in.append(turn)
        on_loop.append(threading.current_thread() is threading.main_thread())
        return real.parse(inbound)

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    body = BODY + b" " * (3_000 if large else 0)
    async with way(tmp_path, Script(), parse=parse) as through:
        counting = asyncio.create_task(count_turns())
        outcomes = await through.exchange.acceptance.accept_many(
            through.channel, inbounds(through, 100, body)
        )
        counting.cancel()
    assert [outcome.kind for outcome in outcomes] == ["accepted"] * 100
    names = [outcome.envelope.sender_message_id for outcome in outcomes]
    assert names == [f"m-{number}" for number in range(100)]
    in_one_turn = max(map(judged_in.count, judged_in))
    if large:
        assert not any(on_loop)
    else:
        assert all(on_loop)
        assert in_one_turn <= accept.AT_ONCE_MAX

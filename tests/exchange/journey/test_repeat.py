"""A function that is called again and again: when it is called, what a failing call changes, and
what ends it.
"""

from __future__ import annotations

import asyncio

import pytest

from exchange.errors import Full, LedgerClosed, LedgerUnavailable
from exchange.journey.repeat import Repeated


class Told:
    """What happened, in order: calls and pauses; time stands still after so many pauses."""

    def __init__(self, error: Exception | None = None, pauses: int = 3) -> None:
        self.told: list[object] = []
        self._error = error
        self._pauses = pauses

    async def call(self) -> None:
        self.told.append("call")
        if self._error is not None:
            raise self._error

    async def sleep(self, seconds: float) -> None:
        self.told.append(seconds)
        if self.told.count(seconds) >= self._pauses:
            await asyncio.Event().wait()

    async def lived(self, at_once: bool = True) -> list[object]:
        repeated = Repeated("this", self.call, 2.0, self.sleep, at_once)
        repeated.start()
        for _ in range(30):
            await asyncio.sleep(0)
        await repeated.stop()
        return self.told


async def test_it_is_called_with_a_pause_after_each_call() -> None:
    assert await Told().lived() == ["call", 2.0, "call", 2.0, "call", 2.0]


async def test_the_first_call_may_come_after_the_first_pause() -> None:
    assert await Told().lived(at_once=False) == [2.0, "call", 2.0, "call", 2.0]


@pytest.mark.parametrize(
    "error", [LedgerUnavailable("full disk"), Full("", "full"), ValueError("bug")]
)
async def test_a_call_that_fails_is_followed_by_the_next_one(error: Exception) -> None:
    assert await Told(error).lived() == ["call", 2.0, "call", 2.0, "call", 2.0]


async def test_a_closed_ledger_ends_it() -> None:
    assert await Told(LedgerClosed("closed")).lived() == ["call"]


async def test_what_is_stopped_is_called_no_more() -> None:
    told = Told(pauses=1000)
    repeated = Repeated("this", told.call, 0.0, lambda _: asyncio.sleep(0))
    repeated.start()
    await asyncio.sleep(0)
    await repeated.stop()
    before = len(told.told)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(told.told) == before > 0

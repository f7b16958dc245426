"""Calls that are no messages: counted by partner and endpoint, few rows for many calls, none lost
but by a kill.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from exchange.clocks import WallClock
from exchange.journey import repeat
from exchange.journey.requests import Requests
from exchange.ports import Channel, Desk, Endpoint
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.storage.proof.verify import verify
from exchange.storage.sqlite import SqliteLedger
from tests.waiting import WAIT_SECONDS

ONE, TWO = Partner("one", "One", "bank"), Partner("two", "Two", "bank")


async def _poll(call: Call, partner: Partner, desk: Desk) -> Reply:
    return Reply(404 if call.query else 200, b"12345")


POLL = Endpoint("GET", "/c/v1/mailbox/{id}", "Poll", _poll)
_none: Any = None
CHANNEL = Channel("c", {"en": "C"}, (), (POLL,), _none, _none, _none, _none, _none)
DESK = cast(Desk, None)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """An open, empty ledger."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    yield opened
    await opened.close()


async def poll(served: Requests, partner: Partner, times: int, **query: str) -> None:
    """Call the endpoint."""
    for _ in range(times):
        await served.serve(
            CHANNEL, POLL, Call("GET", "/c/v1/mailbox/1", query=query), partner, DESK
        )


async def counted(ledger: SqliteLedger) -> dict[tuple[str, ...], tuple[int, int]]:
    """Calls and bytes by partner, endpoint and kind."""
    rows = await ledger.totals(("sender", "endpoint", "kind"))
    return {key: (count, size) for key, count, _, size in rows}


async def test_many_polls_are_few_rows_and_no_commit_of_their_own(ledger: SqliteLedger) -> None:
    served = Requests(ledger, WallClock())
    await poll(served, ONE, 5_000)
    await poll(served, TWO, 2, page="9")
    assert await counted(ledger) == {}, "nothing is committed for one that is waited for"
    await served.stop()
    name = "GET /c/v1/mailbox/{id}"
    assert await counted(ledger) == {
        ("one", name, "requested"): (5_000, 25_000),
        ("two", name, "request-refused"): (2, 10),
    }
    with closing(sqlite3.connect(ledger.path)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM event").fetchone() == (0,)
    assert verify(ledger.path).clean


async def test_they_are_committed_soon_and_without_another_call(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeat, "FLUSH_SECONDS", 0.01)
    served = Requests(ledger, WallClock())
    for number in (1, 2):
        await poll(served, ONE, 1)
        async with asyncio.timeout(WAIT_SECONDS):
            while [count for count, _ in (await counted(ledger)).values()] != [number]:
                await asyncio.sleep(0.01)
    await served.stop()


async def test_what_the_ledger_does_not_take_is_kept(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.db")
    served = Requests(ledger, WallClock())
    await poll(served, ONE, 3)
    await served.stop()
    await ledger.open()
    assert await counted(ledger) == {}, "the ledger was closed"
    await poll(served, ONE, 4)
    await served.stop()
    assert [count for count, _ in (await counted(ledger)).values()] == [7]
    await ledger.close()

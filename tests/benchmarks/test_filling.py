"""Ledgers that were filled for a measurement: true to the last count, and an exchange goes on with them; no timing."""

from __future__ import annotations

import random
import time
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.filling import Whole, fill, harvest
from benchmarks.plans import HOT, plans
from exchange import discovery
from exchange.settings import Settings
from exchange.storage.connection import connect
from exchange.storage.verify import verify
from partners.stub import Situation
from tests.journeys.running import Running, running

COUNT = 3000
DAY_SECONDS = 86_400


async def send_some(exchange: Running) -> dict[str, int]:
    """One call of each kind of flow; accepted messages by channel."""
    everybody = exchange.exchange.directory
    sent: dict[str, int] = {}
    for stub in discovery.stubs():
        flows = {
            (flow.message_type, flow.name.split(".")[1:2] == ["ui"]): flow for flow in stub.flows(everybody) if flow.weight > 0
        }
        for number, flow in enumerate(flows.values()):
            serial = time.time_ns() + number
            call = flow.make(Situation(random.Random(serial), time.time_ns() // 1_000_000, serial, everybody)).call
            if call.method == "POST":
                async with exchange.session.post(
                    exchange.url + call.path, data=call.body, headers=dict(call.headers)
                ) as response:
                    assert response.status < 300 or b"person-unknown" in await response.read(), (flow.name, await response.text())
                sent[stub.channel] = sent.get(stub.channel, 0) + 1
    return sent


@pytest.fixture
async def harvested(tmp_path: Path) -> list[Whole]:
    """What a small exchange took in."""
    (tmp_path / "small").mkdir()
    async with running(tmp_path / "small") as exchange:
        await send_some(exchange)
        await exchange.until(lambda: not exchange.exchange.dispatcher.held)
        await exchange.stubs.settle()
    return harvest(tmp_path / "small" / "exchange.db")


async def test_a_filled_ledger_is_true_and_an_exchange_goes_on_with_it(harvested: list[Whole], tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    heard: list[int] = []
    settings = Settings(retention={"body_seconds": 3 * DAY_SECONDS})  # type: ignore[arg-type]
    fill(path, harvested, COUNT, COUNT // 6, settings, heard.append)
    found = verify(path)
    assert found.clean, found.checks
    assert heard[-1] == COUNT == sum(sums["received"] for sums in found.channels.values())
    with closing(connect(path)) as connection:
        (messages,) = connection.execute("SELECT COUNT(*) FROM message").fetchone()
        (bodies,) = connection.execute("SELECT COUNT(*) FROM body").fetchone()
        (first, last) = connection.execute("SELECT MIN(received_at), MAX(received_at) FROM message").fetchone()
    assert messages == COUNT
    assert bodies == pytest.approx(COUNT / 2, rel=0.02)
    assert last - first == pytest.approx(6 * DAY_SECONDS * 1000, rel=0.01)
    async with running(tmp_path) as exchange:
        sent = await send_some(exchange)
        await exchange.until(lambda: not exchange.exchange.dispatcher.held)
        await exchange.stubs.settle()
    after = verify(path)
    assert after.clean, after.checks
    for channel, count in sent.items():
        assert after.channels[channel]["accepted"] - found.channels[channel]["accepted"] >= count


async def test_a_ledger_is_filled_once(harvested: list[Whole], tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    fill(path, harvested, 100, 100, Settings(), lambda _: None)
    with pytest.raises(ValueError, match="fill a new one"):
        fill(path, harvested, 100, 100, Settings(), lambda _: None)
    assert verify(path).clean


async def test_no_hot_statement_reads_a_whole_table(harvested: list[Whole], tmp_path: Path) -> None:
    path = tmp_path / "exchange.db"
    fill(path, harvested, 100, 100, Settings(), lambda _: None)
    found = list(plans(path))
    assert {plan.name.partition(" (")[0] for plan in found} == set(HOT)
    assert [plan for plan in found if plan.scans] == []


def test_a_ledger_without_a_message_gives_no_harvest(tmp_path: Path) -> None:
    fill(tmp_path / "empty.db", [], 0, 1, Settings(), lambda _: None)
    with pytest.raises(ValueError, match="no message"):
        harvest(tmp_path / "empty.db")

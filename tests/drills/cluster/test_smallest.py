"""Luova's smallest message over 64 connections, the whole way, with the ledger on a server and in a
file: each is acknowledged and delivered, and what one costs in processor time is told of both.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from exchange.benchmarks import measure
from exchange.benchmarks.cases import CASES
from exchange.benchmarks.processes import free_port, server
from exchange.storage.proof.verify import verify
from exchange.storage.snapshot import Where
from tests.drills.cluster.test_mix import AS_SET, PAIRS
from tests.drills.conftest import Record
from tests.drills.drill import FULL, Row
from tests.drills.server import Server, family_seconds
from tests.postgresql import LocalServer

pytestmark = pytest.mark.drill

[SMALLEST] = (case for case in CASES if case.name == "luova-json")
CONNECTIONS = 64
#: Messages of a run; before them others, which are not measured.
MESSAGES, WARM_UP = (8_000 if FULL else 1_500), 500
#: How long a run may take, in seconds.
RUN_SECONDS = 120.0


async def spent(
    folder: Path, ledger: Where | None, others: dict[str, Callable[[], float]]
) -> dict[str, float]:
    """One run: microseconds of processor time a message, of the exchange and of others."""
    sink = free_port()
    with server(["exchange.benchmarks.servers", "sink", str(sink)], sink, {0}):
        exchange = Server(folder, f"http://127.0.0.1:{sink}", environment=AS_SET, ledger=ledger)
        try:
            async with aiohttp.ClientSession() as session:
                await exchange.start(session)
            chosen = measure.Server(exchange.port, fresh=True, delivers=True)
            requests = SMALLEST.requests(WARM_UP + MESSAGES, time.time_ns() // 1_000_000)
            warm_up, rest = iter(requests[:WARM_UP]), iter(requests[WARM_UP:])
            await measure.one_run(chosen, warm_up, CONNECTIONS, RUN_SECONDS)
            spenders = {"exchange": exchange.spent_seconds, **others}
            before = {name: read() for name, read in spenders.items()}
            took = await measure.one_run(chosen, rest, CONNECTIONS, RUN_SECONDS)
            us = {name: (read() - before[name]) / MESSAGES * 1e6 for name, read in spenders.items()}
        finally:
            await exchange.clear()
    found = await asyncio.to_thread(verify, exchange.where)
    assert found.clean, [check for check in found.checks if check.broken]
    assert (took.answered, took.unexpected) == (MESSAGES, 0), took.first_unexpected
    counted = found.channels["luova"]
    assert counted["accepted"] == counted["delivered"] == WARM_UP + MESSAGES
    return us


async def test_the_smallest_message_on_a_server_and_in_a_file(
    tmp_path: Path, postgresql: LocalServer, record: Record
) -> None:
    there = {"server": lambda: family_seconds(postgresql.pid)}
    runs: dict[str, list[dict[str, float]]] = {"embedded": [], "PostgreSQL": []}
    for pair in range(PAIRS):
        for way in sorted(runs, reverse=bool(pair % 2)):
            folder = tmp_path / f"{way}-{pair}"
            folder.mkdir()
            if way == "embedded":
                runs[way].append(await spent(folder, None, {}))
            else:
                runs[way].append(await spent(folder, postgresql.ledger(), there))
    pairs = list(zip(*runs.values(), strict=True))
    whole = [f"{sum(file.values()) / sum(other.values()):.2f}" for file, other in pairs]
    alone = [f"{file['exchange'] / other['exchange']:.2f}" for file, other in pairs]
    for way, each in runs.items():
        told = [f"{who} {statistics.median(run[who] for run in each):,.0f}" for who in each[0]]
        number = PAIRS * (WARM_UP + MESSAGES)
        record(
            Row(
                drill=f"Luova's smallest message, {way}, {PAIRS} times",
                acknowledged=number,
                stored=number,
                delivered=number,
                counted=number,
                repeated=0,
                ready=0.0,
                seen=f"us a message: {', '.join(told)}; embedded / PostgreSQL, by pairs: "
                f"{', '.join(whole)}; the exchange alone: {', '.join(alone)}",
            )
        )

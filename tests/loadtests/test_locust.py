"""Locust itself, in processes of its own: a stall is seen, two workers share the load, and a small
load keeps CI's budget.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from loadtests import processes

STALL_FROM_SECONDS, STALL_UNTIL_SECONDS, SECONDS = 1.0, 3.0, 4.5
CALL = {
    "flow": "x",
    "channel": "kelmu",
    "type": "kelmu.benefit-query",
    "sender": "x",
    "sector": "wellbeing-county",
    "weight": 1,
    "items": 1,
    "method": "POST",
    "path": "/kelmu/v1/ui/queries",
    "headers": {"X-Message-Id": "q-000000000000000000"},
    "body": '{"id":"000000000000000000"}',
    "slots": [["X-Message-Id", 2, 18, 0], ["", 7, 18, 0]],
}


async def run(*arguments: str) -> tuple[int, str]:
    """`python -m ...`: exit code and output."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        env=processes.environment(),
        cwd=processes.ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await started.communicate()
    assert started.returncode is not None
    return started.returncode, output.decode(errors="replace")


class Stalling:
    """A server that answers at once, but for two seconds nobody."""

    def __init__(self) -> None:
        self.begun = 0.0
        self.ids: list[tuple[str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        """A receipt; during the stall, at its end."""
        self.begun = self.begun or time.monotonic()
        body = await request.json()
        self.ids.append((request.headers.get("X-Message-Id", ""), body.get("id", "")))
        if STALL_FROM_SECONDS <= time.monotonic() - self.begun < STALL_UNTIL_SECONDS:
            await asyncio.sleep(self.begun + STALL_UNTIL_SECONDS - time.monotonic())
        return web.json_response({"id": "1"})


@asynccontextmanager
async def stalling() -> AsyncIterator[tuple[str, Stalling]]:
    """The server and its address."""
    server = Stalling()
    app = web.Application()
    app.router.add_post("/{rest:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", server
    finally:
        await runner.cleanup()


@pytest.mark.drill
async def test_a_stall_of_the_server_shows_in_the_latencies_as_a_closed_model_would_not_show_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "x.calls.jsonl").write_text(json.dumps(CALL) + "\n")
    report = tmp_path / "open.json"
    locust = ("locust", "--headless", "--only-summary", "--loglevel", "WARNING")
    async with stalling() as (url, server):
        load = (
            "-f",
            "loadtests/locustfile.py",
            "--host",
            url,
            "--samples",
            str(tmp_path),
            "--report",
            str(report),
        )
        code, output = await run(
            *locust, *load, "--shape", "flat", "--rate", "60", "--seconds", str(SECONDS)
        )
        opened = json.loads(report.read_text())
    assert (code, opened["failures"]) == (0, 0), output
    assert 60 * SECONDS * 0.75 < opened["calls"] < 60 * SECONDS * 1.25, (
        "the rate did not wait for answers"
    )
    assert opened["p99_milliseconds"] > 1_000
    assert opened["p50_milliseconds"] < 1_000
    assert len(set(server.ids)) == len(server.ids) == opened["calls"]
    assert all(header == f"q-{number}" for header, number in server.ids), (
        "one number in every place of a call"
    )

    async with stalling() as (url, server):
        load = (
            "-f",
            "tests/loadtests/closed.py",
            "--host",
            url,
            "-u",
            "2",
            "-r",
            "2",
            "-t",
            "5s",
            "--stop-timeout",
            "5",
        )
        code, output = await run(*locust, *load, "--csv", str(tmp_path / "closed"))
    assert code == 0, output
    with (tmp_path / "closed_stats.csv").open() as file:
        total: dict[str, Any] = next(
            row for row in csv.DictReader(file) if row["Name"] == "Aggregated"
        )
    assert float(total["Max Response Time"]) > 1_000, "the closed model met the stall too"
    assert float(total["99%"]) < 1_000, "but its percentile says nothing of it"


async def test_a_small_load_by_two_workers_keeps_the_budget_and_every_receipt_is_accounted_for(
    tmp_path: Path,
) -> None:
    """CI's load test: the exchange and the stubs as processes, distributed locust, `exchange
    verify` at the end.
    """
    load = (
        "--rate",
        "50",
        "--seconds",
        "3",
        "--locusts",
        "2",
        "--budget",
        "ci",
        "--reports",
        str(tmp_path),
    )
    code, output = await run("loadtests", *load)
    assert code == 0, output
    report = json.loads((tmp_path / "load-flat.json").read_text())
    assert set(report["channels"]) == {"eessi", "income-register", "kelmu", "luova"}
    assert report["failures"] == 0
    assert 90 < report["calls"] < 240
    assert len(report["sent_by"]) == 2
    assert report["sent_by"][0] > report["calls"] / 3, "the workers share the load"
    assert "verify: clean" in output
    assert (tmp_path / "load-flat.html").stat().st_size > 10_000
    assert (tmp_path / "load-flat_stats.csv").exists()


async def test_a_budget_that_is_not_kept_is_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "x.calls.jsonl").write_text(json.dumps(CALL) + "\n")
    arguments = (
        "-f",
        "loadtests/locustfile.py",
        "--headless",
        "--samples",
        str(tmp_path),
        "--rate",
        "20",
        "--seconds",
        "1",
    )
    code, output = await run(
        "locust", *arguments, "--host", f"http://127.0.0.1:{processes.free_port()}"
    )
    assert code == 1
    assert "over budget: " in output
    assert "Connection refused" in output


async def test_a_load_that_breaks_stops_and_says_at_which_rate(tmp_path: Path) -> None:
    (tmp_path / "x.calls.jsonl").write_text(json.dumps(CALL) + "\n")
    arguments = (
        "-f",
        "loadtests/locustfile.py",
        "--headless",
        "--samples",
        str(tmp_path),
        "--shape",
        "step",
        "--budget",
        "step",
    )
    begun = time.monotonic()
    code, output = await run(
        "locust",
        *arguments,
        "--rate",
        "20",
        "--seconds",
        "300",
        "--host",
        f"http://127.0.0.1:{processes.free_port()}",
    )
    assert (code, time.monotonic() - begun < 60) == (0, True), output
    assert "broke after" in output
    assert "failures a second" in output

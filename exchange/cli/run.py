"""`exchange run`: the exchange, the stubs and traffic in one command, with live counters; each is a
program of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Coroutine
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from exchange.assembly import ledger_path, statistics_report
from exchange.cli import INTERRUPTED
from exchange.cli import verify as verification
from exchange.cli.options import RATE_MAX, finite
from exchange.cli.partners.stubs import check_faults
from exchange.cli.serving import exposure
from exchange.publication.text import period_text
from exchange.schemas.directory import digest_of
from exchange.settings import load
from exchange.statistics.table import text_table
from exchange.storage.proof.verify import verify
from exchange.web.access.new_keys import new_key

console = Console(markup=False)

START_SECONDS = 30.0
DRAIN_SECONDS = 20.0
STOP_SECONDS = 20.0
LOOK_SECONDS = 1.0


def run(
    duration: Annotated[
        float,
        typer.Option(help="Seconds of traffic; 0 for until Ctrl-C.", min=0, callback=finite),
    ] = 0.0,
    rate: Annotated[
        float,
        typer.Option(
            help="Calls a second that the partners send.", min=0, max=RATE_MAX, callback=finite
        ),
    ] = 50.0,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port of the exchange.", show_default="from the settings", min=1, max=65535
        ),
    ] = None,
    partners_port: Annotated[int, typer.Option(help="Port of the stubs.", min=1, max=65535)] = 8081,
    workers: Annotated[int, typer.Option(help="Workers of the exchange.", min=1, max=64)] = 1,
    fault: Annotated[
        list[str] | None, typer.Option(help="Misbehaviour of the stubs: TARGET=KIND:PROBABILITY.")
    ] = None,
) -> None:
    """Start everything, show live counters, and print the exchange statistics at the end."""
    settings = load()
    check_faults(fault or [], settings)
    chosen = settings.server.port if port is None else port
    exposure.check(settings)
    # (Whatever address is bound, this machine can reach it.)
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.server.host, settings.server.host)
    address = f"http://{host}:{chosen}"
    clean = asyncio.run(_run(address, chosen, partners_port, duration, rate, workers, fault or []))
    raise typer.Exit(0 if clean else 1)


async def _run(
    address: str,
    port: int,
    partners_port: int,
    duration: float,
    rate: float,
    workers: int,
    faults: list[str],
) -> bool:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = load()
    ledger = ledger_path(settings, instead="start `exchange serve` and `exchange partners`")
    # A key that lives as long as this run, for watching where a key is demanded.
    key = new_key("watcher")
    watching = {"Authorization": f"Bearer {key}"}
    if settings.operators.hosts:
        watching["Host"] = settings.operators.hosts[0]
    stubs = f"http://127.0.0.1:{partners_port}"
    serving = await _start(
        ["serve", "--port", str(port), "--workers", str(workers)],
        {
            "EXCHANGE_PARTNERS__ADDRESS": stubs,
            "EXCHANGE_OPERATORS__WATCHER_SHA256": digest_of(key).hex(),
        },
        asyncio.subprocess.PIPE,
    )
    playing = None
    try:
        await _unless(stop, _address_told(serving))
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=5), headers=watching
        ) as session:
            await _unless(stop, _ready(session, address, serving))
            command = [
                "partners",
                "--exchange",
                address,
                "--port",
                str(partners_port),
                "--rate",
                str(rate),
            ]
            playing = await _start(
                [*command, *(part for each in faults for part in ("--fault", each))], {}
            )
            told = f"The page: {address}/    The ledger: {ledger}    Ctrl-C ends"
            console.print(told, highlight=False, soft_wrap=True)
            await _watch(session, address, stop, duration, (serving, playing))
            ended = any(each.returncode is not None for each in (serving, playing))
            _signal(playing, signal.SIGINT)  # they send no more, and answer on
            await _drain(session, address)
    finally:
        for process in (playing, serving):
            await _end(process)
    report = await asyncio.to_thread(statistics_report, ledger, 2024)
    console.width = max(console.width, 110)
    console.print(text_table(report.rows, report.lines, report.period))
    console.print(f"Period counted: {period_text(report, 'en')}", highlight=False)
    result = verify(ledger)
    console.print(verification.text(result), highlight=False, markup=False, soft_wrap=True)
    if ended:
        console.print("The exchange or its partners ended before this run: why is told above.")
    return result.clean and not ended


async def _start(
    arguments: list[str], environment: dict[str, str], stdout: int | None = None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "exchange",
        *arguments,
        "--parent",
        str(os.getpid()),
        env={**os.environ, **environment},
        stdout=stdout,
        start_new_session=True,
    )


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do it, unless a signal comes first.

    Raises:
        Exit: when one does.
    """
    doing, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((doing, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise typer.Exit(INTERRUPTED)
        await doing
    finally:
        doing.cancel()
        stopped.cancel()


async def _address_told(process: asyncio.subprocess.Process) -> None:
    """Wait until our exchange owns its port and its ledger, which is when it tells its address:
    another one may answer there. When it can't, it has said why, and we end as it did.
    """
    assert process.stdout is not None, "it was started with a pipe"
    address = await process.stdout.readline()
    if not address:
        raise typer.Exit(await process.wait() or 1)
    print(address.decode(), end="", flush=True)


async def _ready(
    session: aiohttp.ClientSession, address: str, process: asyncio.subprocess.Process
) -> None:
    """Wait until the exchange answers."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.returncode is None:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(address + "/health/ready") as response:
                if response.status == 200:
                    return
        await asyncio.sleep(0.1)
    console.print(f"The exchange does not answer at {address}", highlight=False)
    raise typer.Exit(process.returncode or 1)


async def _watch(
    session: aiohttp.ClientSession,
    address: str,
    stop: asyncio.Event,
    duration: float,
    processes: tuple[asyncio.subprocess.Process, ...],
) -> None:
    """Show the counters until the time is over, a signal comes or a program ends."""
    until = time.monotonic() + duration if duration else float("inf")
    with Live(console=console, auto_refresh=False, transient=not console.is_terminal) as live:
        while (
            not stop.is_set()
            and time.monotonic() < until
            and all(each.returncode is None for each in processes)
        ):
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(address + "/api/v1/snapshot") as response:
                    live.update(counters(await response.json()), refresh=console.is_terminal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    stop.wait(), min(LOOK_SECONDS, max(until - time.monotonic(), 0.01))
                )


def counters(snapshot: dict[str, Any]) -> Table:
    """The live table."""
    table = Table(box=None, pad_edge=False)
    table.add_column("channel")
    columns = (
        "received",
        "accepted",
        "rejected",
        "duplicate",
        "waiting",
        "delivered",
        "dead-lettered",
    )
    for column in (*columns, "accepted/s", "delivered/s"):
        table.add_column(column, justify="right")
    for name, row in snapshot["channels"].items():
        rates = snapshot["rates"].get(name, {})
        table.add_row(
            name,
            *(f"{row[column]:,}" for column in columns),
            str(rates.get("accepted", 0)),
            str(rates.get("delivered", 0)),
        )
    return table


async def _drain(session: aiohttp.ClientSession, address: str) -> None:
    """Wait (not for ever) until nothing is on its way, so that the statistics are whole."""
    until = time.monotonic() + DRAIN_SECONDS
    before = -1
    while time.monotonic() < until:
        await asyncio.sleep(LOOK_SECONDS)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(address + "/api/v1/snapshot") as response:
                channels = (await response.json())["channels"]
            state = [
                (row["waiting"], row["received"], row["delivered"]) for row in channels.values()
            ]
            if not sum(row[0] for row in state) or hash(tuple(state)) == before:
                return
            before = hash(tuple(state))


def _signal(process: asyncio.subprocess.Process | None, number: int) -> None:
    if process is not None and process.returncode is None:
        process.send_signal(number)


async def _end(process: asyncio.subprocess.Process | None) -> None:
    """End a program that we started: kindly, then not."""
    if process is None or process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()

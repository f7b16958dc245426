"""`exchange serve`: one or more workers that share the port and the ledger; what a worker serves is
put together in assembly.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import sys
from typing import Annotated

import structlog
import typer
import uvloop

from exchange.assembly import Exchange, ledger_path
from exchange.cli.pace import Pace, factor_of, pace_over
from exchange.settings import Settings, load
from exchange.storage.library import wal_reset_fault
from exchange.web.app import DOORS
from exchange.web.serving import BACKLOG, serving

#: How long a worker may take to end after SIGTERM, in seconds.
STOP_SECONDS = 15.0
#: How long calls that are being served may take to end then, in seconds.
GRACE_SECONDS = 5.0

#: New objects after which the collector looks at the youngest ones.
GARBAGE_OBJECTS_MAX = 20_000


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to bind.", show_default="from the settings")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port to bind; 0 picks a free one.", show_default="from the settings"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that share the port.", show_default="from the settings"),
    ] = None,
    ledger: Annotated[
        str | None, typer.Option(help="Address of the ledger (sqlite:///PATH).")
    ] = None,
    clock: Annotated[
        str, typer.Option(help="How fast time passes: 60x is an hour a minute.")
    ] = "1x",
) -> None:
    """Serve the exchange until SIGINT or SIGTERM."""
    settings = load()
    server = settings.server.model_copy(
        update={
            name: value
            for name, value in (("host", host), ("port", port), ("workers", workers))
            if value is not None
        }
    )
    storage = settings.storage.model_copy(update={"url": ledger}) if ledger else settings.storage
    settings = settings.model_copy(update={"server": server, "storage": storage})
    factor = factor_of(clock)
    pace = None if factor == 1 else pace_over(ledger_path(settings), factor)
    bound = bind(settings.server.host, settings.server.port)
    port_bound = bound.getsockname()[1]
    if settings.server.workers == 1:
        # Whoever reads the address may call at once: until the exchange is open the call waits
        # instead of being refused.
        bound.listen(BACKLOG)
    print(f"exchange: http://{settings.server.host}:{port_bound}/", flush=True)
    if settings.server.workers == 1:
        work(settings, 0, bound, pace)
    else:
        bound.close()
        supervise(
            settings.model_copy(
                update={"server": settings.server.model_copy(update={"port": port_bound})}
            ),
            pace,
        )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket that other workers may share."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((host, port))
    return bound


def work(
    settings: Settings, worker: int, bound: socket.socket | None = None, pace: Pace | None = None
) -> None:
    """Be one worker until a signal comes."""
    configure_log()
    # A scan of the counters on another thread must not hold the loop up for 5 ms.
    sys.setswitchinterval(0.0005)
    uvloop.run(
        _serve(settings, worker, bound or bind(settings.server.host, settings.server.port), pace)
    )


async def _serve(settings: Settings, worker: int, bound: socket.socket, pace: Pace | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    exchange = Exchange(settings, worker, clock=pace.clock() if pace else None)
    exchange.warm_up()
    app = exchange.application()
    async with serving(app, app[DOORS], settings.limits, bound, GRACE_SECONDS):
        collect_seldom()
        await stop.wait()


def collect_seldom() -> None:
    """What stands now stands to the end: the collector need not walk over schemas and catalogues
    again and again. Messages make few cycles, so it may come seldom.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS_MAX, 20, 20)


def supervise(settings: Settings, pace: Pace | None = None) -> None:
    """Start the workers, start one again that dies, end them all on a signal."""
    context = multiprocessing.get_context("spawn")
    stopping = False
    if fault := wal_reset_fault():
        print(f"exchange: {fault}", file=sys.stderr, flush=True)

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)

    def start(worker: int) -> multiprocessing.process.BaseProcess:
        process = context.Process(
            target=work, args=(settings, worker, None, pace), name=f"worker-{worker}"
        )
        process.start()
        return process

    processes = [start(worker) for worker in range(settings.server.workers)]
    while not stopping:
        with contextlib.suppress(InterruptedError):
            multiprocessing.connection.wait(
                [process.sentinel for process in processes], timeout=0.5
            )
        for worker, process in enumerate(processes):
            if not stopping and process.exitcode is not None:
                print(
                    f"exchange: worker {worker} ended with {process.exitcode}; starting it again",
                    file=sys.stderr,
                    flush=True,
                )
                processes[worker] = start(worker)
    for process in processes:
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, signal.SIGTERM)
    for process in processes:
        process.join(STOP_SECONDS)
        if process.is_alive():
            process.kill()


def configure_log() -> None:
    """Log lines as logfmt on standard error; never a body."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(20),
        cache_logger_on_first_use=True,
    )

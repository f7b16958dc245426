"""One worker as a process: its exchange on a listening socket until a signal comes or its ledger is
gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence

import uvloop

from exchange.assembly import Exchange, ledger_path
from exchange.cli.serving.clock_speed import Pace
from exchange.cli.serving.garbage_collection import collect_seldom
from exchange.cli.serving.heartbeats import Heartbeats
from exchange.cli.serving.logs import configure_log, told_by_loop
from exchange.errors import ExchangeError, LedgerLost, NodeLost
from exchange.journey.deliver.lanes import NumberedLanes, SocketWakes
from exchange.lifetime import end_with
from exchange.ports.lanes import named
from exchange.settings import Settings
from exchange.storage.copies import remove_ledger
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.ownership import Lock
from exchange.web.serving import serving

#: Exit codes: the ledger could not be opened; it was deleted or replaced while it was open; of one
#: of several workers: another process became its node.
NO_LEDGER, LOST, NODE_LOST = 2, 3, 4
#: How long a worker may take to end after SIGTERM and `server.grace_seconds`, in seconds.
STOP_SECONDS = 10.0


def work(
    settings: Settings,
    worker: int,
    bound: Sequence[socket.socket],
    pace: Pace | None,
    lock: Lock | None,
    supervisor: int,
    wakes: SocketWakes,
    beats: Heartbeats,
) -> None:
    """Be one of several workers, a process of its own, until a signal comes. It holds the lock of a
    file too, so that nobody else owns the ledger while it lives; on a server it owns its node.
    """
    end_with(supervisor)
    beats.begin(worker)
    try:
        lost = serve_until_signal(settings, worker, bound, pace, wakes, beats)
    except ExchangeError as error:
        print(f"exchange: worker {worker}: {error}", file=sys.stderr, flush=True)
        sys.exit(NO_LEDGER)
    if lost is not None:
        leave(NODE_LOST if isinstance(lost, NodeLost) else LOST)
    if lock is not None:
        lock.release()


def serve_until_signal(
    settings: Settings,
    worker: int,
    bound: Sequence[socket.socket],
    pace: Pace | None,
    wakes: SocketWakes | None = None,
    beats: Heartbeats | None = None,
) -> LedgerLost | None:
    """Serve until a signal comes or the ledger is gone: plainly on the first socket, with TLS on
    those of the settings' listeners, which follow in their order; what became of the ledger, None
    for a signal. `beats` show a supervisor that the loop runs. A process that has not ended
    `STOP_SECONDS` after its grace ends all the same.
    """
    sys.stderr = configure_log(settings.limits.log_lines_second_max)
    # A scan of the counters on another thread must not hold the loop up for 5 ms.
    sys.setswitchinterval(0.0005)
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    # A ledger's server that hangs says nothing: what waits for it then is left as by a kill.
    late = threading.Timer(settings.server.grace_seconds + STOP_SECONDS, leave, (0,))
    late.daemon = True
    try:
        return runner.run(_serve(settings, worker, bound, pace, wakes, beats, late.start))
    finally:
        # It starts one more thread, to wait for those of the pool. Where memory has run out that
        # fails after all else was closed, and the interpreter waits for them as it ends.
        with contextlib.suppress(RuntimeError):
            runner.close()
        late.cancel()
        ignore_signals()


def ignore_signals() -> None:
    """The process ends already: one more signal would end it with another exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def leave(code: int = LOST) -> None:
    """End at once: SQLite must not close the ledger, for that would write what it holds into
    whatever lies in the file's place now.
    """
    sys.stderr.close()  # the log writes beside this thread: what waits is written first
    os._exit(code)


async def _serve(
    settings: Settings,
    worker: int,
    bound: Sequence[socket.socket],
    pace: Pace | None,
    wakes: SocketWakes | None,
    beats: Heartbeats | None,
    ending: Callable[[], None],
) -> LedgerLost | None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(told_by_loop)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    owner = named(f"{socket.gethostname()} process {os.getpid()}", settings.server.role)
    lanes = NumberedLanes(worker, settings.server.workers, wakes)
    while True:
        clock = pace.clock() if pace else None
        exchange = Exchange(settings, worker, clock=clock, lanes=lanes, owner=owner)
        exchange.warm_up()
        app = exchange.application()
        # (Serving closes its sockets, and after a reset the exchange listens on them again.)
        plain, *others = [each.dup() for each in bound] if exchange.reset.is_allowed else bound
        secure = list(zip(settings.listeners, others, strict=True))
        async with serving(app, settings.limits, plain, settings.server.grace_seconds, secure):
            collect_seldom()
            if beats is not None:
                beats.go_on(worker)
                beats = None  # It goes on after a reset.
            wanted = exchange.reset.wanted
            ends = [
                asyncio.ensure_future(each.wait()) for each in (stop, exchange.ledger.lost, wanted)
            ]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
            if stop.is_set():
                with contextlib.suppress(RuntimeError):  # no memory is left for a thread
                    ending()
        if (lost := exchange.ledger.loss) is not None:
            return lost
        if stop.is_set() or not wanted.is_set():
            return None
        begin_again(settings)


def begin_again(settings: Settings) -> None:
    """An empty ledger in the place of the one that was closed."""
    path = ledger_path(settings)
    remove_ledger(path)
    migrate_sqlite(path, owned=True)

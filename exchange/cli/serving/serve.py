"""`exchange serve`: own the port and the ledger, then serve by one worker or several; what a worker
does stands in `worker`.
"""

from __future__ import annotations

import contextlib
import io
import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, TypeVar

import typer

from exchange.assembly import (
    check_listeners,
    check_partners,
    check_role,
    check_telemetry,
    ledger_address,
)
from exchange.cli.serving import exposure
from exchange.cli.serving.clock_speed import factor_of, pace_over, wall_milliseconds
from exchange.cli.serving.port import bind_each
from exchange.cli.serving.supervise import Supervisor
from exchange.cli.serving.worker import leave, serve_until_signal
from exchange.errors import LedgerError, Owned
from exchange.lifetime import end_with
from exchange.settings import Role, Settings, load
from exchange.storage.health.sqlite_version import wal_reset_fault
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.ownership import Lock, own
from exchange.storage.postgresql_server.address import Server
from exchange.storage.proof.chain import latest_heads
from exchange.storage.proof.heads_file import head_path, latest_lines, line_of
from exchange.storage.snapshot import Where, snapshot, upgrade_server

#: How long to wait for what a killed owner's workers hold until they have ended too, in seconds.
PATIENCE_SECONDS, LOOK_SECONDS = 1.0, 0.05

Result = TypeVar("Result")


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to bind.", show_default="from the settings")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port to bind; 0 picks a free one.",
            show_default="from the settings",
            min=0,
            max=65535,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that share the port.", show_default="from the settings", min=1, max=64
        ),
    ] = None,
    role: Annotated[
        Role | None,
        typer.Option(
            help="What this node of several on one server does.", show_default="from the settings"
        ),
    ] = None,
    ledger: Annotated[
        str | None, typer.Option(help="Address of the ledger (sqlite:///PATH, postgresql://...).")
    ] = None,
    clock: Annotated[
        str, typer.Option(help="How fast time passes: 60x is an hour a minute.")
    ] = "1x",
    parent: Annotated[
        int, typer.Option(hidden=True, help="End with this process, which started us.")
    ] = 0,
) -> None:
    """Serve the exchange until SIGINT or SIGTERM.

    Exit code 0: a signal came; 2: the settings are wrong, another process owns the port or the
    ledger, or the ledger can't be opened; 3: the ledger was deleted or replaced meanwhile, or
    another process became this node.
    """
    if parent:
        end_with(parent)
    settings = _settings(ledger, host=host, port=port, workers=workers, role=role)
    server = settings.server
    exposure.check(settings)
    check_partners(settings)
    check_listeners(settings)
    check_role(settings)
    check_telemetry(settings)
    exposure.tell_hosts(settings)
    factor, where = factor_of(clock), ledger_address(settings)
    with contextlib.ExitStack() as stack:
        sockets, addresses = _bound(stack, settings)
        with _owned(where, f"exchange serve at {addresses[0]}") as lock:
            pace = None if factor == 1 else pace_over(where, factor)
            if server.workers > 1 and lock is not None:
                warn_of_library()
            for address in addresses:
                announce(f"exchange: {address}")
            if server.workers > 1:
                code = Supervisor(settings, sockets, lock, pace).run()
                tell_heads(where)
                raise typer.Exit(code)
            if lost := serve_until_signal(settings, 0, sockets[0], pace):
                print(f"exchange: {lost}; the exchange ends", file=sys.stderr, flush=True)
                leave()
    tell_heads(where)


def _bound(
    stack: contextlib.ExitStack, settings: Settings
) -> tuple[list[tuple[socket.socket, ...]], list[str]]:
    """The sockets of each worker, one for each address, and the addresses in words: the plain one,
    then those of the listeners with TLS.
    """
    server, listeners = settings.server, settings.listeners
    wanted = [(server.host, server.port), *((each.host, each.port) for each in listeners)]
    bound = []
    for host, port in wanted:
        sockets = _patiently(partial(bind_each, host, port, server.workers))
        for each in sockets:
            stack.enter_context(each)
        bound.append(sockets)
    ports = [sockets[0].getsockname()[1] for sockets in bound]
    told = [f"http://{server.host}:{ports[0]}/"]
    for listener, number in zip(listeners, ports[1:], strict=True):
        told.append(f"https://{listener.host}:{number}/ ({', '.join(listener.channels)})")
    return list(zip(*bound, strict=True)), told


def _settings(ledger: str | None, **server: str | int | None) -> Settings:
    """The settings, but for what was typed."""
    settings = load()
    typed = {name: value for name, value in server.items() if value is not None}
    changed: dict[str, object] = {"server": settings.server.model_copy(update=typed)}
    if ledger:
        changed["storage"] = settings.storage.model_copy(update={"url": ledger})
    return settings.model_copy(update=changed)


@contextlib.contextmanager
def _owned(where: Where, what: str) -> Iterator[Lock | None]:
    """Own the ledger, and bring it up to this version. One on a server is not owned as a whole:
    each worker owns its node there, and brings it up to this version first.
    """
    if isinstance(where, Server):
        upgrade_server(where)
        yield None
        return
    with _patiently(lambda: own(where, what, wall_milliseconds())) as lock:
        migrate_sqlite(where, owned=True)
        yield lock


def announce(line: str) -> None:
    """Say it on standard output, if that can be written; nobody is served less if it can't."""
    try:
        print(line, flush=True)
    except OSError:
        sys.stdout = io.StringIO()  # what is still buffered could not be written at the end either


def warn_of_library() -> None:
    """Say it when several workers on this SQLite are a risk."""
    if fault := wal_reset_fault():
        with contextlib.suppress(OSError):
            print(f"exchange: {fault}", file=sys.stderr, flush=True)


def tell_heads(ledger: Where) -> None:
    """Print the heads of the last life of each writer: kept elsewhere, they prove later that
    nothing is lost (`exchange verify --head`).
    """
    with contextlib.suppress(OSError, LedgerError):
        if isinstance(ledger, Server):
            with snapshot(ledger) as connection:
                lines = [line_of(link) for link in latest_heads(connection)]
        else:
            lines = latest_lines(head_path(ledger))
        for line in lines:
            announce(f"exchange: head {line}")


def _patiently(take: Callable[[], Result]) -> Result:
    """Take what only one may have, once the one before has ended for good."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return take()
        except Owned:
            if time.monotonic() > until:
                raise
        time.sleep(LOOK_SECONDS)

"""One case measured: all servers stand at once and take turns, each warmed first; no table and no
file.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import uvloop

from exchange.benchmarks import mock_servers
from exchange.benchmarks.cases import Case
from exchange.benchmarks.driver import Measured, drive
from exchange.benchmarks.processes import exchange_environment, free_port, server

WARM_UP_SECONDS = 0.5
REST_SECONDS = 0.3
#: Longest wait for the deliveries of a run.
DRAIN_SECONDS = 60.0
#: Requests that are sent again and again to servers that don't care.
SAME_REQUESTS = 500
#: Serial numbers of one run: more than it has messages, and few enough that all runs' fit in eight
#: digits.
SERIALS = 1_000_000
#: Another mock server is warm when its rates of three runs lie within this share of each other,
#: and not before a minute; in seconds how long such a run is, the least and the most.
STEADY_SHARE, STEADY_RUNS, STEADY_SECONDS = 0.05, 3, 5.0
OTHERS_SECONDS_MIN, OTHERS_SECONDS_MAX = 60.0, 180.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that stands. `fresh`: it would take a message that came before for a duplicate;
    `delivers`: it calls receivers after its reply, and tells what still waits; `bare`: it knows no
    SOAP. `did` and `did_not` say what another mock server does for a message and what not.
    """

    port: int
    fresh: bool = False
    delivers: bool = False
    bare: bool = False
    did: str = ""
    did_not: str = ""


class Unexpected(Exception):
    """A server answered what it should not have, or nothing."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one server did in all rounds, and how long it was warmed (seconds; `steady`: until its
    rate was).
    """

    server: Server
    runs: Sequence[Measured]
    warmed_seconds: float
    steady: bool


def measure(
    case: Case, rounds: int, seconds: float, connections: int, modules: Path | None
) -> dict[str, Taken]:
    """All servers of a case by name. They take turns, A B C D A B C D, so that a drift of the
    machine meets all alike.

    Raises:
        Unexpected: when a server answers unexpectedly or not at all.
    """
    now = time.time_ns() // 1_000_000
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = start(case, stack, folder, modules)
        serials = itertools.count(1)
        same = case.requests(SAME_REQUESTS, now, 0, 1)
        bare = [case.unwrapped(each) for each in same]

        def run(name: str, length: float) -> Measured:
            chosen = servers[name]
            if chosen.fresh:
                count, serial = int((length + 1) * case.requests_per_second_max), next(serials)
                requests = iter(case.requests(count, now, serial, serial * SERIALS))
            else:
                requests = itertools.cycle(bare if chosen.bare else same)
            try:
                took = uvloop.run(one_run(chosen, requests, connections, length))
            except TimeoutError as error:
                raise Unexpected(f"{case.name}: {name}: {error}") from error
            if took.unexpected:
                told = took.first_unexpected.decode(errors="replace")
                raise Unexpected(f"{case.name}: {name} answered unexpectedly:\n{told}")
            time.sleep(REST_SECONDS)
            return took

        return take_turns(servers, run, rounds, seconds)


def take_turns(
    servers: Mapping[str, Server], run: mock_servers.Run, rounds: int, seconds: float
) -> dict[str, Taken]:
    """Warm every server, then run each once a round. Another mock server that fails is left out:
    hours of others' figures are not lost with it.

    Raises:
        Unexpected: when one of ours fails.
    """
    warmed: dict[str, tuple[float, bool]] = {}
    runs: dict[str, list[Measured]] = {name: [] for name in servers}

    def unless_it_fails(name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Unexpected as error:
            if not servers[name].did:
                raise
            print(f"left out from here on: {error}", file=sys.stderr, flush=True)
            del runs[name]

    def warm_up(name: str) -> None:
        warmed[name] = warm(name, servers[name], run)

    def once_more(name: str) -> None:
        runs[name].append(run(name, seconds))

    for name in servers:
        unless_it_fails(name, partial(warm_up, name))
    for _ in range(rounds):
        for name in [*runs]:
            unless_it_fails(name, partial(once_more, name))
    return {name: Taken(servers[name], each, *warmed[name]) for name, each in runs.items()}


def warm(name: str, chosen: Server, run: mock_servers.Run) -> tuple[float, bool]:
    """Warm a server: seconds, and whether its rate was steady at the end. Other mock servers run on
    machines that compile while they run; ours need their first connections only.
    """
    if not chosen.did:
        run(name, WARM_UP_SECONDS)
        return WARM_UP_SECONDS, True
    print(f"warming: {name}", file=sys.stderr, flush=True)
    rates: list[float] = []
    took = 0.0
    while True:
        last_run = run(name, STEADY_SECONDS)
        rates.append(last_run.rate)
        took += last_run.seconds
        last = rates[-STEADY_RUNS:]
        steady = len(last) == STEADY_RUNS and max(last) - min(last) <= STEADY_SHARE * max(last)
        if (steady and took >= OTHERS_SECONDS_MIN) or took >= OTHERS_SECONDS_MAX:
            return round(took, 1), steady


def start(case: Case, stack: ExitStack, folder: Path, modules: Path | None) -> dict[str, Server]:
    """Start every server of a case on the first core (two workers: both cores); the sink shares the
    driver's core.
    """
    first, last = {0}, {(os.cpu_count() or 1) - 1}
    os.sched_setaffinity(0, last)
    schemas = [str(schema) for schema in case.schemas]
    ports = {name: free_port() for name in ("echo", "ceiling", "limit", "sink")}

    def ours(name: str, *arguments: str, module: str = "servers", cores: set[int] = first) -> None:
        command = [f"exchange.benchmarks.{module}", *arguments]
        stack.enter_context(server(command, ports[name], cores))

    servers = {"echo": Server(ports["echo"])}
    ours("echo", "echo", str(ports["echo"]))
    if schemas:
        servers["ceiling"] = Server(ports["ceiling"])
        ours("ceiling", "ceiling", str(ports["ceiling"]), *schemas)
    ours("sink", "sink", str(ports["sink"]), *([case.channel] * case.answered), cores=last)
    if case.limited:
        servers["limit"] = Server(ports["limit"], delivers=True)
        numbers = [str(ports["limit"]), case.channel, str(ports["sink"])]
        ours("limit", *numbers, str(folder), *schemas, module="limit")
    for workers, cores in ((1, first), (2, first | last)):
        port = free_port()
        servers["exchange" if workers == 1 else f"exchange, {workers} workers"] = Server(
            port, fresh=True, delivers=True
        )
        home = folder / str(workers)
        home.mkdir()
        command = ["exchange", "serve", "--port", str(port), "--workers", str(workers)]
        stack.enter_context(server(command, port, cores, exchange_environment(home, ports["sink"])))
    if modules is not None and case.match is not None:
        for other in mock_servers.start(modules, case.match, stack, first):
            servers[other.name] = Server(
                other.port, bare=True, did=other.did, did_not=mock_servers.DID_NOT
            )
    return servers


async def one_run(
    chosen: Server, requests: Iterator[bytes], connections: int, seconds: float
) -> Measured:
    """One run; of a server that delivers it ends when everything that was accepted is delivered."""
    measured = await drive("127.0.0.1", chosen.port, requests, connections, seconds)
    if chosen.delivers:
        measured.whole_seconds = measured.seconds + await drained(
            f"http://127.0.0.1:{chosen.port}/api/v1/snapshot"
        )
    return measured


async def drained(url: str) -> float:
    """Seconds until nothing waits any more."""
    begun = time.perf_counter()
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as response:
                channels = (await response.json())["channels"]
            waited = time.perf_counter() - begun
            if not any(row["waiting"] for row in channels.values()):
                return waited
            if waited > DRAIN_SECONDS:
                raise TimeoutError(f"deliveries still wait after {DRAIN_SECONDS:.0f} s: {channels}")
            await asyncio.sleep(0.05)

"""Running a scenario in simulated time: an exchange with a ledger of its own, the stubs of all
partners, and what was counted; no command.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import structlog

from exchange import discovery
from exchange.assembly import Exchange
from exchange.cli.partners.own_samples import channel_of
from exchange.cli.simulating.shards import inside, tell_of_bugs
from exchange.cli.simulating.timeline import timeline
from exchange.partners.faults import Faults
from exchange.partners.overrides import Overrides
from exchange.partners.own_calls import OwnCalls
from exchange.partners.sender import CHAIN_BITS, chains_from
from exchange.partners.stub import Sending
from exchange.schemas.directory import Directory, Partner
from exchange.settings import Deliveries, Settings, Storage, load
from exchange.simulation import loop
from exchange.simulation.clock import VirtualClock
from exchange.simulation.local_partners import LocalPartners
from exchange.simulation.plan import Plan
from exchange.simulation.scenarios.expectations import DIMENSIONS, Counts
from exchange.simulation.scenarios.file import Scenario, Send
from exchange.storage.proof.verify import verify

#: How often retries, and what has come to its end, are looked for, in simulated seconds.
POLL_SECONDS = 15.0
WATCH_SECONDS = 300.0
#: Messages that the timeline tells of, the newest: more than a scenario and its answers have.
TOLD_MAX = 1_000_000

#: A call that falls due: the moment (milliseconds since 1970 UTC), the number of its chain.
Due = tuple[int, int, Sending]


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run: counts, what happened to each message as text (the same after each run of
    the same token), and whether the ledger proves its counts.
    """

    counts: Counts
    timeline: str
    is_proved: bool


def run(scenario: Scenario, seed: int, ledger: Path, everybody: Directory) -> Ran:
    """Run a scenario on a new ledger.

    Raises:
        ValueError: when a partner can't send what the scenario says it does.
    """
    with only_errors_logged():
        counts, told = loop.run(_live(scenario, seed, ledger, everybody))
    return Ran(counts, told, verify(ledger).clean)


@contextmanager
def only_errors_logged() -> Iterator[None]:
    """Log nothing less while inside: that a receiver fails is part of what is tried, and no news."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)


async def _live(
    scenario: Scenario, seed: int, ledger: Path, everybody: Directory
) -> tuple[Counts, str]:
    running = asyncio.get_running_loop()
    assert isinstance(running, loop.VirtualLoop), "`run` makes it"
    running.set_exception_handler(tell_of_bugs)
    clock = VirtualClock(running, scenario.begins_at)
    partners = LocalPartners(
        stubs=discovery.stubs(),
        directory=everybody,
        plan=Plan(
            year=scenario.tables.begins.year,
            seed=seed,
            planned=(),
            readings=(),
            hours={},
            missing=(),
        ),
        faults=Faults(scenario.faults, seed),
        clock=clock,
        overrides=Overrides(scenario.overrides),
    )
    # (Not worker 0, which looks for what is due by itself, every few seconds.)
    exchange = Exchange(
        _settings(seed, ledger),
        1,
        clock,
        transport=partners,
        directory=everybody,
        owner="exchange scenario",
    )
    await exchange.open()
    try:
        partners.go_through(inside(exchange))
        await partners.begin()
        watching = asyncio.create_task(_watch(exchange, clock))
        await _send(scenario, seed, everybody, partners, clock)
        await clock.until(scenario.begins_at + round(scenario.tables.lasts_seconds * 1000))
        watching.cancel()
        partners.end_day()
        rows = await exchange.ledger.totals(("kind", *DIMENSIONS))
        told = await timeline(exchange.ledger, TOLD_MAX)
    finally:
        await exchange.close()
    return {tuple(map(str, values)): number for values, number, _, _ in rows}, told


def _settings(seed: int, ledger: Path) -> Settings:
    """As configured, but for the ledger, the pace, and signatures: what is sent is the same in each
    run, to the byte.
    """
    settings = load()
    storage = {"url": f"sqlite:///{ledger}", "durable": False}
    deliveries = {"poll_seconds": POLL_SECONDS}
    return settings.model_copy(
        update={
            "seed": seed,
            "storage": Storage(**{**settings.storage.model_dump(), **storage}),
            "deliveries": Deliveries(**{**settings.deliveries.model_dump(), **deliveries}),
            "rules": settings.rules.model_copy(update={"unsigned_deliveries": "take"}),
        }
    )


async def _watch(exchange: Exchange, clock: VirtualClock) -> None:
    """What an exchange does by itself."""
    while True:
        await clock.sleep(WATCH_SECONDS)
        await exchange.watching.once()
        await exchange.mailboxes.expire()


async def _send(
    scenario: Scenario,
    seed: int,
    everybody: Directory,
    partners: LocalPartners,
    clock: VirtualClock,
) -> None:
    """Make every call at its moment; one that waits for its answer holds no other up."""
    chain, due = chains_from(scenario.begins_at * 1_000_000, 1), []
    for send in scenario.tables.send:
        due.append(_Sends(send, seed, everybody).due(scenario.begins_at, chain))
        chain += send.count
    calls = []
    for at, number, sending in heapq.merge(*due, key=itemgetter(0, 1)):
        await clock.until(at)
        call = partners.send_at(at, (number << CHAIN_BITS) + 1, [sending])
        calls.append(asyncio.create_task(call))
    await asyncio.gather(*calls)


class _Sends:
    """The calls of one table `[[send]]`."""

    def __init__(self, send: Send, seed: int, everybody: Directory) -> None:
        channel = channel_of(send.type)
        self._send = send
        self._seed = seed
        self._partner = _known(everybody, send.partner)
        self._stub = next(stub for stub in discovery.stubs() if stub.channel == channel.name)
        self._calls = OwnCalls(
            stub=self._stub,
            generators=discovery.generators(),
            directory=everybody,
            partner=self._partner,
            to=_known(everybody, send.to) if send.to else None,
            signs=False,
        )

    def due(self, begins_at: int, first: int) -> Iterator[Due]:
        """Each call with its moment, in order; made when its time comes."""
        send = self._send
        for number in range(send.count):
            at = begins_at + round((send.at_seconds + number * send.every_seconds) * 1000)
            sending = self._sending(at, first + number)
            for _ in range(1 + send.again):
                yield at, first + number, sending

    def _sending(self, at: int, number: int) -> Sending:
        send = self._send
        if not send.body:
            (made,) = self._calls.make(send.type, 1, self._seed, at, number)
            return made
        return Sending(
            self._stub.submit(
                self._partner, send.type, f"scenario-{number}", send.body.encode(), send.to
            )
        )


def _known(everybody: Directory, partner_id: str) -> Partner:
    partner = everybody.get(partner_id)
    assert partner is not None, "the file was checked against this directory"
    return partner

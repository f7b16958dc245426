"""One shard of a simulated year as a program: its exchange, its partners, its ledger, its copies to
go on from; no command.
"""

from __future__ import annotations

import asyncio
import datetime
import gc
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from exchange import discovery
from exchange.assembly import Exchange, played_directory, warm_up
from exchange.cli import verify as verification
from exchange.cli.serving.garbage_collection import GARBAGE_OBJECTS_MAX
from exchange.cli.serving.logs import configure_log
from exchange.clocks import WallClock
from exchange.errors import LedgerError
from exchange.partners.faults import Fault, Faults
from exchange.partners.stub import Flow
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory
from exchange.settings import Deliveries, Retention, Settings, Storage, load
from exchange.simulation.calendar import days_of, midnight
from exchange.simulation.clock import VirtualClock, tick_milliseconds
from exchange.simulation.endpoints import InsideEndpoints
from exchange.simulation.local_partners import LocalPartners, Made
from exchange.simulation.loop import VirtualLoop
from exchange.simulation.plan import Plan, plan
from exchange.simulation.what_if import Scenario
from exchange.simulation.workload import load as load_workload
from exchange.simulation.year import Progress, live_days, shards_at, shards_of
from exchange.storage.copies import copy_ledger, remove_ledger, restore_ledger
from exchange.storage.ownership import own
from exchange.storage.proof.verify import verify

#: How many days of messages are kept behind the simulated date.
KEPT_SECONDS = 2 * 86_400
#: Minutes are folded up to the end of the day before the one that ends.
MINUTES_KEPT_SECONDS = 23 * 3600
#: The days at whose end a simulation forgets at most and at least, by how little a day holds: each
#: time has its price.
FORGETTING_DAYS_MAX, FORGETTING_EACH_DAY_FROM = 7, Fraction(1, 140)
#: Rows that are folded or dropped in one transaction: nobody waits for it here.
ROWS_MAX = 20_000
#: How often retries are looked for, in simulated seconds: seldom, unless faults make them.
POLL_SECONDS = 21_600.0
POLL_SECONDS_WITH_FAULTS = 900.0
#: Page cache of each of a shard's two connections, in MiB: a few days of messages.
CACHE_MIB = 8
#: Work that may be lost by a kill: a copy of the ledger is made after so many seconds, at the end
#: of a day.
COPY_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Run:
    """What determines a run; nothing else does."""

    year: int
    scale: Fraction
    seed: int
    scenario: Scenario
    faults: tuple[Fault, ...] = ()
    #: The first and the last day that are lived; None for the whole year.
    days: tuple[datetime.date, datetime.date] | None = None

    def period(self) -> tuple[datetime.date, datetime.date]:
        """The first day that is lived, and the one after the last."""
        first, last = self.days or (
            datetime.date(self.year, 1, 1),
            datetime.date(self.year, 12, 31),
        )
        return first, last + datetime.timedelta(days=1)

    def numbers(self) -> range:
        """The days that are lived, as numbers in the year (0: 1 January)."""
        begin = datetime.date(self.year, 1, 1)
        return range(*((day - begin).days for day in self.period()))

    def ordinary(self) -> Run:
        """The same without what the scenario changes."""
        return replace(self, scenario=Scenario())

    def as_dict(self) -> dict[str, object]:
        """The run as JSON, to tell it from others."""
        days = {"days": [day.isoformat() for day in self.days]} if self.days else {}
        return {
            **days,
            "year": self.year,
            "scale": str(self.scale),
            "seed": self.seed,
            "what_if": list(self.scenario.texts),
            "faults": [asdict(fault) for fault in self.faults],
        }

    def directory(self) -> Directory:
        """The partners, with those that the scenario adds."""
        return self.scenario.directory(played_directory(load()))

    def senders(self, shards: int) -> list[frozenset[str]]:
        """Who sends in each of so many shards: as in the ordinary year, whatever is changed."""
        return shards_of(self.ordinary().plan().senders(), shards, self.plan().senders())

    def plan(self) -> Plan:
        """The year's plan.

        Raises:
            ValueError: when the scenario names what there isn't, or the workload can't be had.
        """
        return _plan_of(self)


@lru_cache(maxsize=2)
def _plan_of(run: Run) -> Plan:
    workload = load_workload()
    if run.scenario == Scenario():
        return plan(workload, _flows(run.directory()), run.year, run.scale, run.seed)
    # A change is made to the ordinary year's plan, so that both share all that it doesn't ask for.
    return run.scenario.plan(_plan_of(run.ordinary()), workload, _flows(run.directory()))


def _flows(directory: Directory) -> list[Flow]:
    return [flow for stub in discovery.stubs() for flow in stub.flows(directory)]


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard's place on the disk."""

    folder: Path
    number: int

    @property
    def ledger(self) -> Path:
        """Its ledger."""
        return self.folder / f"ledger-{self.number}.db"

    @property
    def done(self) -> Path:
        """Where it says that it is done, and what it did."""
        return self.folder / f"ledger-{self.number}.done"

    def copies(self) -> list[Path]:
        """Its copies, the newest last."""
        return sorted(self.folder.glob(f"copy-{self.number}-*.db"))

    def next_day(self, days: range) -> int:
        """The number of the day that it lives next: the first after its newest copy; the end of
        `days` once it is done.
        """
        if self.done.exists():
            return days.stop
        copies = self.copies()
        return int(copies[-1].stem.rpartition("-")[2]) + 1 if copies else days.start

    def made(self) -> Made | None:
        """What it did, once it is done."""
        return (
            Made(**json.loads(self.done.read_text(encoding="utf-8")))
            if self.done.exists()
            else None
        )


def settings_for(run: Run, shard: Shard) -> Settings:
    """The settings of a simulated exchange: as configured, but for its ledger, its pace and its
    retention.
    """
    settings = load()
    deliveries = {
        "poll_seconds": POLL_SECONDS_WITH_FAULTS
        if run.faults or run.scenario.cuts
        else POLL_SECONDS,
        "concurrent_max": 1024,
        "concurrent_receiver_max": 1024,
    }
    storage = {"url": f"sqlite:///{shard.ledger}", "durable": False, "readers_cache_mib": CACHE_MIB}
    retention = {
        "body_seconds": KEPT_SECONDS,
        "message_seconds": KEPT_SECONDS,
        "minute_seconds": MINUTES_KEPT_SECONDS,
        "rows_max": ROWS_MAX,
    }
    return settings.model_copy(
        update={
            "seed": run.seed,
            "storage": Storage(**{**settings.storage.model_dump(), **storage}),
            "deliveries": Deliveries(**{**settings.deliveries.model_dump(), **deliveries}),
            # Its partners sign no delivery: signing and verifying would be most of the work.
            "rules": settings.rules.model_copy(update={"unsigned_deliveries": "take"}),
            "retention": Retention(**{**settings.retention.model_dump(), **retention}),
        }
    )


def days_between_forgetting(scale: Fraction) -> int:
    """How many days' messages are forgotten at once at a scale: each day's when there are many."""
    return max(1, min(FORGETTING_DAYS_MAX, int(FORGETTING_EACH_DAY_FROM / scale)))


def prepare(run: Run) -> None:
    """Have in memory what every shard of the run needs: the plan, the channels, the schemas
    compiled.
    """
    run.plan()
    warm_up(Catalogue.load(), discovery.channels().values())


def live(run: Run, shard: Shard, report: Callable[[Progress], None]) -> Made:
    """Live a shard's year, from its beginning or from its newest copy; at once done when it was."""
    made = shard.made()
    if made is None:
        configure_log(load().limits.log_lines_second_max)
        with own(shard.ledger, "exchange simulate", WallClock().now()):
            first = take_up(shard, run.numbers())
            loop = VirtualLoop()
            loop.set_exception_handler(tell_of_bugs)
            try:
                made = loop.run_until_complete(_live(run, shard, first, loop, report))
            finally:
                loop.close()
        found = verify(shard.ledger)
        made.proof = "" if found.clean else verification.text(found)
        shard.done.write_text(json.dumps(asdict(made)), encoding="utf-8")
        for copy in shard.copies():
            copy.unlink()
    return made


def tell_of_bugs(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What else failed while the first failure of the ledger ends the run need not be told."""
    if not isinstance(context.get("exception"), LedgerError):
        loop.default_exception_handler(context)


def take_up(shard: Shard, days: range) -> int:
    """Bring the ledger back to where the newest copy was made; the number of the first day to live,
    of `days`.
    """
    shard.folder.mkdir(parents=True, exist_ok=True)
    copies = shard.copies()
    if copies:
        restore_ledger(copies[-1], shard.ledger)
    else:
        remove_ledger(shard.ledger)
    return shard.next_day(days)


def inside(exchange: Exchange) -> InsideEndpoints:
    """The endpoints of an exchange, for calls without a server."""
    channels, directory = exchange.channels.values(), exchange.directory
    return InsideEndpoints(channels, exchange.desk, directory, exchange.requests)


async def _live(
    run: Run, shard: Shard, first: int, loop: VirtualLoop, report: Callable[[Progress], None]
) -> Made:
    planned, directory = run.plan(), run.directory()
    clock = VirtualClock(loop, midnight(days_of(run.year)[first]), tick_milliseconds(run.scale))
    local_partners = LocalPartners(
        stubs=discovery.stubs(),
        directory=directory,
        plan=planned,
        faults=Faults(run.faults, run.seed),
        clock=clock,
        is_cut=run.scenario.is_cut,
    )
    # Not worker 0: that one forgets and watches by itself, every few seconds; here the ends of
    # ticks and days do.
    exchange = Exchange(
        settings_for(run, shard),
        shard.number + 1,
        clock,
        transport=local_partners,
        directory=directory,
        owner="exchange simulate",
    )
    await exchange.open()
    local_partners.go_through(inside(exchange))
    shards = shards_at(run.scale)
    senders = run.senders(shards)[shard.number]
    # What stands now stands to the end: the collector need not walk over schemas and catalogues
    # again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS_MAX, 20, 20)
    numbers = run.numbers()
    copied_at, last = time.monotonic(), numbers.stop - 1

    def keep(day: int) -> None:
        nonlocal copied_at
        if day == last or time.monotonic() - copied_at < COPY_SECONDS:
            return
        older = shard.copies()
        copy_ledger(shard.ledger, shard.folder / f"copy-{shard.number}-{day:03d}.db")
        for copy in older:
            copy.unlink()
        copied_at = time.monotonic()

    async def drop_old(day: int) -> None:
        await exchange.hold()
        if (day + 1) % days_between_forgetting(run.scale) == 0:
            await exchange.drop_old()

    try:
        if first == numbers.start:
            await local_partners.begin(shard.number, shards)
        await live_days(
            planned,
            shard.number,
            senders,
            local_partners,
            clock,
            exchange.watching.once,
            drop_old,
            range(first, numbers.stop),
            keep,
            report,
        )
    finally:
        await exchange.close()
        # The next shard of this process has an exchange of its own; this one goes.
        gc.unfreeze()
    return local_partners.made

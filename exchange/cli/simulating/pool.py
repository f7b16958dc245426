"""Living a year's shards in one or more processes, with a progress bar; what a shard does stands in
`shards`.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from exchange.cli.simulating.shards import Run, Shard, live, prepare
from exchange.clocks import WallClock
from exchange.errors import ExchangeError
from exchange.lifetime import end_with, not_interrupted
from exchange.publication.runs import PROGRESS, Told, tell
from exchange.schemas.instants import instant
from exchange.simulation.calendar import days_of
from exchange.simulation.local_partners import Made
from exchange.simulation.year import Progress as Lived

#: How many seconds of the past the rates on the bar are taken from.
RATE_SECONDS = 10.0
#: How often it is told in the run's folder at most.
TELL_SECONDS = 1.0


class ShardFailed(ExchangeError):
    """A process that lived a shard ended before its year did."""


def live_all(
    run: Run, shards: Sequence[Shard], processes: int, console: Console, folder: Path
) -> list[Made]:
    """Live every shard to the year's end, telling meanwhile in the run's folder how far it is; what
    each did.

    Raises:
        ExchangeError: when a shard can't go on: its ledger can't be written, say.
        ShardFailed: when a process ended early; what it had done is kept, and the same run goes on
        from there.
    """
    firsts = [shard.next_day(run.numbers()) for shard in shards]
    if processes == 1:
        with _bar(console, run.year) as bar:
            progress = Board(bar, run, firsts, folder)
            for shard in shards:
                live(run, shard, progress.take)
    else:
        # Before the progress bar, whose thread a forked process must not inherit.
        pipes = _begin(run, shards, processes)
        with _bar(console, run.year) as bar:
            _follow(pipes, Board(bar, run, firsts, folder))
    (folder / PROGRESS).unlink(missing_ok=True)
    return [made for shard in shards if (made := shard.made()) is not None]


def _begin(run: Run, shards: Sequence[Shard], processes: int) -> dict[Connection, BaseProcess]:
    """Start the processes, forked where that is safe, so that what each needs is read and planned
    once.
    """
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    prepare(run)
    # What stands now is never written to: a page that the collector does not touch stays shared.
    gc.freeze()
    pipes: dict[Connection, BaseProcess] = {}
    for first in range(processes):
        receiving, sending = context.Pipe(duplex=False)
        work = (run, shards[first::processes], sending, os.getpid())
        pipes[receiving] = context.Process(target=live_some, args=work, daemon=True)  # type: ignore[attr-defined]
        with not_interrupted():
            pipes[receiving].start()
        sending.close()
    gc.unfreeze()
    return pipes


def _follow(pipes: dict[Connection, BaseProcess], progress: Board) -> None:
    """Show what the processes tell until all have ended."""
    try:
        while pipes:
            for ready in wait(list(pipes)):
                assert isinstance(ready, Connection), "only pipes are waited for"
                try:
                    told = ready.recv()
                    if isinstance(told, ExchangeError):
                        raise told
                    progress.take(told)
                except EOFError:
                    process = pipes.pop(ready)
                    process.join()
                    if process.exitcode:
                        raise ShardFailed(
                            f"a process of the simulation ended with {process.exitcode}; run it "
                            "again to go on"
                        ) from None
    finally:
        for process in pipes.values():
            process.terminate()
            process.join()


def live_some(run: Run, shards: Sequence[Shard], sending: Connection, parent: int) -> None:
    """A process: its shards one after another, told through the pipe, as is what stops it."""
    end_with(parent)
    try:
        for shard in shards:
            live(run, shard, sending.send)
    except ExchangeError as error:
        sending.send(error)
    sending.close()


class Board:
    """How far a run is, on the progress bar and in its folder. `firsts` are the days that its
    shards begin or go on with.
    """

    def __init__(self, bar: Progress, run: Run, firsts: Sequence[int], folder: Path) -> None:
        self._bar = bar
        self._folder = folder
        self._dates = days_of(run.year)
        days = run.numbers()
        self._lived_before = sum(first - days.start for first in firsts)
        self._days_in_all = len(days) * len(firsts)
        self._latest = {
            shard: Lived(shard, first, calls=0, items=0) for shard, first in enumerate(firsts)
        }
        self._begin = days.start
        self._began_at = self._told_at = time.monotonic()
        self._past: list[tuple[float, int, int]] = [(self._began_at, 0, 0)]
        self._task = bar.add_task(
            "", total=self._days_in_all, completed=self._lived_before, date="", rates=""
        )

    def take(self, lived: Lived) -> None:
        """Show that a shard has come a day further."""
        self._latest[lived.shard] = lived
        days = sum(each.day - self._begin for each in self._latest.values())
        calls = sum(each.calls for each in self._latest.values())
        items = sum(each.items for each in self._latest.values())
        now = time.monotonic()
        self._past.append((now, calls, items))
        while len(self._past) > 2 and self._past[0][0] < now - RATE_SECONDS:
            self._past.pop(0)
        since, calls_before, items_before = self._past[0]
        seconds = max(now - since, 0.001)
        rates = (
            f"{(calls - calls_before) / seconds:,.0f} messages/s, "
            f"{(items - items_before) / seconds:,.0f} items/s"
        )
        date = self._dates[lived.day - 1].isoformat()
        self._bar.update(self._task, completed=days, date=date, rates=rates)
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            self._tell(date, days, calls, items, now - self._began_at)

    def _tell(self, date: str, days: int, calls: int, items: int, seconds: float) -> None:
        at, lived = WallClock().now(), days - self._lived_before
        left = (self._days_in_all - days) * seconds / lived if lived > 0 else None
        told = Told(
            at=instant(at),
            date=date,
            days=days,
            days_in_all=self._days_in_all,
            messages=calls,
            items=items,
            ends_at=instant(at + int(1000 * left)) if left is not None else None,
        )
        # (The year depends on nothing in this file.)
        with contextlib.suppress(OSError):
            tell(self._folder, told)


@contextlib.contextmanager
def _bar(console: Console, year: int) -> Iterator[Progress]:
    columns = (
        TextColumn(str(year)),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[date]}"),
        TextColumn("{task.fields[rates]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, refresh_per_second=4) as bar:
        yield bar

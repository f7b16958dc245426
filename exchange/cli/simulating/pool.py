"""Living a year's shards in one or more processes, with a progress bar; what a shard does stands in
`shards`.
"""

from __future__ import annotations

import contextlib
import datetime
import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from exchange.cli.simulating.shards import Run, Shard, live, prepare
from exchange.errors import ExchangeError
from exchange.lifetime import end_with
from exchange.simulation.calendar import days_of
from exchange.simulation.local_partners import Made
from exchange.simulation.year import Progress as Lived

#: How many seconds of the past the rates on the bar are taken from.
RATE_SECONDS = 10.0


class ShardFailed(ExchangeError):
    """A process that lived a shard ended before its year did."""


def live_all(run: Run, shards: Sequence[Shard], processes: int, console: Console) -> list[Made]:
    """Live every shard to the year's end; what each did.

    Raises:
        ExchangeError: when a shard can't go on: its ledger can't be written, say.
        ShardFailed: when a process ended early; what it had done is kept, and the same run goes on
        from there.
    """
    if processes == 1:
        with _bar(console, run.year) as bar:
            progress = Board(bar, run, len(shards))
            for shard in shards:
                live(run, shard, progress.take)
    else:
        # Before the progress bar, whose thread a forked process must not inherit.
        pipes = _begin(run, shards, processes)
        with _bar(console, run.year) as bar:
            _follow(pipes, Board(bar, run, len(shards)))
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
    """The progress bar's figures."""

    def __init__(self, bar: Progress, run: Run, shards: int) -> None:
        self._bar = bar
        self._dates = days_of(run.year)
        self._days = run.numbers()
        self._latest: dict[int, Lived] = {}
        self._past: list[tuple[float, int, int]] = [(time.monotonic(), 0, 0)]
        self._task = bar.add_task("", total=len(self._days) * shards, date="", rates="")

    def take(self, lived: Lived) -> None:
        """Show that a shard has come a day further."""
        self._latest[lived.shard] = lived
        days = sum(each.day - self._days.start for each in self._latest.values())
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
        date: datetime.date = self._dates[lived.day - 1]
        self._bar.update(self._task, completed=days, date=date.isoformat(), rates=rates)


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

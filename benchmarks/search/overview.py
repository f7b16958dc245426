"""`python -m exchange.benchmarks.search.overview`: what the overview costs an exchange with
millions of messages in its ledger or, with `--load`, what searching costs those who call meanwhile;
prints it.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

from exchange.benchmarks.growth import load_once
from exchange.benchmarks.search.ledger import seasoned_ledger
from exchange.lifetime import end_in_order
from loadtests import processes

#: What the overview is to take at most, in milliseconds of processor time.
WANTED_MILLISECONDS = 100
#: The figures are taken anew when they are older than a second and than ten times as long as they
#: took; between two looks passes so many times as long as the last one took.
PAUSE_SECONDS, PAUSE_FACTOR = 2.5, 12
IDLE_SECONDS = 5.0
TIMES = 20
#: Searches that go on while calls arrive: frequent and rare values, alone and in pairs.
SEARCHES: tuple[dict[str, str], ...] = (
    {"state": "rejected"},
    {"reason": "seldom"},
    {"sender": "seldom", "state": "dead"},
    {"channel": "luova", "state": "waiting"},
    {"conversation": "case-many", "reason": "http-503"},
)
SEARCH_PAUSE_SECONDS = 0.5


def main() -> None:
    """Grow a ledger, or take the one that is there, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m exchange.benchmarks.search.overview")
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, help="where it goes and stays; else thrown away")
    parser.add_argument("--load", type=float, default=0.0, help="calls a second; 0: none")
    parser.add_argument("--load-seconds", type=float, default=60.0, help="length of each load")
    parser.add_argument("--pairs", type=int, default=5, help="loads without and with searching")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = given.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="pages-"))
        )
        path = seasoned_ledger(folder, given.messages)
        url, served, _, _ = stack.enter_context(processes.exchange(folder, path, 1))
        lines = while_searching(given, url, folder) if given.load else overview(url, served.pid)
        for line in lines:
            print(line, flush=True)


def overview(url: str, pid: int) -> Iterator[str]:
    """What the page costs, the first time and then: processor time, less what the exchange takes
    anyway, and time by the clock.
    """
    idle = used_seconds(pid)
    time.sleep(IDLE_SECONDS)
    a_second = (used_seconds(pid) - idle) / IDLE_SECONDS
    costs, waits, took = list[float](), list[float](), 0.0
    for _ in range(TIMES + 1):
        time.sleep(max(PAUSE_SECONDS, PAUSE_FACTOR * took))
        before, begun = used_seconds(pid), time.perf_counter()
        processes.fetch(f"{url}/?lang=en")
        took = time.perf_counter() - begun
        costs.append(1000 * (used_seconds(pid) - before - a_second * took))
        waits.append(1000 * took)
    for name, values in (("processor time", costs), ("by the clock", waits)):
        yield (
            f"overview, {name}: first {values[0]:.0f} ms, then median "
            f"{statistics.median(values[1:]):.0f} ms, longest {max(values[1:]):.0f} ms "
            f"(wanted: {WANTED_MILLISECONDS} ms)"
        )


def used_seconds(pid: int) -> float:
    """Processor time that a process and its children have used."""
    top = psutil.Process(pid)
    times = [each.cpu_times() for each in (top, *top.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def while_searching(given: argparse.Namespace, url: str, folder: Path) -> Iterator[str]:
    """The latencies of the published mix without and with somebody who searches, in turns; each
    begins as often as the other, for the ledger grows meanwhile.
    """
    p99: dict[bool, list[float]] = {False: [], True: []}
    for number in range(given.pairs):
        for searching in (False, True) if number % 2 == 0 else (True, False):
            run = searched(given, url, folder) if searching else loaded(given, url, folder)
            p99[searching].append(float(run["p99_milliseconds"]))
        without, while_searched = p99[False][-1], p99[True][-1]
        yield f"pair {number + 1}: p99 {without:.1f} ms without, {while_searched:.1f} ms searching"
    for searching, name in ((False, "without"), (True, "while searching")):
        values = p99[searching]
        yield (
            f"{given.load:g} calls a second {name}: p99 median {statistics.median(values):.1f} ms "
            f"({min(values):.1f} to {max(values):.1f})"
        )
    is_within = statistics.median(p99[True]) <= max(p99[False])
    yield f"the median while searching is {'within' if is_within else 'beyond'} the spread without"


def loaded(given: argparse.Namespace, url: str, folder: Path) -> dict[str, Any]:
    """The report of a load."""
    return load_once(url, given.load, given.load_seconds, folder)


def searched(given: argparse.Namespace, url: str, folder: Path) -> dict[str, Any]:
    """The same while an operator searches again and again."""
    ended = threading.Event()
    searcher = threading.Thread(target=search_until, args=(url, ended))
    searcher.start()
    try:
        return loaded(given, url, folder)
    finally:
        ended.set()
        searcher.join()


def search_until(url: str, ended: threading.Event) -> None:
    """One search after the other, with a pause in between."""
    for asked in itertools.cycle(SEARCHES):
        processes.fetch(f"{url}/api/v1/messages?{urllib.parse.urlencode(asked)}")
        if ended.wait(SEARCH_PAUSE_SECONDS):
            return


if __name__ == "__main__":
    end_in_order()
    main()

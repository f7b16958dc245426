"""`python -m exchange.benchmarks.search`: the first page of every search, each filter alone and
every pair, in a ledger of millions of messages; prints a table.
"""

from __future__ import annotations

import argparse
import itertools
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from exchange.benchmarks.search.ledger import NOBODY, PERSON, seasoned_ledger
from exchange.lifetime import end_in_order
from exchange.ports.rows import DEAD_LETTERED, REPEATED, MessageFilter
from exchange.storage.connection import connect
from exchange.storage.scans import CACHE_MIB
from exchange.storage.search.messages import search
from exchange.web.api.message_search import LAST_ID, LOOK_MAX, LOOK_SECONDS, PAGE_MAX

#: What a search is to take at most, in milliseconds.
WANTED_MILLISECONDS = 300
TIMES = 2


def main() -> None:
    """Grow a ledger, or take the one that is there, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m exchange.benchmarks.search")
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, help="where it goes and stays; else thrown away")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = given.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="search-"))
        )
        path = seasoned_ledger(folder, given.messages)
        with closing(connect(path, CACHE_MIB, read_only=True)) as connection:
            for line in report(connection):
                print(line, flush=True)


def report(connection: sqlite3.Connection) -> Iterator[str]:
    """The table's lines."""
    values = FIXED | {name: tuple(filters_of(connection, name)) for name in FILTERS}
    alone = [{name: value} for name, some in values.items() for value in some]
    pairs = [
        {**one, **other}
        for one, other in itertools.combinations(alone, 2)
        if one.keys() != other.keys()
    ]
    (count,) = connection.execute("SELECT COUNT(*) FROM message").fetchone()
    yield f"{count:,} messages; milliseconds of processor time of the first page, first and again"
    yield "| search | ms | found | goes on |"
    yield "|---|---|---|---|"
    yield from (measure(connection, each)[1] for each in alone)
    both = sorted((measure(connection, each) for each in pairs), reverse=True)
    yield from (line for _, line in both[:10])
    times = [milliseconds for milliseconds, _ in both]
    yield (
        f"{len(both)} pairs: median {statistics.median(times):.0f} ms, longest {times[0]:.0f} ms, "
        f"{sum(each > WANTED_MILLISECONDS for each in times)} above {WANTED_MILLISECONDS} ms; "
        f"{sum('| 0 | yes |' in line for _, line in both)} found nothing so far and go on"
    )


#: By filter, the statement that counts its values in the newest 100,000 messages.
FILTERS = {
    name: f"SELECT {name} FROM message WHERE {name}!='' ORDER BY id DESC LIMIT 100000"
    for name in ("channel", "message_type", "sender", "endpoint", "conversation", "process")
} | {"receiver": "SELECT receiver FROM delivery ORDER BY id DESC LIMIT 100000"}
#: The values of filters that have few.
FIXED = {
    "reason": ("schema", "http-503", "seldom", "http-418"),
    "person": (PERSON, NOBODY),
    "state": (
        *("accepted", "rejected", "waiting", "delivered", "dead", "skipped"),
        *(DEAD_LETTERED, REPEATED),
    ),
}
#: Values of a filter that are told by name, beside the most and the least frequent.
NAMED = {
    "sender": ("seldom", "nobody"),
    "receiver": ("seldom", "nobody"),
    "conversation": ("case-7", "case-many", "none"),
}


def filters_of(connection: sqlite3.Connection, name: str) -> list[str]:
    """The most frequent value, the least frequent one and those named."""
    rows = connection.execute(
        f"SELECT {name},COUNT(*) FROM ({FILTERS[name]}) GROUP BY 1 ORDER BY 2 DESC"
    ).fetchall()
    found = [row[0] for row in rows]
    chosen = [*found[:1], *found[-1:], *NAMED.get(name, ())]
    return list(dict.fromkeys(chosen))


def measure(connection: sqlite3.Connection, asked: Mapping[str, Any]) -> tuple[float, str]:
    """The processor time of a search that was made before, in milliseconds, and its line, which has
    the first time as well.
    """
    took, wanted = [], MessageFilter(**asked)
    for _ in range(TIMES):
        begun = time.thread_time()
        found = search(connection, wanted, LAST_ID, PAGE_MAX, LOOK_MAX, LOOK_SECONDS)
        took.append(1000 * (time.thread_time() - begun))
    said = " ".join(f"{name}={value}" for name, value in asked.items())
    goes_on = "yes" if found.before else "no"
    line = f"| {said} | {took[0]:.0f}, {took[-1]:.0f} | {len(found.messages)} | {goes_on} |"
    return took[-1], line


if __name__ == "__main__":
    end_in_order()
    main()

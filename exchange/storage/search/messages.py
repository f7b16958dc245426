"""The search of messages on the ledger: looks at the newest ones that the narrowest index names,
and says where to go on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from exchange.ports.rows import Found, MessageFilter, MessageRow
from exchange.storage.connection import Connection
from exchange.storage.queries import MESSAGE
from exchange.storage.search.conditions import matching
from exchange.storage.search.streams import EVERY_MESSAGE, Stream, streams_of

#: Messages that are looked at first; each further step looks at so many times as many.
FIRST_STEP = 200
GROWTH = 8
#: Messages of one statement; between two of them it is looked whether the time is over.
IDS_MAX = 250


def search(
    connection: Connection,
    wanted: MessageFilter,
    before: int,
    most: int,
    look: int,
    within_seconds: float = math.inf,
) -> Found:
    """The newest messages that are wanted, with ids below `before`, among about the `look` newest
    that the narrowest of the indexes names, as far as the time lets it look.
    """
    until_time = time.perf_counter() + within_seconds
    driver = _narrowest(connection, streams_of(connection, wanted), before, wanted.first, look)
    condition, values = matching(wanted)
    found: list[MessageRow] = []
    step = min(FIRST_STEP, look)
    while True:
        ids, until, at_end = _newest(connection, driver, before, wanted.first, step, most)
        for start in range(0, len(ids), IDS_MAX):
            part = ids[start : start + IDS_MAX]
            rows = connection.execute(
                f"SELECT {MESSAGE} FROM message WHERE message.id IN ({','.join('?' * len(part))})"
                f"{condition} ORDER BY message.id DESC LIMIT ?",
                (*part, *values, most - len(found)),
            )
            found += [MessageRow(*row) for row in rows]
            if len(found) == most:
                return Found(found, found[-1].id)
            if time.perf_counter() > until_time:
                return Found(found, part[-1])
        look -= len(ids)
        if at_end or look <= 0:
            return Found(found, 0 if at_end else until)
        before, step = until, min(step * GROWTH, look)


def _newest(
    connection: Connection,
    driver: Sequence[Stream],
    before: int,
    first: int,
    step: int,
    most: int,
) -> tuple[list[int], int, bool]:
    """About `step` ids that some streams have in [first, before), the newest first; the id down to
    which none is left out, and whether that is the end.
    """
    each_most = step if len(driver) == 1 else max(most, step // max(len(driver), 1))
    parts = [stream.newest(connection, before, first, each_most) for stream in driver]
    cut = [part[-1] for part in parts if len(part) == each_most]
    until = max(cut, default=first)
    ids = {number for part in parts for number in part if number >= until}
    return sorted(ids, reverse=True), until, not cut


def _narrowest(
    connection: Connection,
    drivers: Sequence[Sequence[Stream]],
    before: int,
    first: int,
    look: int,
) -> Sequence[Stream]:
    """That of the drivers which names the fewest messages; none is counted beyond `look`, or beyond
    the fewest so far.
    """
    if len(drivers) < 2:
        return drivers[0] if drivers else (EVERY_MESSAGE,)
    best, fewest = drivers[-1], look
    for driver in drivers:
        count = 0
        for stream in driver:
            count += stream.counted(connection, before, first, fewest - count)
            if count >= fewest:
                break
        if count < fewest:
            best, fewest = driver, count
        if fewest <= FIRST_STEP:
            break
    return best

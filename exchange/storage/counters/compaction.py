"""Compacts counters: minutes that have grown old become hours of their day's counters and the day's
curve; no count is lost.

What is kept of a folded minute: the day counter as it was; for deliveries, what each hour of the
day had (`day_counter.hours`, JSON: the local hour to [count, items, bytes]); for each channel and
endpoint, what was received and delivered in each minute (`day_curve`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from exchange.ports.ledger import CountKey
from exchange.statistics.days import first_minute, local_hour
from exchange.storage.codec import pack, unpack
from exchange.storage.connection import Connection
from exchange.storage.counters.days import give_day_of_minute
from exchange.storage.counters.sums import ADD_COUNTS, COUNT_COLUMNS

#: The kinds that a curve has; the second is the one that keeps its hours.
RECEIVED, DELIVERED = "received", "delivered"
DIMENSIONS = CountKey._fields[1:]
_LEVEL = 3
_KEY = " AND ".join(f"{name}=?" for name in ("period", *DIMENSIONS))
_COLUMNS = ("period", *DIMENSIONS)
_KIND, _ENDPOINT = _COLUMNS.index("kind"), _COLUMNS.index("endpoint")
_NOTHING = (0, 0, 0, 0)
#: The endpoint of what was folded before endpoints were told apart; items received are 0 there, for
#: they were not kept.
UNKNOWN_ENDPOINT = "?"

#: Of a minute and a channel: minute since 1970 UTC, channel, messages received, items in them,
#: deliveries made, items in them.
MinuteRow = tuple[int, str, int, int, int, int]
#: An endpoint by its channel's name and its own.
EndpointKey = tuple[str, str]
#: Sums of a key that fills.
_Sums = dict[Any, list[int]]


def compacted_before(connection: Connection) -> int:
    """The minute (since 1970 UTC) before which minutes are folded; 0 when none is."""
    found = connection.execute("SELECT before FROM folded").fetchone()
    return found[0] if found else 0


def compact(connection: Connection, before: int, most: int) -> bool:
    """Fold minutes before `before`, the oldest first, about `most` counters at a time (a minute is
    never split); whether some are left.
    """
    beyond = connection.execute(
        "SELECT period FROM counter WHERE period<? ORDER BY period LIMIT 1 OFFSET ?", (before, most)
    ).fetchone()
    until = before
    if beyond is not None:
        oldest = connection.execute("SELECT MIN(period) FROM counter").fetchone()[0]
        until = max(beyond[0], oldest + 1)
    rows = connection.execute(
        f"SELECT {COUNT_COLUMNS} FROM counter WHERE period<? ORDER BY period", (until,)
    )
    hours, curves = _added_up(rows)
    _keep_hours(connection, hours)
    _keep_curves(connection, curves)
    connection.execute("DELETE FROM counter WHERE period<?", (until,))
    connection.execute(
        "INSERT INTO folded(id,before) VALUES (1,?) ON CONFLICT(id) DO UPDATE SET "
        "before=excluded.before WHERE folded.before<excluded.before",
        (until,),
    )
    compact_pruned(connection)
    return beyond is not None


def compact_pruned(connection: Connection) -> None:
    """Add what retention dropped of folded minutes to the days."""
    before = compacted_before(connection)
    if (
        connection.execute(
            "SELECT 1 FROM pruned_counter WHERE period<? LIMIT 1", (before,)
        ).fetchone()
        is None
    ):
        return
    give_day_of_minute(connection)
    dimensions = ",".join(DIMENSIONS)
    connection.execute(
        f"INSERT INTO pruned_day_counter AS kept({COUNT_COLUMNS}) SELECT "
        f"day_of_minute(period),{dimensions},SUM(count),SUM(items),SUM(bytes) "
        f"FROM pruned_counter WHERE period<? GROUP BY 1,{dimensions} {ADD_COUNTS}",
        (before,),
    )
    connection.execute("DELETE FROM pruned_counter WHERE period<?", (before,))


def hours_of(text: str | None) -> dict[int, list[int]]:
    """The hours that a day counter keeps: local hour to [count, items, bytes]."""
    return {int(hour): sums for hour, sums in json.loads(text).items()} if text else {}


def curve_of(codec: int, content: bytes) -> list[list[int]]:
    """A day's curve: [minute of the day, messages received, items in them, deliveries made, items
    in them], by minute.
    """
    found: list[list[int]] = json.loads(unpack(codec, content))
    return found


def curve_sums(codec: int, content: bytes) -> list[int]:
    """What the minutes of a curve sum to: messages received, items in them, deliveries made, items
    in them.
    """
    minutes = [sums for _, *sums in curve_of(codec, content)]
    return [sum(figures) for figures in zip(_NOTHING, *minutes, strict=True)]


def curves(
    connection: Connection,
    first_day: int,
    end_day: int,
    without: Collection[EndpointKey] = (),
) -> Iterator[MinuteRow]:
    """The folded minutes of days [first_day, end_day) by channel, in order of minutes; a
    day at a time is in memory.

    What came through the endpoints `without` adds nothing to its minutes, which are told all the
    same.
    """
    days = connection.execute(
        "SELECT DISTINCT day FROM day_curve WHERE day>=? AND day<? ORDER BY day",
        (first_day, end_day),
    ).fetchall()
    for (day,) in days:
        start = first_minute(day)
        by_minute: _Sums = {}
        of_day = connection.execute(
            "SELECT channel,endpoint,codec,content FROM day_curve WHERE day=?", (day,)
        )
        for channel, endpoint, codec, content in of_day:
            counts = (channel, endpoint) not in without
            for minute, *sums in curve_of(codec, content):
                _add(by_minute, (start + minute, channel), sums if counts else _NOTHING)
        for (minute, channel), sums in sorted(by_minute.items()):
            received, items_received, delivered, items = sums
            yield minute, channel, received, items_received, delivered, items


def _added_up(
    rows: Iterable[Sequence[Any]],
) -> tuple[dict[tuple[Any, ...], _Sums], dict[tuple[int, str, str], _Sums]]:
    """Deliveries by day, dimensions and hour; all that is received and delivered by day, channel,
    endpoint and minute of the day.
    """
    hours: dict[tuple[Any, ...], _Sums] = {}
    curves: dict[tuple[int, str, str], _Sums] = {}
    day = hour = start = 0
    present = -1
    for row in rows:
        minute, kind = row[0], row[_KIND]
        if kind not in (RECEIVED, DELIVERED):
            continue
        if minute != present:
            present = minute
            day, hour = local_hour(minute // 60)
            start = first_minute(day)
        count, items, size = row[-3:]
        of_minute = curves.setdefault((day, row[1], row[_ENDPOINT]), {}).setdefault(
            minute - start, [0, 0, 0, 0]
        )
        if kind == RECEIVED:
            of_minute[0] += count
            of_minute[1] += items
        else:
            of_minute[2] += count
            of_minute[3] += items
            _add(hours.setdefault((day, *row[1:-3]), {}), hour, (count, items, size))
    return hours, curves


def _add(sums: _Sums, key: Any, values: Sequence[int]) -> None:
    kept = sums.setdefault(key, [0] * len(values))
    for index, value in enumerate(values):
        kept[index] += value


def _keep_hours(connection: Connection, hours: dict[tuple[Any, ...], _Sums]) -> None:
    for key, sums in hours.items():
        (text,) = connection.execute(f"SELECT hours FROM day_counter WHERE {_KEY}", key).fetchone()
        for hour, kept in hours_of(text).items():
            _add(sums, hour, kept)
    connection.executemany(
        f"UPDATE day_counter SET hours=? WHERE {_KEY}",
        (
            (json.dumps(dict(sorted(sums.items())), separators=(",", ":")), *key)
            for key, sums in hours.items()
        ),
    )


def _keep_curves(connection: Connection, curves: dict[tuple[int, str, str], _Sums]) -> None:
    for key, sums in curves.items():
        kept = connection.execute(
            "SELECT codec,content FROM day_curve WHERE day=? AND channel=? AND endpoint=?", key
        ).fetchone()
        for minute, *values in curve_of(*kept) if kept else ():
            _add(sums, minute, values)
        text = json.dumps(
            [[minute, *values] for minute, values in sorted(sums.items())], separators=(",", ":")
        )
        connection.execute(
            "INSERT INTO day_curve(day,channel,endpoint,codec,content) VALUES (?,?,?,?,?) "
            "ON CONFLICT(day,channel,endpoint) DO UPDATE SET "
            "codec=excluded.codec,content=excluded.content",
            (*key, *pack(text.encode(), _LEVEL)),
        )

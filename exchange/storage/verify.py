"""Proving the counters: recounts the whole ledger and compares, without changing anything; how rows
are counted stands in `recount`.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from exchange.storage.connection import connect
from exchange.storage.counters import COUNT_COLUMNS
from exchange.storage.days import day_of_minute
from exchange.storage.fold import UNKNOWN_DOOR, curve_sums, folded_before
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.recount import RECOUNT
from exchange.storage.trouble import told

#: Differences listed of each check; the number of all is always given.
EXAMPLES_MAX = 10


@dataclass(slots=True)
class Check:
    """One thing that must hold: how many rows break it, and some of them in words."""

    name: str
    broken: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Verification:
    """What `verify` found: the checks, and per channel the sums that conservation is about."""

    checks: list[Check]
    channels: dict[str, dict[str, int]]

    @property
    def clean(self) -> bool:
        """Whether everything holds."""
        return not any(check.broken for check in self.checks)


_STATES = """
SELECT delivery.id, delivery.state,
       SUM(event.kind='delivered') AS delivered, SUM(event.kind='dead-lettered') AS dead, SUM(event.kind='resent') AS resent
FROM delivery LEFT JOIN event ON event.message_id=delivery.message_id AND event.delivery_id=delivery.id
GROUP BY delivery.id
HAVING COALESCE(delivered,0) != (delivery.state='delivered') OR COALESCE(dead,0)-COALESCE(resent,0) != (delivery.state='dead')
"""

#: Deliveries of each day: what its folded hours and its minutes sum to, where that is not what the
#: day says.
_HOURS = """
SELECT period, channel, message_type, sender, receiver, door, kind, process, SUM(count), SUM(items), SUM(bytes) FROM (
  SELECT day_of_minute(period) AS period,channel,message_type,sender,receiver,door,kind,process,count,items,bytes
    FROM counter WHERE kind='delivered'
  UNION ALL
  SELECT period,channel,message_type,sender,receiver,door,kind,process,value->>0,value->>1,value->>2
    FROM day_counter,json_each(day_counter.hours) WHERE kind='delivered'
  UNION ALL
  SELECT period,channel,message_type,sender,receiver,door,kind,process,-count,-items,-bytes FROM day_counter WHERE kind='delivered'
) GROUP BY 1,2,3,4,5,6,7,8 HAVING SUM(count)!=0 OR SUM(items)!=0 OR SUM(bytes)!=0
"""

#: What each door received and delivered in a day: what its curve and its minutes sum to, where that
#: is not what the day says. Curves from before doors were told apart prove nothing of their
#: channel's day.
_CURVES = f"""
WITH curve AS MATERIALIZED (SELECT day,channel,door,curve_sums(codec,content) AS sums FROM day_curve)
SELECT period, channel, door, kind, SUM(count), SUM(items) FROM (
  SELECT day_of_minute(period) AS period,channel,door,kind,count,items FROM counter WHERE kind IN ('received','delivered')
  UNION ALL SELECT day,channel,door,'received',sums->>0,sums->>1 FROM curve
  UNION ALL SELECT day,channel,door,'delivered',sums->>2,sums->>3 FROM curve
  UNION ALL SELECT period,channel,door,kind,-count,-items FROM day_counter WHERE kind IN ('received','delivered')
) WHERE (period,channel) NOT IN (SELECT day,channel FROM day_curve WHERE door='{UNKNOWN_DOOR}')
GROUP BY 1,2,3,4 HAVING SUM(count)!=0 OR SUM(items)!=0
"""

_ORPHANS = """
SELECT 'delivery '||delivery.id FROM delivery LEFT JOIN message ON message.id=delivery.message_id WHERE message.id IS NULL
UNION ALL SELECT 'event '||event.id FROM event LEFT JOIN message ON message.id=event.message_id WHERE message.id IS NULL
UNION ALL SELECT 'accepted message without delivery '||message.id FROM message
  LEFT JOIN delivery ON delivery.message_id=message.id WHERE message.state='accepted' AND delivery.id IS NULL
  AND NOT EXISTS (SELECT 1 FROM event
    WHERE event.message_id=message.id AND event.delivery_id=0 AND event.kind='accepted' AND event.detail='no-delivery')
UNION ALL SELECT 'waiting delivery without body '||delivery.id FROM delivery
  LEFT JOIN body ON body.message_id=delivery.message_id WHERE delivery.state='waiting' AND body.message_id IS NULL
"""


def verify(path: Path) -> Verification:
    """Recount the ledger file at `path` in one consistent view of it; constant memory, sorting on
    disk.

    Raises:
        LedgerError: when the file is no ledger, or can't be read.
    """
    migrate_sqlite(path, create=False)
    with told(path):
        return _verify(path)


def _verify(path: Path) -> Verification:
    connection = connect(path)
    try:
        connection.execute("PRAGMA temp_store=FILE")
        connection.create_function("day_of_minute", 1, day_of_minute, deterministic=True)
        connection.create_function("curve_sums", 2, curve_sums, deterministic=True)
        connection.execute("BEGIN")
        connection.execute(f"CREATE TEMP TABLE recount AS {RECOUNT}")
        connection.execute(
            f"INSERT INTO temp.recount({COUNT_COLUMNS}) SELECT {COUNT_COLUMNS} FROM pruned_counter"
        )
        # Minutes before this one are folded: of them, the days are what there is to compare.
        folded = folded_before(connection)
        whole = day_of_minute(folded - 1) + 1 if folded else 0
        checks = [
            _differences(
                connection,
                "counters agree with messages, deliveries and events",
                _by_minute(f"temp.recount WHERE period>={folded}"),
                _by_minute("counter"),
            ),
            _differences(
                connection,
                "days agree with minutes",
                _by_day("counter", whole),
                f"SELECT {COUNT_COLUMNS} FROM day_counter WHERE period>={whole}",
            ),
            _differences(
                connection,
                "days agree with messages, deliveries and events",
                _by_day(
                    "temp.recount", 0, f"UNION ALL SELECT {COUNT_COLUMNS} FROM pruned_day_counter"
                ),
                f"SELECT {COUNT_COLUMNS} FROM day_counter",
            ),
            _rows(connection, "hours and minutes agree with days", _HOURS),
            _rows(connection, "curves and minutes agree with days", _CURVES),
            _rows(connection, "every delivery's state agrees with its events", _STATES),
            _rows(connection, "nothing stands without what it belongs to", _ORPHANS),
        ]
        channels = _conservation(connection)
        checks.append(_conserved(channels))
        return Verification(checks, channels)
    finally:
        connection.close()


def _by_minute(table: str) -> str:
    return (
        "SELECT period,channel,message_type,sender,receiver,door,kind,process,SUM(count),SUM(items),SUM(bytes) "
        f"FROM {table} GROUP BY period,channel,message_type,sender,receiver,door,kind,process"
    )


def _by_day(minutes: str, since: int, more: str = "") -> str:
    """The minutes of a table (and further counters by day) added up by day, from day `since` on."""
    dimensions = ",".join(COUNT_COLUMNS.split(",")[1:-3])
    return (
        f"SELECT period,{dimensions},SUM(count),SUM(items),SUM(bytes) FROM (SELECT day_of_minute(period) AS period,{dimensions},"
        f"count,items,bytes FROM {minutes} {more}) WHERE period>={since} GROUP BY period,{dimensions}"
    )


def _differences(connection: sqlite3.Connection, name: str, expected: str, counted: str) -> Check:
    """Rows of one query that are not in the other, both ways."""
    check = Check(name)
    for label, left, right in (("expected", expected, counted), ("counted", counted, expected)):
        rows = connection.execute(f"SELECT * FROM ({left}) EXCEPT SELECT * FROM ({right})")
        for row in rows:
            check.broken += 1
            if len(check.examples) < EXAMPLES_MAX:
                check.examples.append(f"{label} {' '.join(str(value) or '-' for value in row)}")
    return check


def _rows(connection: sqlite3.Connection, name: str, query: str) -> Check:
    check = Check(name)
    for row in connection.execute(query):
        check.broken += 1
        if len(check.examples) < EXAMPLES_MAX:
            check.examples.append(" ".join(str(value) for value in row))
    return check


def _conservation(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """Per channel: the counters' sums by kind, and the deliveries that wait and are dead now."""
    channels: dict[str, dict[str, int]] = {}
    for channel, kind, count in connection.execute(
        "SELECT channel,kind,SUM(count) FROM day_counter GROUP BY channel,kind"
    ):
        channels.setdefault(channel, {})[kind] = count
    for channel, state, count in connection.execute(
        "SELECT message.channel,delivery.state,COUNT(*) FROM delivery JOIN message ON message.id=delivery.message_id "
        "WHERE delivery.state IN ('waiting','dead') GROUP BY message.channel,delivery.state"
    ):
        channels.setdefault(channel, {})[state] = count
    return channels


def _conserved(channels: dict[str, dict[str, int]]) -> Check:
    check = Check(
        "received = accepted + rejected + duplicate; queued = delivered + waiting + dead-lettered"
    )
    for channel, sums in channels.items():
        received = sums.get("accepted", 0) + sums.get("rejected", 0) + sums.get("duplicate", 0)
        ended = (
            sums.get("delivered", 0)
            + sums.get("waiting", 0)
            + sums.get("dead-lettered", 0)
            - sums.get("resent", 0)
        )
        for what, left, right in (
            ("received", sums.get("received", 0), received),
            ("queued", sums.get("queued", 0), ended),
        ):
            if left != right:
                check.broken += 1
                check.examples.append(f"{channel}: {what} {left}, but the rest sums to {right}")
    return check

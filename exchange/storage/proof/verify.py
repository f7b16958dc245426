"""Proving a ledger without changing anything: its file, its chain (see `proof`), and all that can
be counted anew from its messages and events (how stands in `recount`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from exchange.errors import LedgerError
from exchange.journey.count import REQUEST_KINDS
from exchange.ports.rows import MADE_AGAIN
from exchange.storage.connection import connect
from exchange.storage.counters.compaction import UNKNOWN_ENDPOINT, compacted_before, curve_sums
from exchange.storage.counters.days import day_of_minute
from exchange.storage.counters.sums import COUNT_COLUMNS
from exchange.storage.health.errors import as_ledger_errors
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.proof.chain import heads
from exchange.storage.proof.head import Heads, head_path, line_of, read_heads
from exchange.storage.proof.links import EXAMPLES_MAX, Check, Proof, prove_heads
from exchange.storage.proof.operators import prove_audit, prove_operators, prove_paused
from exchange.storage.proof.recount import RECOUNT


@dataclass(slots=True)
class Verification:
    """What `verify` found: the checks, per channel the sums that conservation is about, what is to
    be known though nothing is broken by it, and the newest link of each writer as a line.
    """

    checks: list[Check]
    channels: dict[str, dict[str, int]]
    notes: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether everything holds."""
        return not any(check.broken for check in self.checks)


#: Deliveries that are not in the state that their events left them in. Attempts of a mailbox are
#: its owner's leases, which no event tells of; a resend begins to count anew.
_STATES = """
SELECT 'delivery '||id||': is '||state||' after '||attempts||' attempts, ended at '||ended_at||
    ', "'||reason||'"; its events: '||COALESCE(told, 'none') FROM (
  SELECT delivery.*, MAX(event.id) AS newest, event.detail AS detail, event.at AS at,
    GROUP_CONCAT(event.kind, ', ') AS told,
    COALESCE(SUM(event.kind='delivered'),0) AS made,
    COALESCE(SUM(event.kind='dead-lettered'),0) AS dead,
    COALESCE(SUM(event.kind='skipped'),0) AS skipped,
    COALESCE(SUM(event.kind='resent'),0) AS resent,
    COALESCE(SUM(event.kind IN ('delivered','attempt-failed')),0) AS tried
  FROM delivery LEFT JOIN event ON event.message_id=delivery.message_id
    AND event.delivery_id=delivery.id AND event.kind!='delivered-again'
  GROUP BY delivery.id
) WHERE made != (state='delivered') OR dead-resent != (state IN ('dead','skipped'))
  OR skipped != (state='skipped') OR state NOT IN ('waiting','delivered','dead','skipped')
  OR (state!='waiting') != (ended_at!=0) OR (state!='waiting' AND (ended_at!=at OR next_at!=0))
  OR reason != COALESCE(detail, '')
  OR (mode!='mailbox' AND (attempts>tried OR (resent=0 AND attempts!=tried)))
"""

#: Deliveries of each day: what its folded hours and its minutes sum to, where that is not what the
#: day says.
_DIMENSIONS = "channel,message_type,sender,receiver,endpoint,kind,process"
_HOURS = f"""
SELECT period,{_DIMENSIONS},SUM(count),SUM(items),SUM(bytes) FROM (
  SELECT day_of_minute(period) AS period,{_DIMENSIONS},count,items,bytes
    FROM counter WHERE kind='delivered'
  UNION ALL
  SELECT period,{_DIMENSIONS},value->>0,value->>1,value->>2
    FROM day_counter,json_each(day_counter.hours) WHERE kind='delivered'
  UNION ALL
  SELECT period,{_DIMENSIONS},-count,-items,-bytes
    FROM day_counter WHERE kind='delivered'
) GROUP BY 1,2,3,4,5,6,7,8 HAVING SUM(count)!=0 OR SUM(items)!=0 OR SUM(bytes)!=0
"""

#: What each endpoint received and delivered in a day: what its curve and its minutes sum to, where
#: that is not what the day says. Curves from before endpoints were told apart prove nothing of
#: their channel's day.
_CURVES = f"""
WITH curve AS MATERIALIZED (
  SELECT day,channel,endpoint,curve_sums(codec,content) AS sums FROM day_curve
)
SELECT period, channel, endpoint, kind, SUM(count), SUM(items) FROM (
  SELECT day_of_minute(period) AS period,channel,endpoint,kind,count,items
    FROM counter WHERE kind IN ('received','delivered')
  UNION ALL SELECT day,channel,endpoint,'received',sums->>0,sums->>1 FROM curve
  UNION ALL SELECT day,channel,endpoint,'delivered',sums->>2,sums->>3 FROM curve
  UNION ALL SELECT period,channel,endpoint,kind,-count,-items
    FROM day_counter WHERE kind IN ('received','delivered')
) WHERE (period,channel) NOT IN (
  SELECT day,channel FROM day_curve WHERE endpoint='{UNKNOWN_ENDPOINT}'
)
GROUP BY 1,2,3,4 HAVING SUM(count)!=0 OR SUM(items)!=0
"""

_ORPHANS = """
SELECT 'delivery '||delivery.id FROM delivery
  LEFT JOIN message ON message.id=delivery.message_id WHERE message.id IS NULL
UNION ALL SELECT 'event '||event.id FROM event LEFT JOIN message ON message.id=event.message_id
  WHERE message.id IS NULL AND NOT (event.message_id=0 AND event.kind IN ('audit','forgotten'))
UNION ALL SELECT 'accepted message without delivery '||message.id FROM message
  LEFT JOIN delivery ON delivery.message_id=message.id
  WHERE message.state='accepted' AND delivery.id IS NULL
  AND NOT EXISTS (SELECT 1 FROM event WHERE event.message_id=message.id
    AND event.delivery_id=0 AND event.kind='accepted' AND event.detail='no-delivery')
UNION ALL SELECT 'waiting delivery without body '||delivery.id FROM delivery
  LEFT JOIN body ON body.message_id=delivery.message_id
  WHERE delivery.state='waiting' AND body.message_id IS NULL
"""


#: Counters that there is something to count anew from.
_RECOUNTED = f"kind NOT IN {REQUEST_KINDS}"

_QUERIES = (
    ("hours and minutes agree with days", _HOURS),
    ("curves and minutes agree with days", _CURVES),
    ("every delivery's state agrees with its events", _STATES),
    ("nothing stands without what it belongs to", _ORPHANS),
)


def verify(path: Path, head: Path | None = None) -> Verification:
    """Prove the ledger file at `path` in one consistent view of it; constant memory, sorting on
    disk. `head` is a copy of its file of heads; left out, that beside it.

    Raises:
        LedgerError: when the file is no ledger of this version, or can't be opened; when the copy
            of heads can't be read.
    """
    migrate_sqlite(path, create=False)
    # Before the ledger: what is committed meanwhile must not seem to be lost.
    said = _heads(path, head)
    with as_ledger_errors(path), closing(connect(path)) as connection:
        connection.execute("PRAGMA temp_store=FILE")
        connection.create_function("day_of_minute", 1, day_of_minute, deterministic=True)
        connection.create_function("curve_sums", 2, curve_sums, deterministic=True)
        connection.execute("BEGIN")
        return _verify(connection, head or head_path(path), said)


def _heads(path: Path, head: Path | None) -> Heads | None:
    """What the heads say; None where there are none beside the ledger."""
    try:
        return read_heads(head or head_path(path))
    except OSError as error:
        if head is None and isinstance(error, FileNotFoundError):
            return None
        raise LedgerError(f"{head or head_path(path)} can't be read: {error.strerror}") from error


def _verify(connection: sqlite3.Connection, head: Path, said: Heads | None) -> Verification:
    found = Verification([], {})

    def check(make: Callable[[], Iterable[Check]], name: str) -> None:
        """Make checks; one that can't be made, since the file is damaged, is broken."""
        try:
            found.checks += make()
        except (sqlite3.DatabaseError, ValueError, TypeError, ArithmeticError) as error:
            found.checks.append(Check(name, 1, [f"can't be read: {error}"]))

    check(lambda: [_whole(connection)], "the file is whole")
    check(lambda: _chain(connection, head, said, found), "the chain")
    check(lambda: _recounted(connection), "counters")
    check(lambda: [_rows(connection, name, query) for name, query in _QUERIES], "deliveries")
    check(lambda: [_conserved(_conservation(connection, found.channels))], "conservation")
    return found


def _whole(connection: sqlite3.Connection) -> Check:
    check = Check("the file is whole")
    for (said,) in connection.execute(f"PRAGMA integrity_check({EXAMPLES_MAX})"):
        if said != "ok":
            check.breaks(said)
    return check


def _chain(
    connection: sqlite3.Connection, head: Path, said: Heads | None, found: Verification
) -> list[Check]:
    proof = Proof(connection)
    try:
        proof.prove()
    except (sqlite3.DatabaseError, ValueError, TypeError, AttributeError) as error:
        proof.rows.breaks(f"can't be read: {error}")
    links = heads(connection)
    found.heads = [line_of(link) for link in links]
    if said is not None:
        check, found.notes = prove_heads(connection, said)
    else:
        check = Check("the ledger is not behind its head")
        if any(link.epoch for link in links):
            check.breaks(f"there is no {head}: whether commits are lost can't be known without it")
    for number, made in connection.execute(
        "SELECT delivery_id,COUNT(*) FROM event WHERE kind=? GROUP BY delivery_id", (MADE_AGAIN,)
    ):
        found.notes.append(f"delivery {number} was made {made + 1} times")
    return [
        *proof.checks,
        prove_audit(connection),
        prove_operators(connection),
        prove_paused(connection),
        check,
    ]


def _recounted(connection: sqlite3.Connection) -> list[Check]:
    connection.execute(f"CREATE TEMP TABLE recount AS {RECOUNT}")
    connection.execute(
        f"INSERT INTO temp.recount({COUNT_COLUMNS}) SELECT {COUNT_COLUMNS} FROM pruned_counter"
    )
    # Minutes before this one are folded: of them, the days are what there is to compare.
    folded = compacted_before(connection)
    whole = day_of_minute(folded - 1) + 1 if folded else 0
    return [
        _differences(
            connection,
            "counters agree with messages, deliveries and events",
            _by_minute(f"temp.recount WHERE period>={folded}"),
            _by_minute(f"counter WHERE {_RECOUNTED}"),
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
            _by_day("temp.recount", 0, f"UNION ALL SELECT {COUNT_COLUMNS} FROM pruned_day_counter"),
            f"SELECT {COUNT_COLUMNS} FROM day_counter WHERE {_RECOUNTED}",
        ),
    ]


def _by_minute(table: str) -> str:
    return (
        "SELECT period,channel,message_type,sender,receiver,endpoint,kind,process,SUM(count),"
        "SUM(items),SUM(bytes) "
        f"FROM {table} GROUP BY period,channel,message_type,sender,receiver,endpoint,kind,process"
    )


def _by_day(minutes: str, since: int, more: str = "") -> str:
    """The minutes of a table (and further counters by day) added up by day, from day `since` on."""
    dimensions = ",".join(COUNT_COLUMNS.split(",")[1:-3])
    return (
        f"SELECT period,{dimensions},SUM(count),SUM(items),SUM(bytes) FROM (SELECT "
        f"day_of_minute(period) AS period,{dimensions},"
        f"count,items,bytes FROM {minutes} {more}) WHERE period>={since} GROUP BY "
        f"period,{dimensions}"
    )


def _differences(connection: sqlite3.Connection, name: str, expected: str, counted: str) -> Check:
    """Rows of one query that are not in the other, both ways."""
    check = Check(name)
    for label, left, right in (("expected", expected, counted), ("counted", counted, expected)):
        rows = connection.execute(f"SELECT * FROM ({left}) EXCEPT SELECT * FROM ({right})")
        for row in rows:
            check.breaks(f"{label} {' '.join(str(value) or '-' for value in row)}")
    return check


def _rows(connection: sqlite3.Connection, name: str, query: str) -> Check:
    check = Check(name)
    for row in connection.execute(query):
        check.breaks(" ".join(str(value) for value in row))
    return check


def _conservation(
    connection: sqlite3.Connection, channels: dict[str, dict[str, int]]
) -> dict[str, dict[str, int]]:
    """Per channel: the counters' sums by kind, and the deliveries that wait and are dead now."""
    for channel, kind, count in connection.execute(
        "SELECT channel,kind,SUM(count) FROM day_counter GROUP BY channel,kind"
    ):
        channels.setdefault(channel, {})[kind] = count
    for channel, state, count in connection.execute(
        "SELECT message.channel,delivery.state,COUNT(*) FROM delivery JOIN message ON "
        "message.id=delivery.message_id "
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
                check.breaks(f"{channel}: {what} {left}, but the rest sums to {right}")
    return check

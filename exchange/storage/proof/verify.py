"""Proving a ledger without changing anything: its file, its chain (see `proof`), and all that can
be counted anew from its messages and events (how stands in `recount`).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from exchange.errors import LedgerError
from exchange.journey.count import REQUEST_KINDS
from exchange.ports.verification import EXAMPLES_MAX, Check, Verification
from exchange.storage.connection import Connection, each
from exchange.storage.counters.compaction import UNKNOWN_ENDPOINT, compacted_before, curve_sums
from exchange.storage.counters.days import day_of_minute
from exchange.storage.counters.sums import COUNT_COLUMNS
from exchange.storage.proof.heads_file import Heads, head_path, read_heads
from exchange.storage.proof.progress import Part, ProgressFile, now
from exchange.storage.proof.recount import RECOUNT
from exchange.storage.proof.verify_chain import prove_chain
from exchange.storage.proof.verify_shape import prove_lanes, prove_shape
from exchange.storage.proof.views import View, readable, view_of
from exchange.storage.snapshot import Where, require_ledger

#: Deliveries that are not in the state that their events left them in. Attempts of a mailbox are
#: its owner's leases, which no event tells of; a resend begins to count anew. What `delivered` says
#: is no reason (see `first_told`).
_STATES = """
SELECT 'delivery '||one.id||': is '||state||' after '||attempts||' attempts, ended at '||ended_at||
    ', "'||reason||'"; its events: '||COALESCE(told, 'none') FROM (
  SELECT delivery.*, MAX(event.id) AS newest,
    GROUP_CONCAT(event.kind, ', ') AS told,
    COUNT(*) FILTER (WHERE event.kind='delivered') AS made,
    COUNT(*) FILTER (WHERE event.kind='dead-lettered') AS dead,
    COUNT(*) FILTER (WHERE event.kind='skipped') AS skipped,
    COUNT(*) FILTER (WHERE event.kind='resent') AS resent,
    COUNT(*) FILTER (WHERE event.kind IN ('delivered','attempt-failed')) AS tried
  FROM delivery LEFT JOIN event ON event.message_id=delivery.message_id
    AND event.delivery_id=delivery.id AND event.kind!='delivered-again'
  GROUP BY delivery.id
) AS one LEFT JOIN event ON event.id=one.newest
WHERE made != CASE state WHEN 'delivered' THEN 1 ELSE 0 END
  OR dead-resent != CASE WHEN state IN ('dead','skipped') THEN 1 ELSE 0 END
  OR skipped != CASE state WHEN 'skipped' THEN 1 ELSE 0 END OR state NOT IN ('waiting','delivered','dead','skipped')
  OR (state!='waiting') != (ended_at!=0) OR (state!='waiting' AND (ended_at!=event.at OR next_at!=0))
  OR reason != CASE event.kind WHEN 'delivered' THEN '' ELSE COALESCE(event.detail, '') END
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
  SELECT period,{_DIMENSIONS},CAST(value->>0 AS BIGINT),CAST(value->>1 AS BIGINT),
    CAST(value->>2 AS BIGINT)
    FROM day_counter,json_each(day_counter.hours) AS hour WHERE kind='delivered'
  UNION ALL
  SELECT period,{_DIMENSIONS},-count,-items,-bytes
    FROM day_counter WHERE kind='delivered'
) AS hour GROUP BY 1,2,3,4,5,6,7,8 HAVING SUM(count)!=0 OR SUM(items)!=0 OR SUM(bytes)!=0
"""

#: What each endpoint received and delivered in a day: its minutes less what the day says.
_WITHOUT_CURVES = """
SELECT period,channel,endpoint,kind,SUM(count),SUM(items) FROM (
  SELECT day_of_minute(period) AS period,channel,endpoint,kind,count,items
    FROM counter WHERE kind IN ('received','delivered')
  UNION ALL SELECT period,channel,endpoint,kind,-count,-items
    FROM day_counter WHERE kind IN ('received','delivered')
) AS day GROUP BY 1,2,3,4
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
    ("every delivery's state agrees with its events", _STATES),
    ("nothing stands without what it belongs to", _ORPHANS),
)


def verify(where: Where, head: Path | None = None, resume: Path | None = None) -> Verification:
    """Prove a ledger; constant memory, sorting on disk. `head` is a copy of its heads; left out,
    the file beside it, which a ledger on a server has not.

    It reads one consistent view. With `resume`, a file that says what was proved before, it does
    not read that again, and keeps there how far it comes: one view for each part.

    Raises:
        LedgerError: when it is no ledger of this version, or can't be opened or, on a server, no
            longer be read; when the copy of heads can't be read, or `resume` not be used.
    """
    require_ledger(where)
    kept = ProgressFile(resume)
    if head is None and isinstance(where, Path):
        head = head_path(where)
    # Before the ledger: what is committed meanwhile must not seem to be lost.
    said = _heads(head, beside=isinstance(where, Path) and head == head_path(where))
    if resume is not None:
        return _verify(lambda: view_of(where), head, said, kept)
    with view_of(where) as connection:
        return _verify(lambda: nullcontext(connection), head, said, kept)


def _heads(head: Path | None, beside: bool) -> Heads | None:
    """What the heads say; None where there are none beside the ledger."""
    if head is None:
        return None
    try:
        return read_heads(head)
    except OSError as error:
        if beside and isinstance(error, FileNotFoundError):
            return None
        raise LedgerError(f"{head} can't be read: {error.strerror}") from error


def _verify(view: View, head: Path | None, said: Heads | None, kept: ProgressFile) -> Verification:
    found = Verification([], {})
    found.notes += [
        f"{name}: as found on {part.ended_at}, before the run was broken off"
        for name, part in kept.progress.parts.items()
    ]

    def part(name: str, make: Callable[[Connection], list[Check]]) -> list[Check]:
        """The checks of a part, made now or by the run that was broken off after it."""
        if name not in kept.progress.parts:
            with view() as connection:
                checks = readable(name, lambda: make(connection))
            kept.progress.parts[name] = Part(checks=checks, ended_at=now())
            kept.write()
        return kept.progress.parts[name].checks

    file = part("the file is whole", _file)
    counters, deliveries = part("counters", _recounted), part("deliveries", _deliveries)
    chain = prove_chain(view, head, said, kept, found)
    with view() as connection:
        sums = found.channels
        conserved = readable("conservation", lambda: [_conserved(_conservation(connection, sums))])
    found.checks += [*file, *chain, *counters, *deliveries, *conserved]
    kept.progress.parts = {}
    kept.write()
    return found


def _file(connection: Connection) -> list[Check]:
    """What is to be proved of a ledger in a file alone."""
    if not isinstance(connection, sqlite3.Connection):
        return []
    check = Check("the file is whole")
    for (said,) in connection.execute(f"PRAGMA integrity_check({EXAMPLES_MAX})"):
        if said != "ok":
            check.breaks(said)
    return [check, prove_shape(connection)]


def _recounted(connection: Connection) -> list[Check]:
    """All three comparisons in one statement: they share the recount, and a standby, where no
    temporary table can be made, can be verified too.
    """
    # Minutes before this one are folded: of them, the days are what there is to compare.
    folded = compacted_before(connection)
    whole = day_of_minute(folded - 1) + 1 if folded else 0
    pruned_days = f"UNION ALL SELECT {COUNT_COLUMNS} FROM pruned_day_counter"
    compared = {
        "counters agree with messages, deliveries and events": (
            _by_minute(f"recount WHERE period>={folded}"),
            _by_minute(f"counter WHERE {_RECOUNTED}"),
        ),
        "days agree with minutes": (
            _by_day("counter", whole),
            f"SELECT {COUNT_COLUMNS} FROM day_counter WHERE period>={whole}",
        ),
        "days agree with messages, deliveries and events": (
            _by_day("recount", 0, pruned_days),
            f"SELECT {COUNT_COLUMNS} FROM day_counter WHERE {_RECOUNTED}",
        ),
    }
    parts = [
        f"SELECT '{name}' AS name,'{label}' AS label,differing.* FROM (SELECT * FROM ({left}) "
        f"AS one EXCEPT SELECT * FROM ({right}) AS other) AS differing"
        for name, (expected, counted) in compared.items()
        for label, left, right in (
            ("expected", expected, counted), ("counted", counted, expected),
        )
    ]  # fmt: skip
    recount = (
        f"SELECT {COUNT_COLUMNS} FROM ({RECOUNT}) AS counted "
        f"UNION ALL SELECT {COUNT_COLUMNS} FROM pruned_counter"
    )
    query = f"WITH recount AS MATERIALIZED ({recount}) {' UNION ALL '.join(parts)}"
    checks = {name: Check(name) for name in compared}
    for name, label, *row in each(connection, query):
        checks[name].breaks(f"{label} {' '.join(str(value) or '-' for value in row)}")
    return [*checks.values()]


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
        f"count,items,bytes FROM {minutes} {more}) AS minute WHERE period>={since} GROUP BY "
        f"period,{dimensions}"
    )


def _deliveries(connection: Connection) -> list[Check]:
    return [
        *(_rows(connection, name, query) for name, query in _QUERIES),
        prove_lanes(connection),
        _curves(connection),
    ]


def _curves(connection: Connection) -> Check:
    """Days, endpoint by endpoint, against their curves and minutes. Curves from before endpoints
    were told apart prove nothing of their channel's day.
    """
    counts: Counter[tuple[int, str, str, str]] = Counter()
    items: Counter[tuple[int, str, str, str]] = Counter()
    untold = set()
    for *key, count, item in connection.execute(_WITHOUT_CURVES):
        counts[*key] += count
        items[*key] += item
    for day, channel, endpoint, codec, content in each(
        connection, "SELECT day,channel,endpoint,codec,content FROM day_curve"
    ):
        if endpoint == UNKNOWN_ENDPOINT:
            untold.add((day, channel))
        received, items_received, delivered, items_delivered = curve_sums(codec, content)
        counts[day, channel, endpoint, "received"] += received
        items[day, channel, endpoint, "received"] += items_received
        counts[day, channel, endpoint, "delivered"] += delivered
        items[day, channel, endpoint, "delivered"] += items_delivered
    check = Check("curves and minutes agree with days")
    for key in sorted(counts):
        if key[:2] not in untold and (counts[key] or items[key]):
            check.breaks(" ".join(map(str, (*key, counts[key], items[key]))))
    return check


def _rows(connection: Connection, name: str, query: str) -> Check:
    check = Check(name)
    for row in each(connection, query):
        check.breaks(" ".join(str(value) for value in row))
    return check


def _conservation(
    connection: Connection, channels: dict[str, dict[str, int]]
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

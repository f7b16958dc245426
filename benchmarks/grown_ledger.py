"""A ledger grown to millions of messages: real traffic copied back through time, true in every row;
no server and no figure.

A small ledger of real traffic is copied again and again, each copy a step of whole minutes earlier
than the one after it, with message ids, delivery ids and senders' ids of its own. Counters move
with their minutes, so that `exchange verify` finds the whole as clean as the small one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from exchange.schemas.instants import MINUTE_MILLISECONDS
from exchange.storage.counters.days import day_of_minute
from exchange.storage.counters.sums import ADD_COUNTS, COUNT_COLUMNS
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.proof.initial_chain import seal

#: Bits of an id below its milliseconds (worker and sequence).
ID_BITS = 22
#: Copies in one transaction.
COPIES_MAX = 20
CACHE_MIB = 1_024

#: What a copy does, `:n` steps back: `:id` is what ids shrink by, `:ms` what times do, `:minutes`
#: what minutes do; `:position` is what positions grow by.
_COPY = (
    "INSERT INTO message SELECT id-:id,channel,message_type,sender,"
    "CASE WHEN sender_message_id='' THEN '' ELSE sender_message_id||'~'||:n END,"
    "digest,received_at-:ms,state,endpoint,conversation,items,bytes,content_type,detail,process,"
    "position+:position,identity FROM small.message ORDER BY id",
    "INSERT INTO body SELECT message_id-:id,codec,content FROM small.body ORDER BY message_id",
    "INSERT INTO named_person SELECT ((message_id-:id)>>22)/3600000,person,message_id-:id FROM "
    "small.named_person",
    "INSERT INTO delivery SELECT id-:id,message_id-:id,receiver,mode,state,attempts,items,"
    "CASE next_at WHEN 0 THEN 0 ELSE next_at-:ms END,CASE ended_at WHEN 0 THEN 0 ELSE ended_at-:ms "
    "END,lane,ordered,reason,position+:position,lease,ordered_in "
    "FROM small.delivery ORDER BY id",
    "INSERT INTO answer SELECT delivery_id-:id,codec,content_type,content FROM small.answer ORDER "
    "BY delivery_id",
    "INSERT INTO event(message_id,delivery_id,at,kind,detail) SELECT message_id-:id,"
    "CASE delivery_id WHEN 0 THEN 0 ELSE delivery_id-:id END,at-:ms,kind,detail FROM small.event "
    "ORDER BY id",
    "INSERT INTO memory(channel,key,value,version) SELECT channel,key||'~'||:n,value,version FROM "
    "small.memory",
    f"INSERT INTO counter AS kept({COUNT_COLUMNS}) SELECT "
    "period-:minutes,channel,message_type,sender,receiver,endpoint,kind,process,count,items,bytes "
    f"FROM small.counter WHERE true {ADD_COUNTS}",
)


def grow(small: Path, target: Path, messages: int) -> int:
    """Write a ledger of at least so many messages to `target`, made of the ledger `small`; how many
    it has.

    Raises:
        ValueError: when the small ledger is empty, or something in it still waits or was pruned.
    """
    migrate_sqlite(target)
    with closing(sqlite3.connect(target, isolation_level=None)) as connection:
        for pragma in (
            "journal_mode=OFF",
            "synchronous=OFF",
            f"cache_size=-{CACHE_MIB * 1024}",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("ATTACH ? AS small", (str(small),))
        copies, minutes, each = _plan(connection, messages)
        indexes = [
            row[0]
            for row in connection.execute(
                "SELECT sql FROM main.sqlite_master WHERE type='index' AND sql NOT NULL"
            )
        ]
        for (name,) in connection.execute(
            "SELECT name FROM main.sqlite_master WHERE type='index' AND sql NOT NULL"
        ).fetchall():
            connection.execute(f"DROP INDEX main.{name}")
        for first in range(copies - 1, -1, -COPIES_MAX):
            connection.execute("BEGIN")
            for number in range(first, max(first - COPIES_MAX, -1), -1):
                _copy(connection, number, number * minutes, (copies - 1 - number) * each)
            connection.execute("COMMIT")
        for statement in indexes:
            connection.execute(statement)
        connection.execute("INSERT INTO position VALUES (1,?)", (copies * each,))
        connection.create_function("day_of_minute", 1, day_of_minute, deterministic=True)
        connection.execute(
            f"INSERT INTO day_counter({COUNT_COLUMNS}) SELECT day_of_minute(period) AS "
            "day,channel,message_type,sender,receiver,"
            "endpoint,kind,process,SUM(count),SUM(items),SUM(bytes) FROM counter "
            "GROUP BY day,channel,message_type,sender,receiver,endpoint,kind,process"
        )
        connection.execute("DETACH small")
        connection.execute("BEGIN")
        seal(connection)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")
    return copies * each


def _plan(connection: sqlite3.Connection, messages: int) -> tuple[int, int, int]:
    """(copies, minutes between them, messages in one)."""
    count, first, last = connection.execute(
        "SELECT COUNT(*),MIN(id),MAX(id) FROM small.message"
    ).fetchone()
    waiting = connection.execute(
        "SELECT COUNT(*) FROM small.delivery WHERE state='waiting'"
    ).fetchone()[0]
    if (
        not count
        or waiting
        or connection.execute("SELECT COUNT(*) FROM small.pruned_counter").fetchone()[0]
    ):
        raise ValueError(
            f"a ledger to copy must hold messages ({count}), nothing that waits ({waiting}), "
            "nothing pruned"
        )
    newest = max(last, connection.execute("SELECT MAX(id) FROM small.delivery").fetchone()[0])
    minutes = ((newest - first) >> ID_BITS) // MINUTE_MILLISECONDS + 1
    return -(-messages // count), minutes, count


def _copy(connection: sqlite3.Connection, number: int, minutes: int, position: int) -> None:
    milliseconds = minutes * MINUTE_MILLISECONDS
    values = {
        "n": number,
        "ms": milliseconds,
        "id": milliseconds << ID_BITS,
        "minutes": minutes,
        "position": position,
    }
    for statement in _COPY:
        connection.execute(
            statement, {name: value for name, value in values.items() if f":{name}" in statement}
        )

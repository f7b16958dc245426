"""A ledger of millions of messages with something of all that operators look for; no measurement."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from exchange.benchmarks.grown_ledger import grow
from exchange.benchmarks.growth import small_ledger
from exchange.storage.search.persons import digest_of

#: A person that is named in some, and one that is named in none.
PERSON, NOBODY = "140890-9423", "140890-9445"
#: What real traffic has too little of: refusals, dead letters, what waits, a large conversation,
#: and what is rare. The messages are picked by their positions; `rare` of all are one in so many.
SEASONING = (
    ("position%997=0", "UPDATE message SET state='rejected' WHERE id IN picked"),
    (
        "position%997=0",
        "INSERT INTO event(message_id,delivery_id,at,kind,detail) SELECT id,0,received_at,"
        "'rejected','schema' FROM message WHERE id IN picked",
    ),
    (
        "position%{rare}=10",
        "INSERT INTO event(message_id,delivery_id,at,kind,detail) SELECT id,0,received_at,"
        "'rejected','seldom' FROM message WHERE id IN picked",
    ),
    (
        "position%1009=1",
        "UPDATE delivery SET state='dead',reason='http-503: closed' WHERE message_id IN picked",
    ),
    (
        "position%{rare}=11",
        "UPDATE delivery SET state='dead',reason='http-418: no' WHERE message_id IN picked",
    ),
    ("position%503=2", "UPDATE delivery SET state='waiting' WHERE message_id IN picked"),
    ("position%{rare}=13", "UPDATE delivery SET state='skipped' WHERE message_id IN picked"),
    (
        "position%{rare}=14",
        "UPDATE message SET sender='seldom',conversation='case-7' WHERE id IN picked",
    ),
    ("position%71=5", "UPDATE message SET conversation='case-many' WHERE id IN picked"),
    (
        "position%101=6",
        "INSERT INTO event(message_id,delivery_id,at,kind,detail) SELECT id,0,received_at,"
        "'duplicate','' FROM message WHERE id IN picked",
    ),
    ("position%71=7", "UPDATE message SET process='empty' WHERE id IN picked"),
    ("position%{rare}=16", "UPDATE delivery SET receiver='seldom' WHERE message_id IN picked"),
    (
        "position%{rare}=17",
        "INSERT INTO named_person SELECT (id>>22)/3600000,{person},id FROM message WHERE id IN "
        "picked",
    ),
)


def seasoned_ledger(folder: Path, messages: int) -> Path:
    """A ledger of so many messages with something of all that is searched for; made once a folder."""
    path = folder / "search.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        slim(small_ledger(folder, 50.0, 60.0), folder / "slim.db")
        grow(folder / "slim.db", folder / "grown.db", messages)
        season(folder / "grown.db", messages)
        shutil.move(folder / "grown.db", path)
    return path


def slim(small: Path, target: Path) -> None:
    """A copy without what no search looks at: bodies, answers, memory, events of other kinds."""
    with closing(sqlite3.connect(small)) as connection, closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)
        for table in ("body", "answer", "memory", "event", "chain"):
            copy.execute(f"DELETE FROM {table}")
        copy.commit()


def season(path: Path, messages: int) -> None:
    """Put in what real traffic has too little of; `exchange verify` finds that, and is not asked."""
    with closing(sqlite3.connect(path)) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-500000"):
            connection.execute(f"PRAGMA {pragma}")
        for which, statement in SEASONING:
            rows = which.format(rare=max(messages // 50, 1))
            picked = f"(SELECT id FROM message INDEXED BY message_position WHERE {rows})"
            told = statement.replace("{person}", str(digest_of(PERSON)))
            connection.execute(told.replace("picked", picked))
        connection.commit()
        connection.execute("PRAGMA journal_mode=WAL")

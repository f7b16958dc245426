"""Connections that the ledger's statements run on, of SQLite or of PostgreSQL, and rows in and out
of them; no statement of the ledger.

Statements are written once, in what both understand: `?` marks a value, and where SQLite's planner
needs a hint the server's connection leaves it out (see `postgresql_server.connection`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from exchange.storage.postgresql_server.connection import ServerConnection

#: What a query or a change of the ledger is given.
Connection: TypeAlias = sqlite3.Connection | ServerConnection

#: Variables of one statement; SQLite's own limit is 32,766 (since 3.32).
VARIABLES_MAX = 30_000
#: Fewer rows go in one by one, by one statement: faster than statements of several sizes
#: (measured).
FEW_ROWS = 32


def connect(
    path: Path, cache_mib: int = 16, read_only: bool = False, durable: bool = True
) -> sqlite3.Connection:
    """A connection in autocommit mode, to be used by one thread at a time.

    `synchronous=FULL` makes a commit wait for the disk: a receipt may be sent after it. WAL lets
    readers read meanwhile. Not `durable` (OFF): a commit outlives the process, but not the machine.
    """
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=30.0, cached_statements=512
    )
    for pragma in (
        "journal_mode=WAL",
        f"synchronous={'FULL' if durable else 'OFF'}",
        "busy_timeout=30000",
        f"cache_size=-{cache_mib * 1024}",
        "temp_store=MEMORY",
        "wal_autocheckpoint=4000",
        "journal_size_limit=67108864",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if read_only:
        connection.execute("PRAGMA query_only=1")
    return connection


def chunks(rows: Sequence[tuple[Any, ...]], columns: int) -> Iterable[Sequence[tuple[Any, ...]]]:
    """`rows` in parts whose sizes are powers of two, so that only a few statements are ever
    prepared.

    A part goes into one multi-row statement: one step of SQLite, hence one release of the
    interpreter lock, for many rows.
    """
    most = VARIABLES_MAX // columns
    start, left = 0, len(rows)
    while left:
        size = min(1 << (left.bit_length() - 1), 1 << (most.bit_length() - 1))
        yield rows[start : start + size]
        start += size
        left -= size


def placeholders(rows: int, columns: int) -> str:
    """`(?,?),(?,?)` for that many rows and columns."""
    row = "(" + ",".join("?" * columns) + ")"
    return ",".join([row] * rows)


def insert(
    connection: Connection,
    table: str,
    columns: str,
    rows: Sequence[tuple[Any, ...]],
    suffix: str = "",
) -> list[tuple[Any, ...]]:
    """Insert `rows`; what the suffix (`ON CONFLICT ...`, `RETURNING ...`) returns. In the suffix
    the table is called `kept`.
    """
    if not rows:
        return []
    if not isinstance(connection, sqlite3.Connection):
        return connection.insert(table, columns, rows, suffix)
    prefix, width = f"INSERT INTO {table} AS kept({columns})", len(rows[0])
    if len(rows) < FEW_ROWS and "RETURNING" not in suffix:
        connection.executemany(f"{prefix} VALUES {placeholders(1, width)} {suffix}", rows)
        return []
    returned: list[tuple[Any, ...]] = []
    for part in chunks(rows, width):
        cursor = connection.execute(
            f"{prefix} VALUES {placeholders(len(part), width)} {suffix}",
            tuple(chain.from_iterable(part)),
        )
        returned += cursor.fetchall()
    return returned


def execute_with(
    connection: Connection, name: str, rows: Sequence[tuple[Any, ...]], columns: str, statement: str
) -> list[tuple[Any, ...]]:
    """Execute a statement that reads `rows` as a table of that name; what it returns.

    `columns` names them with their PostgreSQL types: `id bigint, reason text`.
    """
    if not rows:
        return []
    if not isinstance(connection, sqlite3.Connection):
        return connection.execute_with(name, rows, columns, statement)
    returned: list[tuple[Any, ...]] = []
    for part in chunks(rows, len(rows[0])):
        returned += connection.execute(
            _with(name, columns, len(part)) + statement, tuple(chain.from_iterable(part))
        ).fetchall()
    return returned


@lru_cache(maxsize=64)
def _with(name: str, columns: str, rows: int) -> str:
    names = [column.split()[0] for column in columns.split(",")]
    return f"WITH {name}({','.join(names)}) AS (VALUES {placeholders(rows, len(names))}) "


def each(connection: Connection, query: str, values: Sequence[Any] = ()) -> Iterable[Any]:
    """The rows of a query, a few in memory at a time; inside a transaction."""
    if isinstance(connection, sqlite3.Connection):
        return connection.execute(query, values)
    return connection.each(query, values)

"""A connection to PostgreSQL on which the storage's statements run as they run on SQLite: one
after another, each waited for; no statement of the ledger.

How a statement is waited for is given: inside a greenlet, so that the loop goes on meanwhile (the
ledger), or by a loop of its own (a command). asyncpg is imported only where a connection is made.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, NamedTuple

from exchange.storage.postgresql_server.errors import ledger_error

if TYPE_CHECKING:
    import asyncpg

#: Waits for what asyncpg does.
Wait = Callable[[Awaitable[Any]], Any]

#: Rows of a query that are in memory at a time.
ROWS_MAX = 2_000

#: The types of tables' columns by their names, once they were asked for.
Types = dict[str, dict[str, str]]
_TYPES = (
    "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute "
    "WHERE attrelid=?::text::regclass AND attnum>0 AND NOT attisdropped"
)
_RETURNS = re.compile(r"\A\s*(?:SELECT|WITH)\b|\bRETURNING\b")

#: A quoted text, in which a question mark is one; a value, by its place or by its number.
_MARK = re.compile(r"'[^']*'|\?(\d*)")
#: What SQLite's planner is told and PostgreSQL's would not understand: the order of a join, and a
#: plus that keeps a column from an index.
_HINT = re.compile(r"\bCROSS (?=JOIN \w+ ON\b)|(?<=[\s(])\+(?=[a-z_.]+\s*(?:[=<>]|IN\b))")


@lru_cache(maxsize=1024)
def translated(statement: str) -> str:
    """A statement as PostgreSQL takes it: `$1` for `?`, without SQLite's hints."""
    place = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal place
        if found[0] != "?" and found[1] is None:
            return found[0]
        place += 1
        return f"${found[1] or place}"

    return _MARK.sub(mark, _HINT.sub("", statement))


class Insertion(NamedTuple):
    """Into which table rows go: their columns with the types of these, and what the statement ends
    with.
    """

    table: str
    columns: str
    types: tuple[str, ...]
    suffix: str

    def statement(self, first: int) -> str:
        """It, by an array for each column; the first of them is that value."""
        arrays = _arrays(self.types, first)
        return (
            f"INSERT INTO {self.table} AS kept({self.columns}) SELECT * FROM {arrays} {self.suffix}"
        )


@lru_cache(maxsize=256)
def together(insertions: tuple[Insertion, ...]) -> str:
    """One statement that does them all.

    Source: PostgreSQL's documentation, 7.8.4 "Data-Modifying Statements in WITH": they are executed
    exactly once, and none sees what another one did.
    """
    firsts = accumulate((len(each.types) for each in insertions), initial=1)
    made = [each.statement(first) for each, first in zip(insertions, firsts, strict=False)]
    before = ",".join(f"part_{number} AS ({one})" for number, one in enumerate(made[:-1]))
    return f"WITH {before} {made[-1]}" if before else made[-1]


class Rows:
    """What a statement returned, as a cursor of SQLite has it."""

    def __init__(self, rows: list[tuple[Any, ...]], rowcount: int) -> None:
        self._rows = iter(rows)
        #: How many rows it changed or returned.
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        """The next row; None when there is none."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        return list(self._rows)


class ServerConnection:
    """A connection of asyncpg, as the storage uses one of SQLite.

    `address` is what an error calls the ledger. Whatever the server refuses, or does not answer, is
    raised as `LedgerError` (see `errors.ledger_error`).
    """

    def __init__(
        self, connection: asyncpg.Connection[Any], wait: Wait, address: str, types: Types
    ) -> None:
        self._connection = connection
        self._wait = wait
        self._address = address
        self._types = types
        #: Insertions that are still to be made, and their rows; None: each is made at once.
        self._put_off: dict[Insertion, Sequence[tuple[Any, ...]]] | None = None

    @contextmanager
    def putting_off(self) -> Iterator[None]:
        """Within this, insertions that return nothing wait for the next other statement, or for the
        end: all that wait are one round trip to the server, whose price is more than theirs.
        """
        self._put_off = {}
        try:
            yield
            self._insert_put_off()
        finally:
            self._put_off = None

    def _insert_put_off(self) -> None:
        if self._put_off:
            waiting, self._put_off = self._put_off, {}
            columns = chain.from_iterable(zip(*rows, strict=True) for rows in waiting.values())
            statement = together(tuple(waiting))
            self._done(self._connection.execute(statement, *map(list, columns)))

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        """Execute a statement; all that it returns."""
        self._insert_put_off()
        text = translated(statement)
        if _RETURNS.search(text) is None:
            status: str = self._done(self._connection.execute(text, *values))
            number = status.rpartition(" ")[2]
            return Rows([], int(number) if number.isdigit() else 0)
        rows = [tuple(row) for row in self._done(self._connection.fetch(text, *values))]
        return Rows(rows, len(rows))

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement for each row of values."""
        self._insert_put_off()
        self._done(self._connection.executemany(translated(statement), list(rows)))

    def insert(
        self, table: str, columns: str, rows: Sequence[tuple[Any, ...]], suffix: str
    ) -> list[tuple[Any, ...]]:
        """See `storage.connection.insert`: one statement for any number of rows."""
        types = self._types_of(table)
        kinds = tuple(types[name] for name in columns.split(","))
        insertion = Insertion(table, columns, kinds, suffix)
        if self._put_off is None or "RETURNING" in suffix:
            return self._fetch(together((insertion,)), rows)
        if any(each.table == table for each in self._put_off):
            self._insert_put_off()
        self._put_off[insertion] = rows
        return []

    def execute_with(
        self, name: str, rows: Sequence[tuple[Any, ...]], columns: str, statement: str
    ) -> list[tuple[Any, ...]]:
        """See `storage.connection.execute_with`."""
        names, types = zip(*(column.split() for column in columns.split(",")), strict=True)
        table = f"{name}({','.join(names)}) AS (SELECT * FROM {_arrays(types)})"
        return self._fetch(f"WITH {table} {translated(statement)}", rows)

    def each(self, query: str, values: Sequence[Any]) -> Iterator[Any]:
        """See `storage.connection.each`: by a cursor of the server."""
        self._insert_put_off()
        cursor = self._done(self._connection.cursor(translated(query), *values))
        while rows := self._done(cursor.fetch(ROWS_MAX)):
            yield from map(tuple, rows)

    def _fetch(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        self._insert_put_off()
        values = map(list, zip(*rows, strict=True))
        return [tuple(row) for row in self._done(self._connection.fetch(statement, *values))]

    def _types_of(self, table: str) -> dict[str, str]:
        known = self._types.get(table)
        if known is None:
            known = self._types[table] = dict(self.execute(_TYPES, (table,)).fetchall())
        return known

    def _done(self, work: Awaitable[Any]) -> Any:
        try:
            return self._wait(work)
        except Exception as error:
            said = ledger_error(self._address, error)
            if said is error:
                raise
            raise said from error


def _arrays(types: Sequence[str], first: int = 1) -> str:
    return f"unnest({','.join(f'${at}::{kind}[]' for at, kind in enumerate(types, first))})"

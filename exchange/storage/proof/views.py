"""Views of a ledger that is proved, and what reading a damaged one ends with."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

from exchange.errors import LedgerDamaged, LedgerError, LedgerUnavailable
from exchange.ports.verification import Check
from exchange.storage.connection import Connection
from exchange.storage.counters.days import give_day_of_minute
from exchange.storage.snapshot import Where, snapshot

#: A consistent view: the same each time, or a new one.
View: TypeAlias = Callable[[], AbstractContextManager[Connection]]

#: What reading a damaged ledger may end with.
_UNREADABLE = (
    *(sqlite3.DatabaseError, LedgerError, ValueError, TypeError, ArithmeticError, AttributeError),
)


@contextmanager
def view_of(where: Where) -> Iterator[Connection]:
    """A consistent view of a ledger.

    Raises:
        LedgerError: when it can't be read.
    """
    with snapshot(where) as connection:
        give_day_of_minute(connection)
        yield connection


def readable(name: str, make: Callable[[], list[Check]]) -> list[Check]:
    """Checks; where they can't be made, since the ledger is damaged, one of that name is broken.

    Raises:
        LedgerUnavailable: when its server ended what was asked: that says nothing of the ledger.
    """
    try:
        return make()
    except _UNREADABLE as error:
        if isinstance(error, LedgerUnavailable) and not isinstance(error, LedgerDamaged):
            raise
        return [Check(name, 1, [f"can't be read: {error}"])]

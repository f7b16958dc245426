"""What forgetting costs: as much as there is to forget, however old the ledger; that nothing
counted is lost stands in the contract.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.ports.ledger import Old
from exchange.storage.commit import record_all
from exchange.storage.connection import connect
from exchange.storage.counters.sums import Totals
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.proof.chain import Additions, last_given, unlinked
from exchange.storage.retention import drop_bodies
from tests.contracts.rows import record


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    migrate_sqlite(tmp_path / "exchange.db")
    opened = connect(tmp_path / "exchange.db")
    yield opened
    opened.close()


def add(connection: sqlite3.Connection, first: int, count: int, bodies: bool) -> None:
    """Settled messages, with bodies or without."""
    made = [record(str(first + number)) for number in range(count)]
    for each in made:
        each.body = each.body if bodies else None
        each.deliveries = [delivery._replace(state="delivered") for delivery in each.deliveries]
    additions = Additions(last_given(connection))
    record_all(connection, made, 1, Totals(), additions)
    additions.write(connection, unlinked(0, first + 1))


def steps_to_drop(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many bodies went, and how many hundreds of steps the database took."""
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    connection.set_progress_handler(count, 100)
    dropped = drop_bodies(connection, Old(1 << 62, 1 << 62), 10)
    connection.set_progress_handler(None, 0)
    return dropped, taken


def test_messages_whose_bodies_went_long_ago_cost_nothing(connection: sqlite3.Connection) -> None:
    add(connection, 0, 10, bodies=True)
    young = steps_to_drop(connection)
    assert connection.execute("SELECT COUNT(*) FROM body").fetchone() == (0,)
    add(connection, 1_000, 5_000, bodies=False)
    add(connection, 10_000, 10, bodies=True)
    old = steps_to_drop(connection)
    assert (young[0], old[0]) == (10, 10)
    assert old[1] <= young[1] + 10

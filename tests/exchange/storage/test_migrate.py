"""Tests of the migrations: a ledger of an earlier revision keeps every count and goes on, and has
the shape of a new one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from exchange.ports.lanes import lane_of
from exchange.storage import tables
from exchange.storage.counters import tables as counter_tables
from exchange.storage.counters.compaction import compact, curves
from exchange.storage.migrate import (
    MIGRATIONS,
    NEW_LEDGER,
    as_text,
    configured,
    migrate_sqlite,
    newest_revision,
    revision,
    upgrade,
)
from exchange.storage.operators import tables as operator_tables
from exchange.storage.proof.verify import verify
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import record
from tests.exchange.statistics.synthetic_year import write_year

COUNTERS = ("counter", "day_counter", "pruned_counter")


def to_revision(path: Path, wanted: str) -> None:
    """Go back to an earlier revision."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        command.downgrade(configured(connection), wanted)
        connection.commit()
    engine.dispose()


def shape(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every table's columns: name, type, whether it may be null, place in the primary key."""
    connection = sqlite3.connect(path)
    names = [
        row[0]
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name"
        )
    ]
    found = {
        name: sorted(
            (row[1], row[2], row[3], row[5])
            for row in connection.execute(f"PRAGMA table_info({name})")
        )
        for name in names
    }
    connection.close()
    return found


def sums(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = [
        row
        for name in COUNTERS
        for row in connection.execute(
            f"SELECT '{name}',kind,SUM(count),SUM(items),SUM(bytes) FROM {name} GROUP BY kind"
        )
    ]
    connection.close()
    return found


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    write_year(tmp_path / "ledger.db", days=3)
    return tmp_path / "ledger.db"


@pytest.mark.parametrize(
    "earlier", sorted(file.name[:4] for file in (MIGRATIONS / "versions").rglob("[0-9]*.py"))[:-1]
)
def test_a_ledger_of_an_earlier_revision_keeps_its_counts_and_gets_the_newest_shape(
    ledger: Path, earlier: str
) -> None:
    new, counted = shape(ledger), sums(ledger)
    plain = [row for row in counted if ":" not in str(row[1])]
    to_revision(ledger, earlier)
    assert revision(ledger) == earlier
    # Items were not told apart by kind; a message had one kind of them.
    assert sums(ledger) == (counted if earlier >= "0011" else plain)
    migrate_sqlite(ledger)
    assert revision(ledger) == newest_revision()
    assert shape(ledger) == new
    assert [row for row in sums(ledger) if row[0] != "pruned_counter"] == counted
    assert not [
        check
        for check in verify(ledger).checks
        if check.name == "days agree with minutes" and check.broken
    ]


def test_a_curve_of_an_earlier_revision_keeps_its_counts_without_a_endpoint(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as connection:
        assert not compact(connection, 1 << 31, 1_000_000)
        connection.commit()
        before = list(curves(connection, 0, 1 << 20))
        endpoints = connection.execute("SELECT DISTINCT channel,endpoint FROM day_curve").fetchall()
    assert ("income-register", "subscription") in endpoints
    to_revision(ledger, "0004")
    migrate_sqlite(ledger)
    with closing(sqlite3.connect(ledger)) as connection:
        assert list(curves(connection, 0, 1 << 20, endpoints)) == [
            (*row[:3], 0, *row[4:]) for row in before
        ]
    assert not next(
        check
        for check in verify(ledger).checks
        if check.name == "curves and minutes agree with days"
    ).broken


async def test_letters_of_an_earlier_revision_are_told_their_conversation(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.db")
    await ledger.open()
    for name, conversation in (("1", "a"), ("2", "")):
        await ledger.record(record(name, modes=("mailbox",), conversation=conversation))
    await ledger.close()
    to_revision(tmp_path / "ledger.db", "0021")
    migrate_sqlite(tmp_path / "ledger.db")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        told = connection.execute("SELECT ordered_in FROM delivery ORDER BY id").fetchall()
    assert told == [("luova/a",), ("",)]


def test_a_new_ledger_is_what_the_migrations_make(tmp_path: Path) -> None:
    upgrade(tmp_path / "migrated.db")
    wanted = as_text(tmp_path / "migrated.db")
    assert NEW_LEDGER.read_text(encoding="utf-8") == wanted, (
        f"write this into {NEW_LEDGER.name}:\n{wanted}"
    )
    migrate_sqlite(tmp_path / "new.db")
    assert as_text(tmp_path / "new.db") == wanted
    assert shape(tmp_path / "new.db") == shape(tmp_path / "migrated.db")


def test_the_migrations_make_the_tables_that_are_declared(tmp_path: Path) -> None:
    declaring = (tables.Message, counter_tables.Counter, operator_tables.Audit)
    assert all(each.metadata is SQLModel.metadata for each in declaring)
    migrate_sqlite(tmp_path / "new.db")
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        master = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql<>''")
        made = [*master]
        columns = {
            f"{table}.{name} {'NOT NULL' if required else ''}"
            for kind, table, _ in made
            if kind == "table"
            for _, name, _, required, *_ in connection.execute(f"PRAGMA table_info({table})")
        }
    declared = SQLModel.metadata.tables.values()
    assert columns == {"alembic_version.version_num NOT NULL"} | {
        f"{table.name}.{column.name} {'' if column.nullable else 'NOT NULL'}"
        for table in declared
        for column in table.columns
    }
    assert {name for _, name, statement in made if "WITHOUT ROWID" in statement} == {
        table.name for table in declared if not table.dialect_options["sqlite"]["with_rowid"]
    }
    assert {name for kind, name, _ in made if kind == "index"} == {
        str(index.name) for table in declared for index in table.indexes
    }


def test_messages_of_an_earlier_revision_get_positions_and_ordered_deliveries_lanes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    migrate_sqlite(path)
    to_revision(path, "0005")
    with closing(sqlite3.connect(path)) as connection:
        for number in (30, 10, 20):
            connection.execute(
                "INSERT INTO message VALUES (?,'luova','t','dvv',?,x'00',1,'accepted','api',"
                "?,1,1,'','{}','')",
                (number, str(number), f"c-{number}"),
            )
            for offset, (mode, ordered) in enumerate((("push", 1), ("push", 0), ("ask", 1)), 1):
                connection.execute(
                    "INSERT INTO delivery VALUES (?,?,'fund.ytk',?,'waiting',0,1,1,0,7,?,'')",
                    (number + offset, number, mode, ordered),
                )
        connection.commit()
    migrate_sqlite(path)
    with closing(sqlite3.connect(path)) as connection:
        positions = connection.execute("SELECT id,position FROM message ORDER BY id").fetchall()
        assert positions == [(10, 1), (20, 2), (30, 3)]
        assert connection.execute("SELECT last FROM position").fetchall() == [(3,)]
        rows = connection.execute(
            "SELECT message_id,mode,ordered,lane,position FROM delivery ORDER BY id"
        ).fetchall()
    expected = []
    for position, number in enumerate((10, 20, 30), 1):
        lane = lane_of("fund.ytk", "luova", f"c-{number}")
        expected += [
            (number, "push", 1, lane, position),
            (number, "push", 0, 7, position),
            (number, "ask", 0, 7, position),
        ]
    assert rows == expected

"""What no commit covers and every commit relies on is proved too: tables and indexes, the last
position, lanes.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exchange.ports.lanes import lane_of
from exchange.storage.proof.heads_file import head_path
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import record
from tests.exchange.storage.chained import HEAD, broken

SHAPE = "the file has the tables and indexes of this version"
LANES = "what is to be delivered is in the lane of its conversation"
POSITIONS = "positions rise in the order of commits"


@pytest.fixture
async def ledger(tmp_path: Path) -> Path:
    """A ledger with an ordered delivery and an unordered one, and an ordered letter, which wait."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    for ordered in (0, 1):
        made = record(f"m-{ordered}")
        made.deliveries = [
            each._replace(ordered=ordered, lane=ordered * lane_of(each.receiver, "luova", ""))
            for each in made.deliveries
        ]
        assert (await opened.record(made)).kind == "new"
    await opened.record(record("letter", modes=("mailbox",), conversation="a"))
    await opened.close()
    assert not broken(tmp_path / "ledger.db")
    return tmp_path / "ledger.db"


@pytest.mark.parametrize(
    ("statement", "check", "said"),
    [
        ("DROP INDEX message_once", SHAPE, "index message_once: is gone"),
        ("ALTER TABLE body ADD COLUMN more TEXT", SHAPE, "column body.more: was put in"),
        ("CREATE VIEW extra AS SELECT 1", SHAPE, "view extra: was put in"),
        ("CREATE TRIGGER takes AFTER INSERT ON body BEGIN DELETE FROM body; END", SHAPE, "trigger takes: was put in"),
        ("UPDATE position SET last=last-1", POSITIONS, "2 is noted as the last one, though 3"),
        ("DELETE FROM position", POSITIONS, "0 is noted"),
        ("UPDATE delivery SET lane=256 WHERE ordered=0 AND mode='push'", LANES, "256, which nobody has"),
        ("UPDATE delivery SET lane=-1 WHERE ordered=1 AND mode='push'", LANES, "-1, which nobody has"),
        ("UPDATE delivery SET lane=(lane+1)%256 WHERE ordered=1", LANES, "its conversation in"),
        ("UPDATE delivery SET ordered_in='luova/b' WHERE mode='mailbox'", LANES, "in luova/b, not"),
        ("UPDATE delivery SET ordered=0 WHERE mode='mailbox'", LANES, "in luova/a, not"),
    ],
)  # fmt: skip
def test_what_was_changed_is_named(ledger: Path, statement: str, check: str, said: str) -> None:
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute(statement)
    (told, *_) = [each for each in broken(ledger)[check] if said in each]
    assert told


def test_what_the_database_keeps_for_itself_is_no_change(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute("ANALYZE")
    assert not broken(ledger)


@pytest.mark.parametrize("number", ["9" * 5_000, "9" * 19])
def test_a_head_with_a_number_of_no_ledger_is_told_in_words(ledger: Path, number: str) -> None:
    with head_path(ledger).open("a") as heads:
        heads.write(f"0 1 {number} {'a' * 32}\n{number}")
    told = broken(ledger)[HEAD]
    assert [each.endswith("is no head (NODE EPOCH NUMBER DIGEST)") for each in told] == [True] * 2

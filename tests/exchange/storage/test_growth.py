"""What a statement costs must not grow with the ledger: the plans of the statements as they are
really made, not of copies.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.ports.ledger import (
    ALL_DEAD,
    DeadFilter,
    Hold,
    MessageFilter,
    Old,
    Place,
    Wanted,
)
from exchange.storage import dead_letters, mailbox, queries
from exchange.storage.commit import record_all, settle_all
from exchange.storage.connection import connect
from exchange.storage.counters.sums import Totals as Sums
from exchange.storage.counters.totals import totals
from exchange.storage.migrate import migrate_sqlite
from exchange.storage.proof.chain import Additions, last_given, newest, unlinked
from exchange.storage.proof.dropped_events import leave_digests
from exchange.storage.retention import drop_bodies
from exchange.storage.search.messages import search
from tests.contracts.rows import record, settlement

#: A value for each filter of the search.
ASKED = MessageFilter(
    channel="luova",
    message_type="population.births",
    sender="dvv",
    state="dead",
    endpoint="api",
    conversation="case-7",
    receiver="fund.ytk",
    reason="schema",
    sender_message_id="one",
    process="P_BUC_01",
)
LARGE = ("message", "delivery", "event", "body", "answer", "memory", "counter", "chain")
REMEMBERED = record("plan")


@pytest.mark.parametrize(
    "run",
    [
        lambda connection: record_all(
            connection, [record("one"), record("two")], 1, Sums(), Additions(last_given(connection))
        ),
        lambda connection: settle_all(
            connection,
            [settlement(REMEMBERED, "delivered", ["delivered"])],
            1,
            Sums(),
            Additions(last_given(connection)),
        ),
        lambda connection: Additions(last_given(connection)).write(connection, unlinked(0, 1)),
        lambda connection: newest(connection, 0, 1),
        lambda connection: leave_digests(connection, [1, 2]),
        lambda connection: mailbox.is_empty(connection, "fund.ytk"),
        lambda connection: mailbox.free(connection, Wanted("luova", "fund.ytk", 10), 10**12),
        lambda connection: mailbox.free(
            connection, Wanted("luova", "fund.ytk", 10, conversation="case-7"), 10**12
        ),
        lambda connection: connection.execute(
            mailbox._FIRSTS.format(firsts=mailbox._OF_EACH), ("fund.ytk", "luova", 10**12, "")
        ),
        lambda connection: connection.execute(
            mailbox._LOOSE, ("fund.ytk", "luova", 10**12, 0, 0, 10)
        ),
        lambda connection: mailbox.lease(connection, [1, 2], 10**12, 10**12 + 1, 7),
        lambda connection: mailbox.extend(connection, [Hold(1, 2), Hold(3, 4)], 10**12),
        lambda connection: mailbox.overdue(connection, 1 << 62, 0, 10**12, 10),
        lambda connection: queries.due(connection, (0, 1), 10**12, 10, "push"),
        lambda connection: queries.due(connection, (0, 1), 10**12, 10, "ask"),
        lambda connection: queries.ordered(connection, "fund.ytk", Place(1, 2), 9, 10),
        lambda connection: queries.ordered_receivers(connection),
        lambda connection: queries.position_before(connection, 1, True),
        lambda connection: queries.pending(connection, [1, 2], "waiting", True),
        lambda connection: queries.dead(connection, 10, 1 << 62, ALL_DEAD),
        lambda connection: dead_letters.matching(
            connection, dead_letters._matching(ALL_DEAD, 10**12, ["x"], True), 0, 10
        ),
        lambda connection: dead_letters.receivers(
            connection, dead_letters._matching(ALL_DEAD, 10**12, (), True)
        ),
        lambda connection: dead_letters.without_body(connection, [1, 2]),
        lambda connection: dead_letters.held_up(connection),
        lambda connection: queries.find(connection, "luova", "dvv", "one"),
        lambda connection: queries.stored(
            connection, "luova", ("a.b", "c.d"), 1, 1 << 62, 10, True
        ),
        lambda connection: queries.memory(connection, [("luova", "one"), ("luova", "two")]),
        lambda connection: queries.deliveries(connection, 1),
        lambda connection: queries.events(connection, 1),
        lambda connection: totals(connection, ("channel", "kind"), 0, 1 << 31, True),
        lambda connection: drop_bodies(connection, Old(1 << 62, 1 << 62), 10),
    ],
    ids=[
        "record",
        "settle",
        "chain",
        "newest link",
        "leave digests",
        "mailbox is empty",
        "free",
        "free of a conversation",
        "firsts of conversations",
        "free of no conversation",
        "lease",
        "extend",
        "overdue",
        "due",
        "asked",
        "ordered",
        "ordered-receivers",
        "position-before",
        "pending",
        "dead",
        "resendable",
        "resendable receivers",
        "without body",
        "held up",
        "find",
        "stored",
        "memory",
        "deliveries",
        "events",
        "glance",
        "retain",
    ],
)
def test_no_statement_reads_a_whole_table(
    run: Callable[[sqlite3.Connection], object], tmp_path: Path
) -> None:
    migrate_sqlite(tmp_path / "exchange.db")
    connection = connect(tmp_path / "exchange.db")
    made: list[str] = []
    connection.set_trace_callback(made.append)
    run(connection)
    connection.set_trace_callback(None)
    plans = {
        text: [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")]
        for text in made
        if text.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    }
    connection.close()
    assert plans
    scans = [
        (text, step)
        for text, plan in plans.items()
        for step in plan
        if step.startswith(tuple(f"SCAN {name}" for name in LARGE))
    ]
    assert not [each for each in scans if "USING INDEX delivery_dead" not in each[1]]


@pytest.mark.parametrize("newest_first", [False, True])
def test_stored_messages_are_read_in_the_order_of_their_positions_without_sorting(
    newest_first: bool, tmp_path: Path
) -> None:
    migrate_sqlite(tmp_path / "exchange.db")
    connection = connect(tmp_path / "exchange.db")
    made: list[str] = []
    connection.set_trace_callback(made.append)
    queries.stored(connection, "luova", ("a.b", "c.d"), 1, 1 << 62, 10, newest_first)
    connection.set_trace_callback(None)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {made[0]}")]
    connection.close()
    assert "SEARCH message USING INDEX message_position (position>? AND position<?)" in plan
    assert not any("TEMP B-TREE" in step for step in plan)


#: The filters that are asked (of states several), each with the index that names what it selects.
INDEXES = {
    "channel": "message_kind",
    "message_type": "message_kind",
    "endpoint": "message_kind",
    "sender": "message_sender",
    "conversation": "message_conversation",
    "receiver": "delivery_receiver",
    "state": "delivery_open",
    "reason": "event_refused",
    "sender_message_id": "message_refused_id",
    "process": "message_process",
    "state dead-lettered": "delivery_open",
    "state rejected": "message_refused",
    "state duplicate": "event_repeated",
}


@pytest.mark.parametrize("asked", INDEXES)
def test_a_search_goes_by_an_index_and_sorts_nothing_large(asked: str, tmp_path: Path) -> None:
    name, _, value = asked.partition(" ")
    migrate_sqlite(tmp_path / "exchange.db")
    connection = connect(tmp_path / "exchange.db")
    record_all(connection, [record("one")], 1, Sums(), Additions(last_given(connection)))
    made: list[str] = []
    connection.set_trace_callback(made.append)
    wanted = MessageFilter(**{name: value or getattr(ASKED, name)})
    search(connection, wanted, 1 << 62, 50, 1000)
    connection.set_trace_callback(None)
    # (A sender's id is looked for once for each sender, by the index that tells duplicates.)
    texts = [text for text in made if "LIMIT" in text and "RECURSIVE" not in text]
    plans = {text: _plan(connection, text) for text in texts}
    connection.close()
    assert any(INDEXES[asked] in step for plan in plans.values() for step in plan), plans
    for text, plan in plans.items():
        assert not [step for step in plan if step.startswith("SCAN message")], (text, plan)
        assert not [step for step in plan if step.startswith("SCAN delivery")], (text, plan)
        if "IN (" not in text:
            assert not any("TEMP B-TREE" in step for step in plan), (text, plan)


def test_dead_letters_of_a_receiver_are_not_looked_for_among_all_its_deliveries(
    tmp_path: Path,
) -> None:
    migrate_sqlite(tmp_path / "exchange.db")
    connection = connect(tmp_path / "exchange.db")
    made: list[str] = []
    connection.set_trace_callback(made.append)
    queries.dead(connection, 10, 1 << 62, DeadFilter("fund.ytk", "population.births", "http-503"))
    connection.set_trace_callback(None)
    (plan,) = (_plan(connection, text) for text in made)
    connection.close()
    assert any("delivery_dead" in step for step in plan), plan
    assert not any("delivery_receiver" in step for step in plan), plan


def _plan(connection: sqlite3.Connection, text: str) -> list[str]:
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")]

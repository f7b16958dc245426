"""Every kind of damage to a ledger's rows is named by `verify`; that what happens to a healthy one
is not stands in `test_proof_clean`, what happens to its files in `test_proof_files`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exchange.storage.proof.chain import content_digest, message_digest, told_apart
from tests.exchange.storage.chained import (
    LINKS,
    MEMORY,
    OUTSIDE,
    ROWS,
    STATES,
    STORED,
    broken,
    chained,
)

SWAP = (
    "UPDATE {table} SET {column}=(SELECT CASE {table}.{key} WHEN low THEN (SELECT {column} FROM "
    "{table} WHERE {key}=high) "
    "ELSE (SELECT {column} FROM {table} WHERE {key}=low) END FROM "
    "(SELECT MIN({key}) AS low,MAX({key}) AS high FROM {table})) "
    "WHERE {key} IN ((SELECT MIN({key}) FROM {table}),(SELECT MAX({key}) FROM {table}))"
)
MESSAGE_COLUMNS = (
    "id,channel,message_type,sender,sender_message_id,digest,received_at,state,endpoint,"
    "conversation,"
    "items,bytes,content_type,detail,process"
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that is never changed: each test takes a copy."""
    path = tmp_path_factory.mktemp("chained") / "ledger.db"
    asyncio.run(chained(path))
    assert not broken(path)
    return path


@pytest.fixture
def ledger(whole: Path, tmp_path: Path) -> Path:
    for suffix in ("", "-head"):
        source = whole.with_name(whole.name + suffix)
        (tmp_path / source.name).write_bytes(source.read_bytes())
    assert not broken(tmp_path / whole.name)
    return tmp_path / whole.name


def damage(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement


@pytest.mark.parametrize(
    "column",
    ["channel", "message_type", "sender", "sender_message_id", "endpoint", "conversation",
     "content_type", "detail", "process", "received_at", "items", "bytes"],
)  # fmt: skip
def test_a_message_that_was_edited(ledger: Path, column: str) -> None:
    changed = "1" if column in ("received_at", "items", "bytes") else "'x'"
    damage(
        ledger, f"UPDATE message SET {column}={column}||{changed} WHERE sender_message_id='w0-3'"
    )
    assert any("was changed; of messages" in each for each in broken(ledger)[ROWS])


@pytest.mark.parametrize("value", ["zeroblob(16)", "x''", "x'01'", "'text'"])
@pytest.mark.parametrize("state", ["accepted", "rejected"])
def test_an_identity_that_was_edited(ledger: Path, state: str, value: str) -> None:
    if (state, value) == ("rejected", "x''"):
        return
    damage(ledger, f"UPDATE message SET identity={value} WHERE state='{state}'")
    assert all("its identity is not what was committed" in each for each in broken(ledger)[ROWS])


def test_a_message_of_before_its_identity_was_committed_is_proved_without(ledger: Path) -> None:
    for digest, identity in ((b"b" * 16, None), (None, None), (bytes(16) + b"i" * 16, b"i" * 16)):
        assert told_apart(digest)[1] == identity
    assert told_apart(message_digest(None, b"")) == (None, b"")
    assert told_apart(message_digest((0, b"x"), b"")) == (content_digest(0, b"x"), b"")


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        # Messages, events and deliveries.
        ("UPDATE message SET digest=zeroblob(16)", {ROWS}),
        ("UPDATE message SET position=position+1000", {ROWS}),
        ("UPDATE delivery SET position=position+1", {ROWS}),
        ("UPDATE message SET state='rejected' WHERE sender_message_id='w0-3'", {ROWS, OUTSIDE}),
        ("DELETE FROM message WHERE sender_message_id='w0-3'", {ROWS}),
        (f"INSERT INTO message({MESSAGE_COLUMNS}) SELECT "
         f"{MESSAGE_COLUMNS.replace('id,', '7,', 1).replace('sender_message_id', '1')}"
         " FROM message LIMIT 1", {OUTSIDE}),
        (SWAP.format(table="message", column="digest", key="id"), {ROWS}),
        ("UPDATE event SET at=at+1 WHERE id=5", {ROWS}),
        ("UPDATE event SET detail='x' WHERE kind='duplicate'", {ROWS}),
        ("UPDATE event SET kind='delivered' WHERE kind='answered'", {ROWS}),
        ("UPDATE event SET digest=zeroblob(16) WHERE digest NOT NULL", {ROWS, STORED}),
        ("UPDATE event SET digest=NULL WHERE kind='accepted'", {ROWS, STORED}),
        ("DELETE FROM event WHERE kind='duplicate'", {ROWS}),
        ("DELETE FROM event WHERE id=(SELECT MAX(id) FROM event)", {ROWS}),
        ("INSERT INTO event(message_id,delivery_id,at,kind,detail) SELECT "
         "message_id,0,at,'seen','' FROM event LIMIT 1", {OUTSIDE}),
        ("INSERT INTO event(id,message_id,delivery_id,at,kind,detail) SELECT "
         "0,message_id,0,at,'seen','' FROM event LIMIT 1", {OUTSIDE}),
        (SWAP.format(table="event", column="message_id", key="id"), {ROWS}),
        ("UPDATE event SET id=id+1000", {ROWS, OUTSIDE}),
        ("UPDATE event SET id=id+1000 WHERE id=(SELECT MAX(id) FROM event)", {ROWS, OUTSIDE}),
        ("UPDATE delivery SET receiver='x' WHERE state='delivered'", {ROWS}),
        ("UPDATE delivery SET items=items+1", {ROWS}),
        ("UPDATE delivery SET mode='ask' WHERE mode='push'", {ROWS}),
        ("UPDATE delivery SET ordered=1", {ROWS}),
        ("UPDATE delivery SET message_id=(SELECT MAX(message_id) FROM delivery)", {ROWS}),
        ("UPDATE delivery SET state='dead' WHERE state='delivered'", {STATES}),
        ("UPDATE delivery SET state='gone' WHERE state='waiting'", {STATES}),
        ("UPDATE delivery SET attempts=attempts+1 WHERE state='delivered'", {STATES}),
        ("UPDATE delivery SET ended_at=ended_at+1 WHERE state='delivered'", {STATES}),
        ("UPDATE delivery SET ended_at=1 WHERE state='waiting'", {STATES}),
        ("UPDATE delivery SET reason='x' WHERE state='delivered'", {STATES}),
        ("UPDATE delivery SET next_at=1 WHERE state='delivered'", {STATES}),
        ("DELETE FROM delivery WHERE state='waiting'", {ROWS}),
        ("UPDATE delivery SET receiver=receiver||id", {ROWS}),
        # What is stored.
        ("UPDATE body SET content=x'00'", {STORED}),
        ("UPDATE body SET codec=1-codec", {STORED}),
        ("UPDATE body SET content=zeroblob(length(content))", {STORED}),
        (SWAP.format(table="body", column="content", key="message_id"), {STORED}),
        ("DELETE FROM body", {STORED}),
        ("DELETE FROM body WHERE message_id=(SELECT MAX(message_id) FROM body)", {STORED}),
        ("INSERT INTO body(message_id,codec,content) VALUES (1,0,'x')", {OUTSIDE}),
        ("UPDATE answer SET content=x'00'", {STORED}),
        ("UPDATE answer SET content_type='text/html'", {STORED}),
        ("DELETE FROM answer", {STORED}),
        (SWAP.format(table="answer", column="content", key="delivery_id"), {STORED}),
        ("INSERT INTO answer SELECT (SELECT id FROM delivery WHERE state='waiting' LIMIT "
         "1),codec,content_type,content FROM answer LIMIT 1", {OUTSIDE}),
        ("UPDATE answer SET delivery_id=(SELECT id FROM delivery WHERE state='waiting' LIMIT 1) "
         "WHERE delivery_id=(SELECT MIN(delivery_id) FROM answer)", {OUTSIDE, STORED}),
        # What is remembered.
        ("UPDATE memory SET value='{}'", {MEMORY}),
        ("UPDATE memory SET version=version+1", {MEMORY}),
        ("UPDATE memory SET digest=zeroblob(16)", {MEMORY}),
        ("DELETE FROM memory WHERE key='w0:0'", {MEMORY}),
        ("INSERT INTO memory(channel,key,value,version,digest) VALUES "
         "('luova','new','{}',1,zeroblob(16))", {MEMORY}),
        ("UPDATE memory SET key='w0:x' WHERE key='w0:1'", {MEMORY}),
        ("UPDATE memory SET message_id=1 WHERE key='w0:1'", {MEMORY}),
        # The chain itself.
        ("DELETE FROM chain WHERE node=0 AND number=3", {LINKS, OUTSIDE}),
        ("DELETE FROM chain WHERE node=0", {OUTSIDE}),
        ("DELETE FROM chain", {OUTSIDE}),
        ("UPDATE chain SET digest=zeroblob(16) WHERE node=0 AND number=3", {LINKS}),
        ("UPDATE chain SET content=zeroblob(16) WHERE node=0 AND number=3", {LINKS, ROWS}),
        ("UPDATE chain SET memory=zeroblob(16) WHERE node=0 AND number=3", {LINKS}),
        ("UPDATE chain SET last_event=last_event+1 WHERE node=0 AND number=3", {LINKS}),
        ("UPDATE chain SET events=0 WHERE node=0 AND number=3", {LINKS}),
        ("UPDATE chain SET dropped=events WHERE node=0 AND number=3", {ROWS}),
        ("UPDATE chain SET since=1 WHERE node=0 AND number=3", {LINKS}),
        ("UPDATE chain SET number=number+100", {LINKS}),
        ("UPDATE chain SET epoch=epoch+1 WHERE node=0 AND number>5", {LINKS}),
        (SWAP.format(table="chain", column="content", key="last_event"), {LINKS}),
    ],
)  # fmt: skip
def test_rows_that_were_changed(ledger: Path, statement: str, named: set[str]) -> None:
    damage(ledger, statement)
    found = broken(ledger)
    assert found.keys() >= named, found
    assert all(found.values()), "each with an example"


def test_a_whole_message_that_was_taken_out_with_its_counts(ledger: Path) -> None:
    message = "(SELECT id FROM message WHERE sender_message_id='w1-5')"
    damage(
        ledger,
        f"DELETE FROM event WHERE message_id={message}",
        f"DELETE FROM body WHERE message_id={message}",
        f"DELETE FROM delivery WHERE message_id={message}",
        "DELETE FROM message WHERE sender_message_id='w1-5'",
        "UPDATE counter SET count=count-1 WHERE kind IN ('received','accepted')",
    )
    assert any("1 were committed" in each for each in broken(ledger)[ROWS])


def test_a_message_whose_event_and_link_were_taken_out_too(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as connection:
        event, message = connection.execute(
            "SELECT id,message_id FROM event WHERE kind='accepted' ORDER BY id DESC LIMIT 1"
        ).fetchone()
    damage(
        ledger,
        f"DELETE FROM chain WHERE last_event={event}",
        f"DELETE FROM event WHERE id={event}",
        f"DELETE FROM message WHERE id={message}",
    )
    assert LINKS in broken(ledger)


def test_an_event_that_was_put_in_with_a_link_of_its_own(ledger: Path) -> None:
    """Somebody who forges a commit has the head against them, and whoever kept a copy of it."""
    damage(
        ledger,
        "INSERT INTO event(message_id,delivery_id,at,kind,detail) SELECT "
        "message_id,0,at,'seen','' FROM event LIMIT 1",
        "INSERT INTO chain SELECT node,epoch,number+1,number+1,last_event+1,last_event+1,1,0,NULL,"
        "memory,content,digest "
        "FROM chain ORDER BY last_event DESC,number DESC LIMIT 1",
    )
    assert broken(ledger).keys() >= {LINKS, ROWS}


def test_the_commit_and_the_messages_are_named(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as connection:
        (message,) = connection.execute(
            "SELECT id FROM message WHERE sender_message_id='w0-2'"
        ).fetchone()
    damage(ledger, f"UPDATE message SET detail='[]' WHERE id={message}")
    [said] = broken(ledger)[ROWS]
    assert said.startswith("writer 0/1, commit ")
    assert said.endswith(f"of messages {message}")

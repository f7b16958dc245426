"""Accounts, keys and paused receivers that somebody edited in the ledger are named by `verify`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from exchange.ports import Actor, Operator
from exchange.storage.operators.accounts import LedgerOperators
from exchange.storage.partners.receiver_states import LedgerReceivers
from exchange.storage.sqlite import SqliteLedger
from tests.exchange.storage.chained import broken

ACCOUNTS = "operators and their keys are those that the audit log tells of"
PAUSED = "receivers are paused as the audit log says"
ME = Actor(Operator("me", "admin"), "here")


async def made(path: Path) -> None:
    """A ledger with operators and receivers that were changed in every way."""
    ledger = SqliteLedger(path)
    await ledger.open()
    operators, receivers = LedgerOperators(ledger), LedgerReceivers(ledger)
    for at, name in enumerate(("ann", "bob", "cid", "dan")):
        await operators.add(Operator(name, "operator"), name.encode() * 8, at, ME)
    await operators.rotate("ann", b"a2" * 16, 10, ME)
    await operators.rotate("ann", b"a3" * 16, 10, ME)
    await operators.rotate("bob", b"b2" * 16, 11, ME, at_once=True)
    await operators.rotate("cid", b"c2" * 16, 12, ME)
    await operators.drop_old_key("cid", 13, ME)
    await operators.remove("dan", 14, ME)
    await operators.add(Operator("dan", "viewer"), b"d2" * 16, 15, ME)
    for receiver, whats in {"a": "pr", "b": "prp", "c": "p", "d": "pp"}.items():
        for what in whats:
            row = ME.did(20, {"p": "pause", "r": "resume"}[what], receiver, "done")
            if what == "p":
                await receivers.pause(receiver, 20, "", row)
            else:
                await receivers.resume(receiver, 20, row)
    await receivers.fail("e", 20, "no answer", 30)
    await ledger.close()


@pytest.mark.parametrize(
    ("statement", "check", "said"),
    [
        ("UPDATE operator SET role='admin' WHERE name='ann'", ACCOUNTS, "ann: is admin"),
        ("INSERT INTO operator VALUES ('eve','admin')", ACCOUNTS, "eve: no audit row"),
        ("DELETE FROM operator WHERE name='bob'", ACCOUNTS, "bob: is gone"),
        ("UPDATE operator_key SET digest=x'00' WHERE operator='bob'", ACCOUNTS, "key of operator bob"),
        ("UPDATE operator_key SET operator='bob' WHERE operator='cid'", ACCOUNTS, "keys of operator cid"),
        ("UPDATE operator_key SET made_at=1 WHERE operator='cid'", ACCOUNTS, "key of operator cid"),
        ("INSERT INTO operator_key SELECT x'01','ann',10", ACCOUNTS, "key of operator ann"),
        ("DELETE FROM operator_key WHERE operator='dan'", ACCOUNTS, "1 keys of operator dan"),
        ("UPDATE receiver_state SET state='up' WHERE receiver='c'", PAUSED, "c: is not paused"),
        ("DELETE FROM receiver_state WHERE receiver='b'", PAUSED, "b: is not paused"),
        ("UPDATE receiver_state SET state='paused' WHERE receiver='e'", PAUSED, "e: is paused"),
    ],
)  # fmt: skip
async def test_what_was_edited_is_named(
    tmp_path: Path, statement: str, check: str, said: str
) -> None:
    path = tmp_path / "ledger.db"
    await made(path)
    assert not broken(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount > 0
    assert any(said in each for each in broken(path)[check]), broken(path)


async def test_keys_whose_audit_rows_tell_no_fingerprint_are_known_by_their_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    ledger = SqliteLedger(path)
    await ledger.open()
    await ledger.audit([ME.did(5, "operator-add", "old", "viewer")])
    for statement in (
        "INSERT INTO operator VALUES ('old','viewer')",
        "INSERT INTO operator_key VALUES (x'01','old',5)",
    ):
        await ledger.change(partial(_execute, statement))
    await ledger.close()
    assert not broken(path)


def _execute(statement: str, connection: sqlite3.Connection) -> None:
    connection.execute(statement)

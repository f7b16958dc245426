"""Operators in the ledger: sessions are bounded, and a change that fails leaves no trace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.errors import OperatorError
from exchange.ports import Actor, Operator
from exchange.storage.operators.accounts import SESSIONS_MAX, LedgerOperators
from exchange.storage.sqlite import SqliteLedger

ME = Actor(Operator("me", "admin"), "here")
ANN, KEY = Operator("ann", "operator"), b"k" * 32


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    kept = SqliteLedger(tmp_path / "ledger.db")
    await kept.open()
    yield kept
    await kept.close()


async def test_the_oldest_session_ends_with_one_too_many(ledger: SqliteLedger) -> None:
    operators = LedgerOperators(ledger)
    await operators.add(ANN, KEY, 0, ME)
    for number in range(SESSIONS_MAX + 1):
        await operators.begin_session(bytes([number]) * 32, KEY, 1, 1000 + number, ME_AS_ANN)
    kept = [
        await operators.by_session(bytes([n]) * 32, 2, 1 << 62) for n in range(SESSIONS_MAX + 1)
    ]
    assert kept == [None, *[ANN] * SESSIONS_MAX]
    await operators.begin_session(b"z" * 32, KEY, 5000, 6000, ME_AS_ANN)
    (left,) = ledger.reader.execute("SELECT COUNT(*) FROM operator_session").fetchone()
    assert left == 1, "those that have ended are dropped"


async def test_a_change_that_fails_leaves_no_trace(ledger: SqliteLedger) -> None:
    operators = LedgerOperators(ledger)
    await operators.add(ANN, KEY, 0, ME)
    with pytest.raises(OperatorError):
        await operators.add(Operator("ann", "admin"), b"l" * 32, 1, ME)
    with pytest.raises(OperatorError):
        await operators.remove("bob", 1, ME)
    assert await operators.by_key(b"l" * 32) is None
    assert await operators.by_key(KEY) == ANN
    assert [row.what for _, row in await ledger.audited(10)] == ["operator-add"]


async def test_a_key_belongs_to_one_operator(ledger: SqliteLedger) -> None:
    operators = LedgerOperators(ledger)
    await operators.add(ANN, KEY, 0, ME)
    with pytest.raises(Exception, match="UNIQUE"):
        await operators.add(Operator("bob", "admin"), KEY, 1, ME)
    assert [each.name for each in await operators.listed()] == ["ann"]


ME_AS_ANN = Actor(ANN, "here")

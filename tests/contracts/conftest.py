"""Every implementation of a port, for the suites of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.storage.ledger import SqlLedger
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql_server.address import Server
from exchange.storage.sqlite import SqliteLedger
from tests.postgresql import LocalServer


@pytest.fixture(params=["sqlite", "postgresql"])
async def ledger(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: LocalServer
) -> AsyncIterator[SqlLedger]:
    """An open, empty ledger."""
    opened: SqlLedger
    if request.param == "sqlite":
        opened = SqliteLedger(tmp_path / "ledger.db")
    else:
        opened = PostgresLedger(postgresql.ledger())
    await opened.open()
    yield opened
    await opened.close()


def another(ledger: SqlLedger, node: int) -> SqlLedger:
    """The same ledger, to be written as another node; not open."""
    where = ledger.where
    if isinstance(where, Server):
        return PostgresLedger(where, node=node)
    return SqliteLedger(where, node=node)

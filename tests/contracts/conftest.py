"""Every implementation of a port, for the suites of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.storage.sqlite import SqliteLedger


@pytest.fixture(params=["sqlite"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """An open, empty ledger."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    yield opened
    await opened.close()

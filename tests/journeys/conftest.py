"""Fixtures for whole journeys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.running import Running, running


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Running]:
    """An exchange with its stubs, on free ports, with an empty ledger."""
    async with running(tmp_path) as started:
        yield started

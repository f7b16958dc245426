"""Fixtures of the Incomes Register's tests."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.assembly import Exchange
from exchange.settings import Settings
from tests.adapters.income_register.clients import UNSIGNED
from tests.adapters.income_register.data_user import DAY, Set, World
from tests.adapters.income_register.hand_out.test_extraction import (
    Straight,
)
from tests.journeys.conftest import gateway

__all__ = ["gateway", "world"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Everything at the beginning of a working day."""
    clock, transport = Set(f"{DAY}T08:00:01+02:00"), Straight()
    exchange = Exchange(
        Settings(storage={"url": f"sqlite:///{tmp_path}/exchange.db"}, rules=UNSIGNED),
        clock=clock,
        transport=transport,
    )
    transport.exchange = exchange
    await exchange.open(deliver=False)
    exchange.dispatcher.start()
    yield World(exchange, clock, transport, itertools.count(1))
    await exchange.close()

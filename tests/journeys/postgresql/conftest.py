"""Nodes for the tests of this folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from exchange.journey import keeper
from exchange.journey.deliver import leased
from exchange.storage.proof.verify import verify
from tests.journeys.postgresql.nodes import Nodes
from tests.postgresql import LocalServer


@pytest.fixture
async def nodes(postgresql: LocalServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nodes]:
    """None yet; leases are renewed often, so that nobody waits for them, and none ends by itself."""
    monkeypatch.setattr(leased, "LEASE_SECONDS", 600.0)
    monkeypatch.setattr(leased, "RENEW_SECONDS", 0.2)
    monkeypatch.setattr(leased, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.05)
    opened = Nodes(postgresql)
    yield opened
    for each in list(opened.open):
        await opened.close(each)
    found = await asyncio.to_thread(verify, opened.where)
    assert found.clean, [check for check in found.checks if check.broken]

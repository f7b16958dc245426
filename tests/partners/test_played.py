"""Stubs neither answer nor send in the name of a partner that plays itself."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from exchange import discovery
from exchange.partners.faults import Faults
from exchange.partners.played import Played
from exchange.partners.sender import Chain
from exchange.partners.server import serve_stubs
from exchange.schemas import directory
from tests.partners.echo import CHECKING, Echo

#: One that sends by itself, and the one that begins (Kela's subscriptions).
SENDER, BEGINNER = "county.pirkanmaa", "kela.income-data"


@pytest.mark.parametrize("how", [{"url": "http://127.0.0.1:1"}, {"played": False}, {"key": ""}])
def test_nobody_sends_for_a_partner_that_plays_itself(how: dict[str, object]) -> None:
    everybody = directory.load()
    stubs = [Played(stub) for stub in discovery.stubs()]

    def sent() -> tuple[set[str], int]:
        flows = {flow.partner for stub in stubs for flow in stub.flows(everybody)}
        situation = Chain(everybody, 1, 1, lambda: 10**18).situation()
        begun = [each for stub in stubs for each in stub.begin(everybody, situation)]
        return flows, len(begun)

    before, begun = sent()
    assert SENDER in before
    assert begun
    own = [everybody.get(name) for name in (SENDER, BEGINNER)]
    everybody.put(replace(partner, **how) for partner in own if partner is not None)  # type: ignore[arg-type]
    after, none_begun = sent()
    assert before - after >= {SENDER}
    assert none_begun == 0


async def test_nobody_answers_for_a_partner_that_plays_itself() -> None:
    own = directory.Directory([replace(partner, played=False) for partner in CHECKING])
    runner = await serve_stubs([Echo()], own, "127.0.0.1", 0, Faults([], 1), 1)
    try:
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/fund.a/echo"
        async with aiohttp.ClientSession() as session, session.post(address) as response:
            assert response.status == 404
            assert "fund.a plays itself" in await response.text()
    finally:
        await runner.cleanup()

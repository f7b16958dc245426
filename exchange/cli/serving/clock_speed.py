"""How fast time passes for a live exchange and its partners (`--clock 60x`): reading the option,
agreeing on a beginning; no clock.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import typer

from exchange.schemas.instants import MINUTE_MILLISECONDS, milliseconds_of
from exchange.simulation.clock import FastClock
from exchange.storage.counters.rollups import Rollups
from exchange.storage.snapshot import Where


def wall_milliseconds() -> int:
    """The wall's time, milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """A factor, and a moment of the simulated time with the wall's time at which it was; workers
    share it.
    """

    factor: float
    since: int
    wall_since: int

    def clock(self) -> FastClock:
        """A clock that runs at this pace."""
        return FastClock(self.factor, self.since, wall_milliseconds, self.wall_since)


def factor_of(text: str) -> float:
    """Read `60x`, `60` or `0.5x`.

    Raises:
        BadParameter: when it is no factor above 0.
    """
    try:
        factor = float(text.strip().removesuffix("x"))
    except ValueError:
        factor = 0.0
    if not 0 < factor <= 1_000_000:
        raise typer.BadParameter(f"{text!r} is no factor such as 60x", param_hint="--clock")
    return factor


def pace_over(ledger: Where, factor: float) -> Pace:
    """Begin now, or after what the ledger has counted last: its time must not go back, whatever ran
    before.
    """
    now = since = wall_milliseconds()
    if not isinstance(ledger, Path) or ledger.exists():
        with Rollups(ledger) as rollups:
            since = max(now, (rollups.last_minute() + 1) * MINUTE_MILLISECONDS)
    return Pace(factor, since, now)


def bearer() -> dict[str, str]:
    """The header with the operator's key in EXCHANGE_OPERATOR_KEY, for an exchange that demands
    one.
    """
    key = os.environ.get("EXCHANGE_OPERATOR_KEY", "")
    return {"Authorization": f"Bearer {key}"} if key else {}


async def pace_of(exchange: str, factor: float) -> Pace:
    """The pace of partners: the time that the exchange at that address says it is, at a factor.

    Raises:
        aiohttp.ClientError: when it does not answer.
    """
    async with (
        aiohttp.ClientSession(headers=bearer()) as session,
        session.get(f"{exchange}/api/v1/snapshot") as response,
    ):
        response.raise_for_status()
        return Pace(factor, milliseconds_of((await response.json())["at"]), wall_milliseconds())

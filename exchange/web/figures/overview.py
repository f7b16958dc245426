"""What an operator sees at a glance: per channel the counters of conservation and the rate just
now; read from the rollups, never from messages.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

from exchange.journey.count import REQUEST_KINDS
from exchange.journey.waiting import Amount, Waiting
from exchange.ports import Clock, Ledger
from exchange.schemas.envelope import EMPTY
from exchange.schemas.instants import instant

#: How long a snapshot serves everybody, in seconds.
FRESH_SECONDS = 0.5

#: Rates are taken over this many seconds.
RATE_SECONDS = 10.0

#: Kinds of counters that waiting deliveries are the sum of.
WAITING_SIGNS = {"queued": 1, "resent": 1, "delivered": -1, "dead-lettered": -1}

COLUMNS = (
    *("received", "accepted", "rejected", "duplicate", "waiting", "delivered", "dead-lettered"),
    *("empty", "requests"),
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`channels` maps a channel to its `COLUMNS`: `empty` are those of the delivered that held
    nothing, `requests` the calls that are no messages. `rates` maps it to accepted and delivered a
    second, empty ones left out; `at` is in milliseconds. `full` names the receivers that take no
    more, and `*` when nobody does.
    """

    at: int
    channels: dict[str, dict[str, int]]
    rates: dict[str, dict[str, float]]
    full: list[dict[str, object]] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """The snapshot as JSON."""
        return {
            "at": instant(self.at),
            "channels": self.channels,
            "rates": self.rates,
            "full": self.full,
        }


@dataclass(slots=True)
class Snapshots:
    """Takes snapshots, at most one per `FRESH_SECONDS` however many look."""

    ledger: Ledger
    clock: Clock
    names: tuple[str, ...]
    limit: Waiting | None = None
    _latest: Snapshot | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _history: deque[tuple[int, dict[str, dict[str, int]]]] = field(default_factory=deque)

    async def current(self) -> Snapshot:
        """The snapshot of now."""
        async with self._lock:
            now = self.clock.now()
            # (Not in the future either: the clock may have stepped back.)
            if self._latest is None or not 0 <= now - self._latest.at < FRESH_SECONDS * 1000:
                self._latest = await self._take(now)
            return self._latest

    async def _take(self, now: int) -> Snapshot:
        channels: dict[str, dict[str, int]] = {
            name: dict.fromkeys(COLUMNS, 0) for name in self.names
        }
        sums: dict[str, Counter[str]] = {}
        waiting: dict[str, Amount] = {}
        if self.limit is not None:
            self.limit.begin_look()
        for (channel, receiver, kind, process), count, _, size in await self.ledger.totals(
            ("channel", "receiver", "kind", "process"), daily=True
        ):
            of_channel = sums.setdefault(channel, Counter())
            of_channel[kind] += count
            if process == EMPTY and kind == "delivered":
                of_channel["empty"] += count
            elif kind in REQUEST_KINDS:
                of_channel["requests"] += count
            if sign := WAITING_SIGNS.get(kind):
                amount = waiting.get(receiver, Amount())
                waiting[receiver] = amount.plus(sign * count, sign * size)
        if self.limit is not None:
            self.limit.end_look(waiting)
        for channel, kinds in sums.items():
            row = channels.setdefault(channel, dict.fromkeys(COLUMNS, 0))
            for column in COLUMNS:
                row[column] = kinds.get(column, 0)
            row["dead-lettered"] -= kinds.get("resent", 0)
            row["waiting"] = kinds.get("queued", 0) - row["delivered"] - row["dead-lettered"]
        return Snapshot(now, channels, self._rates(now, channels), self.full())

    def full(self) -> list[dict[str, object]]:
        """Who takes no more, at this moment."""
        if self.limit is None:
            return []
        full: list[dict[str, object]] = [
            {"receiver": receiver, "waiting": amount.deliveries, "bytes": amount.bytes}
            for receiver, amount in self.limit.full().items()
        ]
        if self.limit.all_full:
            amount = self.limit.all
            full.append({"receiver": "*", "waiting": amount.deliveries, "bytes": amount.bytes})
        return full

    def _rates(self, now: int, channels: dict[str, dict[str, int]]) -> dict[str, dict[str, float]]:
        history = self._history
        if history and now < history[-1][0]:
            history.clear()  # the clock stepped back
        history.append((now, channels))
        while len(history) > 2 and now - history[0][0] > RATE_SECONDS * 1000:
            history.popleft()
        before, earlier = history[0]
        seconds = max((now - before) / 1000, FRESH_SECONDS)
        return {
            name: {
                kind: round(max(0, _grown(row, earlier.get(name, row), kind)) / seconds, 1)
                for kind in ("accepted", "delivered")
            }
            for name, row in channels.items()
        }


def _grown(row: dict[str, int], earlier: dict[str, int], kind: str) -> int:
    """By how much a kind grew, without what held nothing."""
    return row[kind] - earlier[kind] - (row["empty"] - earlier["empty"])

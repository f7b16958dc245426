"""Which organisations have work of a channel open, from the counters: what came to each less what
it answered and what was withdrawn.
"""

from __future__ import annotations

from collections import Counter

from exchange.ports import Ledger
from exchange.ports.caseworkers import OpenWork


async def open_work(ledger: Ledger, declared: OpenWork) -> list[tuple[str, int]]:
    """Organisations by their ids and how much each has open, the most first."""
    opened: Counter[str] = Counter()
    for (name, sender, receiver, kind), count, *_ in await ledger.totals(
        ("message_type", "sender", "receiver", "kind"), daily=True
    ):
        if kind == "queued" and name == declared.opened:
            opened[receiver] += count
        elif kind == "queued" and name == declared.withdrawn:
            opened[receiver] -= count
        elif kind == "accepted" and name == declared.answered:
            opened[sender] -= count
    return [(name, count) for name, count in opened.most_common() if count > 0]

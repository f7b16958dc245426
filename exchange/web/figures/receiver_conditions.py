"""What an operator is told of each receiver that is not simply up: failing, paused, full, or with
deliveries held up behind dead letters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from exchange.journey.waiting import Waiting
from exchange.ports.dead_letters import DeadLetters, HeldUp
from exchange.ports.receiver_states import Receivers, ReceiverState, State
from exchange.schemas.directory import Directory
from exchange.schemas.instants import instant_or_none

#: What is held up is counted at most so often, in seconds, and in at most a tenth of the time.
HELD_UP_SECONDS = 5.0
COST_FACTOR = 9


@dataclass(frozen=True, slots=True)
class Condition:
    """A receiver: its state since when and why, the probes of this outage that failed, and when the
    next one is due; how many deliveries wait for it, whether it takes no more, how many of them
    are held up behind dead letters, and when the oldest of these was received. Times are in
    milliseconds, 0 for none.
    """

    receiver: str
    name: str
    state: State = "up"
    since: int = 0
    reason: str = ""
    failures: int = 0
    next_probe_at: int = 0
    probes: int = 0
    outages: int = 0
    waiting: int = 0
    full: bool = False
    held_up: int = 0
    held_up_oldest_at: int = 0

    @property
    def needs_attention(self) -> bool:
        """Whether anything is the matter with it now."""
        return self.state != "up" or self.full or bool(self.held_up)

    def as_dict(self) -> dict[str, object]:
        """As JSON; times as RFC 3339 writes them, null for none."""
        times = ("since", "next_probe_at", "held_up_oldest_at")
        return asdict(self) | {name: instant_or_none(getattr(self, name)) for name in times}


@dataclass(slots=True)
class Conditions:
    """Looks at states, waiting deliveries and dead letters."""

    states: Receivers
    dead_letters: DeadLetters
    directory: Directory
    limit: Waiting
    _held_up: Mapping[str, HeldUp] = field(default_factory=dict)
    _fresh_until: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def all(self) -> Sequence[Condition]:
        """Every receiver that is, or ever was, failing or paused, that is full, or for which
        deliveries are held up; by id. All others are up.
        """
        states = {each.receiver: each for each in await self.states.all()}
        full = self.limit.full()
        held_up = await self.held_up()
        return [
            self._condition(receiver, states.get(receiver), receiver in full, held_up)
            for receiver in sorted({*states, *full, *held_up})
        ]

    async def held_up(self) -> Mapping[str, HeldUp]:
        """What waits behind dead letters, by receiver, as of some seconds ago."""
        async with self._lock:
            loop = asyncio.get_running_loop()
            began = loop.time()
            if began >= self._fresh_until:
                self._held_up = await self.dead_letters.held_up()
                cost_seconds = loop.time() - began
                self._fresh_until = began + max(HELD_UP_SECONDS, cost_seconds * (COST_FACTOR + 1))
            return self._held_up

    def _condition(
        self,
        receiver: str,
        state: ReceiverState | None,
        full: bool,
        held_up: Mapping[str, HeldUp],
    ) -> Condition:
        partner, held = self.directory.get(receiver), held_up.get(receiver, HeldUp(0, 0))
        told = {} if state is None else state._asdict()
        return Condition(
            **{"receiver": receiver, **told},
            name=partner.name if partner is not None else receiver,
            waiting=self.limit.amount(receiver).deliveries,
            full=full,
            held_up=held.deliveries,
            held_up_oldest_at=held.oldest_at,
        )

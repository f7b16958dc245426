"""Lanes that a node leases from the ledger: renewed in time, shared evenly with the nodes that come
and go, and nobody's any more, by this machine's own clock, before another node can have them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import structlog

from exchange.errors import LedgerClosed, LedgerError
from exchange.journey.repeat import Repeated
from exchange.ports.lanes import (
    KEEPER,
    LANES,
    NOBODY,
    Duties,
    Leases,
    Standing,
    Wakes,
    lane_of,
)

log = structlog.get_logger(__name__)

#: How long a lease lasts by the ledger's clock; how much sooner it has ended here, so that clocks
#: of different speeds do no harm; how often it is renewed.
LEASE_SECONDS, MARGIN_SECONDS, RENEW_SECONDS = 8.0, 1.0, 2.0
#: How often it is looked whether the lease has ended.
LOOK_SECONDS = 0.25

_NONE: frozenset[int] = frozenset()


def seconds_since_boot() -> float:
    """A clock that goes on while the process is stopped, and while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Making(Protocol):
    """What makes deliveries (the dispatcher)."""

    def lanes_out(self) -> Collection[int]:
        """The lanes of the deliveries that are being made."""
        ...

    def lanes_changed(self, kept: Collection[int], given: Collection[int]) -> None:
        """Take up lanes that are new; go on with those that are `kept`, let go of all others, and
        make what is out of those to be `given` back to its end.
        """
        ...


class LeasedLanes:
    """The lanes of one node of several. A lane that others are to have is given back when no
    delivery of it is out any more.
    """

    def __init__(
        self,
        leases: Leases,
        duties: Duties,
        wakes: Wakes | None,
        now: Callable[[], float] = seconds_since_boot,
    ) -> None:
        self.wakes = wakes
        self._leases = leases
        self._duties = duties
        self._now = now
        #: As of the last renewal, and until when that holds.
        self._standing = Standing(_NONE, {}, 0, unbroken=False)
        self._own = self._given = _NONE
        self._places: Sequence[int] = range(LANES)
        self._until = self._renew_at = 0.0
        #: The lanes that the dispatcher was told of last, and those of them that nobody else has
        #: had since.
        self._told = self._ours = _NONE
        self._making: Making
        self._looking: Repeated | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def start(self, making: Making) -> None:
        """Take the first leases and begin to renew them."""
        self._making = making
        await self._renew()
        self._looking = Repeated("lanes", self._look, LOOK_SECONDS, asyncio.sleep)
        self._looking.start()

    async def stop(self) -> None:
        """Hand everything back, once nothing is made any more."""
        if self._looking is None:
            return
        await self._looking.stop()
        self._looking = None
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
        self._until = 0.0
        try:
            await self._leases.hand_back()
        except LedgerError as error:
            log.warning("lanes not handed back: they are free when the lease ends", why=str(error))

    @property
    def worker(self) -> int:
        """This node's number."""
        return self._leases.node

    @property
    def keeps(self) -> bool:
        """Whether this node is the keeper."""
        return KEEPER in self._standing.own and self._now() < self._until

    def own(self) -> frozenset[int]:
        """The lanes of this node, while its lease lasts."""
        return self._own if self._now() < self._until else _NONE

    def may_make(self, lane: int) -> bool:
        """Whether the lane is this node's still."""
        return lane in self._own and self._now() < self._until

    def takers(self) -> Sequence[int]:
        """The same lanes."""
        return sorted(self.own())

    def callers(self) -> Sequence[int]:
        """This node alone: another one of its number can't live."""
        return (self.worker,)

    def place(self, receiver: str, channel: str, message_id: int) -> int:
        """A lane of this node's own, so that what it took in need not be fetched; any lane where
        it has none.
        """
        return self._places[lane_of(receiver, channel, str(message_id)) % len(self._places)]

    def owner(self, lane: int) -> int:
        """The node that owned a lane by the last renewal."""
        if self.may_make(lane):
            return self.worker
        owner = self._standing.owners.get(lane, NOBODY)
        return NOBODY if owner == self.worker else owner

    async def _look(self) -> None:
        if (self._renewal is None or self._renewal.done()) and self._now() >= self._renew_at:
            # By itself: a ledger that does not answer must not keep the end of a lease from being
            # seen.
            self._renewal = asyncio.create_task(self._renew())
        self._tell()

    async def _renew(self) -> None:
        began = self._now()
        self._renew_at = began + RENEW_SECONDS
        given = self._given - set(self._making.lanes_out())
        try:
            found = await self._leases.renew(self._duties, int(LEASE_SECONDS * 1000), given)
        except LedgerClosed:
            return
        except LedgerError as error:
            log.warning("lease not renewed", why=str(error))
            return
        lanes = sorted(found.own - {KEEPER})
        self._given = frozenset(lanes[found.share :])
        self._own = frozenset(lanes[: found.share])
        self._places = lanes[: found.share] or range(LANES)
        self._standing = found
        # (The ledger's clock was read after `began`.)
        self._until = began + LEASE_SECONDS - MARGIN_SECONDS
        if not found.unbroken:
            # Another node may have had them meanwhile, and have given them back.
            self._told = self._ours = _NONE
        self._tell()

    def _tell(self) -> None:
        """Tell the dispatcher when lanes were gained or lost."""
        own = self.own()
        if own != self._told:
            given = self._given if own else _NONE
            if lost := len(self._ours - own - given):
                log.warning("lanes lost: their calls are broken off", lanes=lost)
            kept = own & self._ours
            self._told, self._ours = own, own | given
            self._making.lanes_changed(kept, given)

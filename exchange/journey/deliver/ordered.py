"""Brings ordered deliveries to the dispatcher: those of the lanes that this worker owns, each
receiver's in the order of their positions, whichever worker took their messages in.

What is brought is read from the ledger, never taken as it is offered: an earlier message of the
conversation may have been taken in by another worker. Positions are given inside the commit, so
whoever sees one in the ledger sees all before it. An offer and a wake only say when to read, and an
offer saves reading the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from exchange.errors import LedgerClosed, LedgerUnavailable
from exchange.journey.deliver.fetching import Fetching
from exchange.ports import Delivery
from exchange.ports.lanes import NOBODY
from exchange.ports.ledger import Place

log = structlog.get_logger(__name__)

#: Deliveries looked at, and bodies read, at once.
PAGE_DELIVERIES = 100
#: Rows that may be read again for each poll, on the whole: another worker may have a long queue.
ROWS_A_POLL = 10_000
#: Before every delivery; after every position.
_BEGIN, _END = Place(0, 0), 1 << 62


class Ordered:
    """Follows the ledger. Of each receiver it knows the place up to which everything is held or
    has ended; what there is no room for stays behind that place.
    """

    def __init__(self, fetching: Fetching) -> None:
        self._ledger = fetching.ledger
        self._clock = fetching.clock
        self._memory = fetching.memory
        self._delivery_of = fetching.delivery_of
        self._lanes = fetching.lanes
        self._poll_seconds = fetching.bounds.poll_seconds
        self._last: dict[str, Place] = {}
        #: Receivers that the memory had no room for.
        self._behind: dict[str, None] = {}
        #: Receivers to be read for, and up to which position.
        self._woken: dict[str, int] = {}
        #: Deliveries as they were taken in, by receiver and id.
        self._at_hand: dict[str, dict[int, Delivery]] = {}
        #: Lanes of each receiver in which something is held, by a dead letter before it.
        self._holding: dict[str, set[int]] = {}
        self._due = asyncio.Event()
        self._polling = False
        #: Polls until everything that waits is looked at again, and rows read since the last one.
        self._polls_left = 0
        self._rows = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to follow."""
        for run, name in ((self._follow(), "ordered-follow"), (self._poll(), "ordered-poll")):
            self._tasks.append(asyncio.create_task(run, name=name))

    async def stop(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def offer(self, delivery: Delivery) -> None:
        """Tell the owner of its lane that a delivery was committed."""
        receiver, owner = delivery.receiver.id, self._lanes.owner(delivery.lane)
        if owner != self._lanes.worker:
            if self._lanes.wakes is not None and owner != NOBODY:
                self._lanes.wakes.wake(owner, receiver)
            return
        if receiver not in self._behind:
            self._at_hand.setdefault(receiver, {})[delivery.id] = delivery
        # What was committed after it is offered soon, and need not be read from the ledger.
        self.wake(receiver, delivery.envelope.position)

    def wake(self, receiver: str, until: int = _END) -> None:
        """There may be something new for a receiver."""
        self._woken[receiver] = max(until, self._woken.get(receiver, 0))
        self._due.set()

    def hold(self, dead: Delivery) -> None:
        """A delivery died: what follows it in its conversation is held in the ledger."""
        self._holding.setdefault(dead.receiver.id, set()).add(dead.lane)

    def begin_again(self) -> None:
        """Lanes were gained, or what was held of them was let go: what waits is all looked at
        again.
        """
        self._last.clear()
        self._at_hand.clear()
        self._polling = True
        self._due.set()

    def made_room(self, receiver: str, much: bool) -> None:
        """The memory holds less for a receiver, or, when `much` is true, for all."""
        if much or receiver in self._behind:
            for each in list(self._behind) if much else [receiver]:
                self.wake(each)

    async def _poll(self) -> None:
        """What nobody told of (a wake was lost, a dead letter was sent again, another worker has
        no way to tell) is found by looking at all that waits.
        """
        while True:
            self._polling = True
            self._due.set()
            await self._clock.sleep(self._poll_seconds)

    async def _follow(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._read_all()
            except LedgerClosed:
                return
            except LedgerUnavailable as error:
                log.warning("ordered deliveries not fetched", why=str(error))
            except Exception:  # whatever ails the ledger, the next poll reads everything again
                log.exception("ordered deliveries not fetched")

    async def _read_all(self) -> None:
        woken, self._woken = self._woken, {}
        polling, self._polling = self._polling, False
        again = polling and not self._polls_left
        if polling:
            for receiver in await self._ledger.ordered_receivers():
                woken[receiver] = _END
                if again:
                    self._last.pop(receiver, None)
            self._polls_left = max(0, self._polls_left - 1)
            self._rows = 0
        for receiver, until in woken.items():
            await self._read(receiver, until)
        if again:
            self._polls_left = self._rows // ROWS_A_POLL

    async def _read(self, receiver: str, until: int) -> None:
        """Hold what is new for a receiver, as far as there is room."""
        at_hand, own = self._at_hand.pop(receiver, {}), self._lanes.own()
        holding = self._holding.get(receiver, set())
        if self._last.get(receiver) is None:
            holding.clear()
        again = False
        while room := self._memory.room(receiver):
            places = await self._ledger.ordered(
                receiver, self._last.get(receiver, _BEGIN), until, PAGE_DELIVERIES
            )
            self._rows += len(places)
            if not again and any(each.lane in holding and not each.held for each in places):
                # It may be held no more, and what stands before it is not in memory. (Or it is of
                # another conversation of that lane.)
                again = True
                holding.clear()
                self._last.pop(receiver, None)
                continue
            held = {each.lane for each in places if each.held and each.lane in own}
            if held:
                self._holding.setdefault(receiver, set()).update(held)
            new = [
                each
                for each in places
                if each.lane in own and not (each.held or self._memory.holds(each.delivery_id))
            ]
            found = await self._found(new[:room], at_hand)
            for place in new[:room]:
                # What is not found any more has ended meanwhile.
                taken = found.get(place.delivery_id)
                if taken is not None and not self._memory.take(*taken):
                    self._behind[receiver] = None
                    return
                self._last[receiver] = place
            if len(new) <= room:
                if places:
                    self._last[receiver] = places[-1]
                if len(places) < PAGE_DELIVERIES:
                    if until == _END:
                        self._behind.pop(receiver, None)
                    return
                await asyncio.sleep(0)
        self._behind[receiver] = None

    async def _found(
        self, places: Sequence[Place], at_hand: Mapping[int, Delivery]
    ) -> dict[int, tuple[Delivery, int]]:
        """The deliveries at some places that still wait, and before when not to make them."""
        found = {
            each.delivery_id: (at_hand[each.delivery_id], 0)
            for each in places
            if each.delivery_id in at_hand
        }
        missing = [each.delivery_id for each in places if each.delivery_id not in found]
        if missing:
            for pending in await self._ledger.pending(missing):
                row = pending.delivery
                found[row.id] = (self._delivery_of(pending), row.next_at)
        return found

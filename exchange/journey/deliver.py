"""The second half of the way: takes waiting deliveries, makes them, settles them; a receiver that
fails harms no other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import structlog

from exchange.errors import LedgerClosed, LedgerError
from exchange.journey.attempt import Attempts, delivery_of
from exchange.ports import Clock, Delivery, Ledger
from exchange.ports.ledger import Due, Pending
from exchange.schemas.directory import Directory

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Lane:
    """The deliveries to one receiver (or of one ordered conversation), and how many are
    being made.
    """

    limit: int
    ordered: bool = False
    waiting: deque[Delivery] = field(default_factory=deque)
    active: int = 0
    #: An ordered lane stands still while its first delivery waits for its next attempt.
    paused: bool = False


@dataclass(slots=True)
class Share:
    """What one receiver has of the memory: deliveries and bytes of their bodies."""

    deliveries: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a dispatcher holds and does at most; units as in `settings.Deliveries`."""

    concurrent_max: int = 64
    concurrent_receiver_max: int = 16
    ready_max: int = 4096
    ready_bytes_max: int = 33_554_432
    poll_seconds: float = 1.0
    backoff_seconds_max: float = 3600.0


class Dispatcher:
    """Keeps a bounded part of the durable queue in memory; what doesn't fit is fetched from the
    ledger when there is room.
    """

    def __init__(
        self,
        ledger: Ledger,
        attempts: Attempts,
        directory: Directory,
        clock: Clock,
        bounds: Bounds,
        lanes: Sequence[int] = (),
    ) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._directory = directory
        self._clock = clock
        self._bounds = bounds
        self._own_lanes = lanes
        self._lanes: dict[str, Lane] = {}
        #: Lanes that could go on if the dispatcher had a slot for them, the one that has waited
        #: longest first.
        self._starved: dict[str, Lane] = {}
        self._held: dict[int, int] = {}
        self._held_bytes = 0
        self._shares: dict[str, Share] = {}
        self._active = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._pauses: set[asyncio.Task[None]] = set()
        self._feeder: asyncio.Task[None] | None = None
        self._hungry = asyncio.Event()
        self._closing = False
        #: Whether the ledger may hold deliveries of ours that are not in memory: ordered ones then
        #: come by the feed only.
        self._behind = True
        #: When the feed looked last; the end of time, so that its first look is one after a step.
        self._looked_at = 1 << 62

    def start(self) -> None:
        """Begin to fetch what waits in the ledger."""
        self._feeder = asyncio.create_task(self._feed(), name="dispatcher-feed")

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """Let the deliveries that are being made end (within the grace), leave the others waiting
        in the ledger.
        """
        self._closing = True
        if self._feeder is not None:
            self._feeder.cancel()
            await asyncio.gather(self._feeder, return_exceptions=True)
        for pause in self._pauses:
            pause.cancel()
        await asyncio.gather(*self._pauses, return_exceptions=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def held(self) -> int:
        """Deliveries in memory, being made or ready."""
        return len(self._held)

    def offer(self, delivery: Delivery, fed: bool = False) -> bool:
        """Take a committed delivery for making it soon; False when there is no room (the feed will
        find it later).

        `fed` marks what the feed brings, in the ledger's order.
        """
        size = len(delivery.body)
        if (
            self._closing
            or delivery.id in self._held
            or not self._has_room(delivery.receiver.id, size)
            or (delivery.ordered and self._behind and not fed)
        ):
            self._behind = True
            return False
        self._hold(delivery, size)
        key, limit = delivery.receiver.id, self._bounds.concurrent_receiver_max
        if delivery.ordered:
            key, limit = f"{key} {delivery.envelope.channel} {delivery.envelope.conversation}", 1
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(limit, delivery.ordered)
        lane.waiting.append(delivery)
        self._pump(key, lane)
        return True

    def _has_room(self, receiver: str, size: int) -> bool:
        """Whether one more delivery fits. A receiver may hold as much as is still free for all, so
        that however many of them are slow, there is room left for the others.
        """
        bounds = self._bounds
        free, free_bytes = (
            bounds.ready_max - len(self._held),
            bounds.ready_bytes_max - self._held_bytes,
        )
        share = self._shares.get(receiver)
        if share is None:
            return free > 0 and (size <= free_bytes or not self._held)
        return share.deliveries < free and share.bytes + size <= free_bytes

    def _hold(self, delivery: Delivery, size: int) -> None:
        self._held[delivery.id] = size
        self._held_bytes += size
        share = self._shares.setdefault(delivery.receiver.id, Share())
        share.deliveries += 1
        share.bytes += size

    def _let_go(self, delivery: Delivery) -> None:
        size = self._held.pop(delivery.id)
        self._held_bytes -= size
        share = self._shares[delivery.receiver.id]
        share.deliveries -= 1
        share.bytes -= size
        if not share.deliveries:
            del self._shares[delivery.receiver.id]

    def _pump(self, key: str, lane: Lane) -> None:
        """Start what the lane and the whole dispatcher have room for."""
        most = self._bounds.concurrent_max
        while (
            lane.waiting
            and lane.active < lane.limit
            and self._active < most
            and not (self._closing or lane.paused)
        ):
            delivery = lane.waiting.popleft()
            lane.active += 1
            self._active += 1
            self._tasks.add(asyncio.create_task(self._make(key, lane, delivery)))
        if lane.waiting and lane.active < lane.limit and not (self._closing or lane.paused):
            self._starved[key] = lane
        else:
            self._starved.pop(key, None)

    async def _make(self, key: str, lane: Lane, delivery: Delivery) -> None:
        """Make deliveries of this lane until it has none left, or others wait for the slot."""
        try:
            while True:
                again_at = 0
                try:
                    again_at = await self._attempts.make(delivery)
                except LedgerClosed:
                    return
                except LedgerError as error:
                    # It still waits in the ledger; what follows it in order must not overtake it.
                    log.error("delivery not settled", delivery=delivery.id, error=str(error))
                    again_at = self._clock.now() + int(self._bounds.poll_seconds * 1000)
                finally:
                    if not (again_at and lane.ordered):
                        self._let_go(delivery)
                if again_at and lane.ordered:
                    self._pause(key, lane, delivery, again_at)
                    return
                if self._closing or self._starved or not lane.waiting:
                    return
                delivery = lane.waiting.popleft()
        finally:
            # Here and not in a callback, which would be a turn of the loop for each delivery.
            self._tasks.discard(cast("asyncio.Task[None]", asyncio.current_task()))
            lane.active -= 1
            self._active -= 1
            if not lane.waiting and not lane.active:
                self._lanes.pop(key, None)
            # A lane that could go on goes to the end of those that wait for a slot.
            self._starved.pop(key, None)
            if lane.waiting:
                self._starved[key] = lane
            self._pump_starved()
            if len(self._held) <= self._bounds.ready_max // 2 or (
                self._behind and not lane.waiting
            ):
                self._hungry.set()

    def _pause(self, key: str, lane: Lane, delivery: Delivery, again_at: int) -> None:
        """Put an ordered delivery back in front of its followers, and go on with it when it
        is due.
        """
        lane.paused = True
        lane.waiting.appendleft(delivery)

        async def resume() -> None:
            await self._clock.sleep(max(0, again_at - self._clock.now()) / 1000)
            lane.paused = False
            self._pump(key, lane)

        pause = asyncio.create_task(resume())
        self._pauses.add(pause)
        pause.add_done_callback(self._pauses.discard)

    def _pump_starved(self) -> None:
        """Give free slots to the lanes that have waited longest."""
        while self._starved and self._active < self._bounds.concurrent_max:
            key = next(iter(self._starved))
            self._pump(key, self._starved.pop(key))

    async def _feed(self) -> None:
        """Fetch deliveries that have come due (retries, leftovers of a crash, what did not fit into
        memory).
        """
        while True:
            fetched = 0
            try:
                fetched = await self._fetch()
            except LedgerClosed:
                return
            except (
                Exception
            ):  # whatever ails the ledger, what waits there must be taken up again once it is well
                log.exception("deliveries not fetched")
            self._hungry.clear()
            if fetched and len(self._held) < self._bounds.ready_max // 2:
                await asyncio.sleep(0)
                continue
            await self._wait()

    async def _follow_clock(self) -> None:
        """Let nothing wait for a time that lies further ahead than any backoff: the clock has
        stepped back, here or while nobody ran.
        """
        now = self._clock.now()
        if now < self._looked_at:
            await self._ledger.hasten(now, now + int(self._bounds.backoff_seconds_max * 1000))
        self._looked_at = now

    async def _fetch(self) -> int:
        """Offer what is due, as far as there is room, but to receivers that hold their share
        already; how many were taken.
        """
        await self._follow_clock()
        room = self._bounds.ready_max - len(self._held)
        if room <= self._bounds.ready_max // 64:
            return 0
        full = [receiver for receiver, share in self._shares.items() if share.deliveries >= room]
        due = await self._ledger.waiting(
            self._own_lanes, self._clock.now(), self._bounds.ready_max + room, without=full
        )
        wanted = [each for each in due if each.id not in self._held]
        fitting = self._fitting(wanted)
        self._behind = len(wanted) > len(fitting) or bool(full)
        fetched = 0
        refused: set[str] = set()
        for start in range(0, len(fitting), 100):
            for pending in await self._ledger.pending(fitting[start : start + 100]):
                conversation = f"{pending.delivery.receiver} {pending.message.channel} {pending.message.conversation}"
                if pending.delivery.ordered and conversation in refused:
                    # There may be room by now, but the one before it was left out.
                    continue
                if self._offer_pending(pending):
                    fetched += 1
                else:
                    refused.add(conversation)
        return fetched

    def _fitting(self, due: Sequence[Due]) -> list[int]:
        """The ids of those that there is room for, so that no body is read in vain. Once a receiver
        has no room, none of what follows fits: an order is kept.
        """
        free = self._bounds.ready_max - len(self._held)
        shares = {receiver: share.deliveries for receiver, share in self._shares.items()}
        fitting = []
        for each in due:
            share = shares.get(each.receiver, 0)
            if share < free:
                fitting.append(each.id)
                shares[each.receiver] = share + 1
                free -= 1
        return fitting

    async def _wait(self) -> None:
        """Sleep until the next poll, or until there is room again."""
        sleep = asyncio.ensure_future(self._clock.sleep(self._bounds.poll_seconds))
        hungry = asyncio.ensure_future(self._hungry.wait())
        try:
            await asyncio.wait({sleep, hungry}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            hungry.cancel()

    def _offer_pending(self, pending: Pending) -> bool:
        return self.offer(delivery_of(pending, self._directory), fed=True)

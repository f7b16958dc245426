"""The second half of the way: takes waiting deliveries, makes them, settles them; a receiver that
fails harms no other. Where ordered ones come from is told in `ordered`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import structlog

from exchange.errors import LedgerClosed, LedgerUnavailable
from exchange.journey.attempt import Attempts, delivery_of
from exchange.journey.ordered import Ordered
from exchange.ports import Clock, Delivery, Ledger
from exchange.ports.lanes import Lanes
from exchange.ports.ledger import Due
from exchange.schemas.directory import Directory

log = structlog.get_logger(__name__)

#: How often at least a ledger that said no is asked whether it can be written again.
REFUSED_SECONDS = 0.5


@dataclass(slots=True)
class Queue:
    """The deliveries to one receiver (or of one ordered conversation), and how many are
    being made.
    """

    limit: int
    ordered: bool = False
    waiting: deque[Delivery] = field(default_factory=deque)
    active: int = 0
    #: An ordered queue stands still while its first delivery waits for its next attempt.
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
        lanes: Lanes,
    ) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._directory = directory
        self._clock = clock
        self._bounds = bounds
        self._lanes = lanes
        self._queues: dict[str, Queue] = {}
        #: Queues that could go on if the dispatcher had a slot for them, the one that has waited
        #: longest first.
        self._starved: dict[str, Queue] = {}
        self._held: dict[int, int] = {}
        self._held_bytes = 0
        self._shares: dict[str, Share] = {}
        self._active = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._pauses: set[asyncio.Task[None]] = set()
        self._feeder: asyncio.Task[None] | None = None
        self._hungry = asyncio.Event()
        self._closing = False
        #: Whether the ledger may hold unordered deliveries of ours that are not in memory.
        self._behind = True
        self._ordered = Ordered(
            ledger,
            clock,
            self,
            partial(delivery_of, directory=directory),
            lanes,
            bounds.poll_seconds,
        )
        #: When the feed looked last; the end of time, so that its first look is one after a step.
        self._looked_at = 1 << 62

    def start(self) -> None:
        """Begin to fetch what waits in the ledger."""
        self._feeder = asyncio.create_task(self._feed(), name="dispatcher-feed")
        self._ordered.start()

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """Let the deliveries that are being made end (within the grace), leave the others waiting
        in the ledger.
        """
        self._closing = True
        await self._ordered.stop()
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

    def offer(self, delivery: Delivery, lane: int) -> None:
        """Say that a delivery of that lane was committed. It is made soon, or when there is room
        for it; an ordered one by the worker that owns the lane.
        """
        if delivery.ordered:
            self._ordered.offer(delivery, lane)
        elif not self.take(delivery):
            self._behind = True

    def take(self, delivery: Delivery, not_before: int = 0) -> bool:
        """Take a committed delivery for making it soon; False when there is no room.

        An ordered one comes after those of its conversation that are held; when there are none, it
        is made at `not_before` (milliseconds) at the earliest.
        """
        size = len(delivery.body)
        if self._closing or not self._has_room(delivery.receiver.id, size):
            return False
        if delivery.id in self._held:
            return True
        self._hold(delivery, size)
        key, limit = delivery.receiver.id, self._bounds.concurrent_receiver_max
        if delivery.ordered:
            key, limit = f"{key} {delivery.envelope.channel} {delivery.envelope.conversation}", 1
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = Queue(limit, delivery.ordered)
            if delivery.ordered and not_before > self._clock.now():
                self._pause(key, queue, delivery, not_before)
                return True
        queue.waiting.append(delivery)
        self._pump(key, queue)
        return True

    def holds(self, delivery_id: int) -> bool:
        """Whether that delivery is in memory."""
        return delivery_id in self._held

    def room(self, receiver: str) -> int:
        """How many more deliveries to a receiver fit (see `_has_room`), but for their bytes."""
        share = self._shares.get(receiver)
        free = self._bounds.ready_max - len(self._held)
        return max(0, (free - (share.deliveries if share is not None else 0) + 1) // 2)

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

    def _pump(self, key: str, queue: Queue) -> None:
        """Start what the queue and the whole dispatcher have room for."""
        most = self._bounds.concurrent_max
        while (
            queue.waiting
            and queue.active < queue.limit
            and self._active < most
            and not (self._closing or queue.paused or self._ledger.refusal)
        ):
            delivery = queue.waiting.popleft()
            queue.active += 1
            self._active += 1
            self._tasks.add(asyncio.create_task(self._make(key, queue, delivery)))
        if queue.waiting and queue.active < queue.limit and not (self._closing or queue.paused):
            self._starved[key] = queue
            if self._ledger.refusal:
                # The feed finds out when all can go on.
                self._hungry.set()
        else:
            self._starved.pop(key, None)

    async def _make(self, key: str, queue: Queue, delivery: Delivery) -> None:
        """Make deliveries of this queue until it has none left, or others wait for the slot."""
        try:
            while True:
                again_at = 0
                try:
                    again_at = await self._attempts.make(delivery)
                except LedgerClosed:
                    return
                finally:
                    if not (again_at and queue.ordered):
                        self._let_go(delivery)
                if again_at and queue.ordered:
                    self._pause(key, queue, delivery, again_at)
                    return
                if self._closing or self._starved or not queue.waiting or self._ledger.refusal:
                    return
                delivery = queue.waiting.popleft()
        finally:
            # Here and not in a callback, which would be a turn of the loop for each delivery.
            self._tasks.discard(cast("asyncio.Task[None]", asyncio.current_task()))
            queue.active -= 1
            self._active -= 1
            if not queue.waiting and not queue.active:
                self._queues.pop(key, None)
            # A queue that could go on goes to the end of those that wait for a slot.
            self._starved.pop(key, None)
            if queue.waiting:
                self._starved[key] = queue
            self._pump_starved()
            self._made_room(delivery.receiver.id, not queue.waiting)

    def _made_room(self, receiver: str, ended: bool) -> None:
        """Fetch more where something was left out: when half of the memory is free, or `ended`
        says that a queue is empty.
        """
        much = len(self._held) <= self._bounds.ready_max // 2
        if self._behind and (much or ended):
            self._hungry.set()
        share = self._shares.get(receiver)
        if much or share is None or share.deliveries <= self.room(receiver):
            self._ordered.made_room(receiver, much)

    def _pause(self, key: str, queue: Queue, delivery: Delivery, again_at: int) -> None:
        """Put an ordered delivery back in front of its followers, and go on with it when it
        is due.
        """
        queue.paused = True
        queue.waiting.appendleft(delivery)

        async def resume() -> None:
            await self._clock.sleep(max(0, again_at - self._clock.now()) / 1000)
            queue.paused = False
            self._pump(key, queue)

        pause = asyncio.create_task(resume())
        self._pauses.add(pause)
        pause.add_done_callback(self._pauses.discard)

    def _pump_starved(self) -> None:
        """Give free slots to the queues that have waited longest."""
        while (
            self._starved
            and self._active < self._bounds.concurrent_max
            and not (self._closing or self._ledger.refusal)
        ):
            key = next(iter(self._starved))
            self._pump(key, self._starved.pop(key))

    async def _feed(self) -> None:
        """Fetch deliveries that have come due (retries, leftovers of a crash, what did not fit into
        memory).
        """
        while True:
            fetched = 0
            try:
                if self._ledger.refusal and await self._ledger.check():
                    await self._clock.sleep(min(self._bounds.poll_seconds, REFUSED_SECONDS))
                    continue
                self._pump_starved()
                fetched = await self._fetch()
            except LedgerClosed:
                return
            except LedgerUnavailable as error:
                log.warning("deliveries not fetched", why=str(error))
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
        most = self._bounds.ready_max + room
        due = await self._ledger.waiting(
            self._lanes.takers(), self._clock.now(), most, without=full
        )
        wanted = [each for each in due if each.id not in self._held]
        fitting = self._fitting(wanted)
        self._behind = len(wanted) > len(fitting) or len(due) == most or bool(full)
        fetched = 0
        for start in range(0, len(fitting), 100):
            for pending in await self._ledger.pending(fitting[start : start + 100]):
                if self.take(delivery_of(pending, self._directory)):
                    fetched += 1
                else:
                    self._behind = True
        return fetched

    def _fitting(self, due: Sequence[Due]) -> list[int]:
        """The ids of those that there is room for, so that no body is read in vain."""
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

"""The second half of the way: takes waiting deliveries, makes them, settles them; a receiver that
fails harms no other. Where they come from is told in `feed` and `ordered`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from typing import cast

from exchange.errors import LedgerClosed
from exchange.journey.deliver.attempt import Attempts, delivery_of
from exchange.journey.deliver.circuit_breaker import Receivers
from exchange.journey.deliver.feed import Feed
from exchange.journey.deliver.fetching import Fetching
from exchange.journey.deliver.ordered import Ordered
from exchange.journey.deliver.queues import Bounds, Held, Queue
from exchange.ports import Attempted, Clock, Delivered, Delivery, Ledger
from exchange.ports.lanes import NOBODY, Lanes
from exchange.schemas.directory import Directory


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
        receivers: Receivers,
    ) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._clock = clock
        self._bounds = bounds
        self._lanes = lanes
        self._receivers = receivers
        self._queues: dict[str, Queue] = {}
        #: Queues that could go on if the dispatcher had a slot for them, the one that has waited
        #: longest first.
        self._starved: dict[str, Queue] = {}
        self._held = Held(bounds)
        self._active = 0
        #: What makes deliveries of a queue, and the one that it makes just now.
        self._tasks: dict[asyncio.Task[None], Delivery] = {}
        self._pauses: set[asyncio.Task[None]] = set()
        self._closing = False
        #: When it was seen to the receivers last; the end of time, so that the first look does.
        self._attended_at = 1 << 62
        fetching = Fetching(
            ledger=ledger,
            clock=clock,
            memory=self,
            delivery_of=partial(delivery_of, directory=directory),
            lanes=lanes,
            bounds=bounds,
        )
        self._ordered = Ordered(fetching)
        self._feed = Feed(fetching, self._held, self._attend)

    def start(self) -> None:
        """Begin to fetch what waits in the ledger."""
        if self._lanes.wakes is not None:
            self._lanes.wakes.listen(self._lanes.worker, self._woken)
        self._feed.start()
        self._ordered.start()

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """Let the deliveries that are being made end (within the grace), leave the others waiting
        in the ledger.
        """
        if self._lanes.wakes is not None and not self._closing:
            self._lanes.wakes.stop(self._lanes.worker)
        self._closing = True
        await self._ordered.stop()
        await self._feed.stop()
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

    def offer(self, delivery: Delivery) -> None:
        """Say that a delivery was committed. It is made soon, or when there is room for it, by the
        worker that owns its lane.
        """
        if delivery.ordered:
            self._ordered.offer(delivery)
            return
        owner = self._lanes.owner(delivery.lane)
        if owner == self._lanes.worker:
            if not self.take(delivery):
                self._feed.behind = True
        elif owner != NOBODY and self._lanes.wakes is not None:
            self._lanes.wakes.wake(owner, "")

    def _woken(self, receiver: str) -> None:
        """Another worker committed something for this one."""
        if receiver:
            self._ordered.wake(receiver)
        else:
            self._feed.look()

    def lanes_out(self) -> set[int]:
        """The lanes of the deliveries that are being made."""
        return {delivery.lane for delivery in self._tasks.values()}

    def lanes_changed(self, kept: Collection[int], given: Collection[int]) -> None:
        """Take up what waits in lanes that are new, and let go of what is held of others than are
        `kept`: somebody else may have made it. A call of theirs that is out goes on to its end
        where the lane is to be `given` back, and is broken off where it is lost.
        """
        for key, queue in list(self._queues.items()):
            held = list(queue.waiting)
            queue.waiting.clear()
            for delivery in held:
                if delivery.lane in kept:
                    queue.waiting.append(delivery)
                else:
                    self._held.let_go(delivery)
            if not (queue.waiting or queue.active):
                self._drop(key, queue)
        for task, delivery in self._tasks.items():
            if delivery.lane not in kept and delivery.lane not in given:
                task.cancel()
        self._ordered.begin_again()
        self._feed.look()

    def take(self, delivery: Delivery, not_before: int = 0) -> bool:
        """Take a committed delivery for making it soon; False when there is no room.

        An ordered one comes after those of its conversation that are held; when there are none, it
        is made at `not_before` (milliseconds) at the earliest.
        """
        size = len(delivery.body)
        if self._closing or not self._held.has_room(delivery.receiver.id, size):
            return False
        if delivery.id in self._held:
            return True
        self._held.hold(delivery)
        key, limit = delivery.receiver.id, self._bounds.concurrent_receiver_max
        if delivery.ordered:
            key, limit = f"{key} {delivery.envelope.channel} {delivery.envelope.conversation}", 1
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = Queue(delivery.receiver.id, limit, delivery.ordered)
            # (What is to wait for longer than any backoff was put off before the clock stepped
            # back.)
            wait = not_before - self._clock.now()
            if delivery.ordered and 0 < wait <= self._bounds.backoff_seconds_max * 1000:
                self._pause(key, queue, delivery, not_before)
                return True
        queue.waiting.append(delivery)
        self._pump(key, queue)
        return True

    def holds(self, delivery_id: int) -> bool:
        """Whether that delivery is in memory."""
        return delivery_id in self._held

    def room(self, receiver: str) -> int:
        """How many more deliveries to a receiver fit, but for their bytes."""
        return self._held.room(receiver)

    def _pump(self, key: str, queue: Queue) -> None:
        """Start what the queue and the whole dispatcher have room for."""
        most = self._bounds.concurrent_max
        while (
            queue.waiting
            and queue.active < queue.limit
            and self._active < most
            and not (self._stands_still(queue) or self._ledger.refusal)
        ):
            self._begin(key, queue)
        if queue.waiting and queue.active < queue.limit and not self._stands_still(queue):
            self._starved[key] = queue
            if self._ledger.refusal:
                # The feed finds out when all can go on.
                self._feed.look()
        else:
            self._starved.pop(key, None)

    def _stands_still(self, queue: Queue) -> bool:
        """Whether nothing of it may be made just now, but for a probe of its receiver."""
        return self._closing or queue.paused or self._receivers.stopped(queue.receiver)

    def _begin(self, key: str, queue: Queue, probe: bool = False) -> None:
        delivery = self._next(queue)
        if delivery is None:
            if not queue.active:
                self._drop(key, queue)
            return
        queue.active += 1
        self._active += 1
        task = asyncio.create_task(self._make(key, queue, delivery, probe))
        self._tasks[task] = delivery

    def _next(self, queue: Queue) -> Delivery | None:
        """The next delivery of a queue; what is of a lane that was lost meanwhile is let go."""
        while queue.waiting:
            delivery = queue.waiting.popleft()
            if self._lanes.may_make(delivery.lane):
                return delivery
            self._held.let_go(delivery)
        return None

    def _drop(self, key: str, queue: Queue) -> None:
        """Forget a queue that holds nothing."""
        if self._queues.get(key) is queue:
            del self._queues[key]
            self._starved.pop(key, None)

    async def _make(self, key: str, queue: Queue, delivery: Delivery, probe: bool) -> None:
        """Make deliveries of this queue until it has none left, or others wait for the slot. Where
        calls go ahead (see `Bounds`) its receiver's slot is let go once one is delivered; the
        dispatcher's own is not, and bounds what may come twice.
        """
        task = cast("asyncio.Task[None]", asyncio.current_task())
        has_slot = True

        def answered(attempted: Attempted) -> None:
            nonlocal has_slot
            ahead = self._bounds.calls_ahead and not (queue.ordered or probe)
            if ahead and isinstance(attempted, Delivered):
                has_slot = False
                queue.active -= 1
                self._pump(key, queue)

        try:
            while True:
                try:
                    if await self._make_one(key, queue, delivery, probe, answered):
                        return
                except LedgerClosed:
                    return
                # (A queue whose first delivery died is empty now.)
                if self._starved or not queue.waiting or self._ledger.refusal:
                    return
                if self._stands_still(queue) or not (has_slot or queue.active < queue.limit):
                    return
                queue.active += not has_slot
                has_slot = True
                following = self._next(queue)
                if following is None:
                    return
                delivery, probe = following, False
                self._tasks[task] = delivery
        finally:
            # Here and not in a callback, which would be a turn of the loop for each delivery.
            self._tasks.pop(task, None)
            queue.active -= has_slot
            self._active -= 1
            if not queue.waiting and not queue.active:
                self._drop(key, queue)
            # A queue that could go on goes to the end of those that wait for a slot.
            self._starved.pop(key, None)
            if queue.waiting and not self._stands_still(queue):
                self._starved[key] = queue
            self._pump_starved()
            self._made_room(delivery.receiver.id, not queue.waiting)

    async def _make_one(
        self,
        key: str,
        queue: Queue,
        delivery: Delivery,
        probe: bool,
        answered: Callable[[Attempted], None],
    ) -> bool:
        """One attempt; whether the delivery is kept in the queue for another one."""
        kept = False
        try:
            made = await self._attempts.make(delivery, probe, answered)
            kept = bool(made.again_at) and (queue.ordered or made.unspent)
        finally:
            if not kept:
                self._held.let_go(delivery)
        if made.dead and queue.ordered:
            self._hold_followers(queue, delivery)
        elif made.unspent and kept:
            # The next probe is of another delivery, or of another conversation.
            (queue.waiting.appendleft if queue.ordered else queue.waiting.append)(delivery)
        elif kept:
            self._pause(key, queue, delivery, made.again_at)
        await self._receivers.told(queue.receiver, made.attempted, probe)
        if probe and not self._receivers.stopped(queue.receiver):
            self._go_on(queue.receiver)
        return kept

    def _hold_followers(self, queue: Queue, dead: Delivery) -> None:
        """Let go of what follows a dead letter in its conversation: the ledger holds it until the
        letter is sent again or skipped.
        """
        while queue.waiting:
            self._held.let_go(queue.waiting.popleft())
        self._ordered.hold(dead)

    async def _attend(self) -> None:
        """See to the receivers that fail or are paused: probe them, go on with those that are up
        again, give up what waited for them until its deadline. At a poll; not as often as another
        worker tells of deliveries.
        """
        self._pump_starved()
        now = self._clock.now()
        if 0 <= now - self._attended_at < self._bounds.poll_seconds * 1000:
            return
        self._attended_at = now
        for receiver in await self._receivers.look():
            self._go_on(receiver)
        for receiver in self._receivers.due():
            if self._candidate(receiver) and await self._receivers.claim(receiver):
                self._probe(receiver)
        for queue in list(self._queues.values()):
            if self._receivers.stopped(queue.receiver):
                await self._expire(queue)

    def _go_on(self, receiver: str) -> None:
        for key, queue in list(self._queues.items()):
            if queue.receiver == receiver:
                self._pump(key, queue)

    def _candidate(self, receiver: str) -> str:
        """The queue whose first delivery is to be the next probe: the one longest not probed."""
        for key, queue in self._queues.items():
            mine = queue.receiver == receiver and not (queue.active or queue.paused)
            if mine and queue.waiting:
                return key
        return ""

    def _probe(self, receiver: str) -> None:
        key = self._candidate(receiver)
        if key and not self._closing:
            queue = self._queues[key] = self._queues.pop(key)
            self._begin(key, queue, probe=True)

    async def _expire(self, queue: Queue) -> None:
        over = [each for each in list(queue.waiting) if await self._attempts.is_over(each)]
        for delivery in over[:1] if queue.ordered else over:
            if delivery not in queue.waiting or queue.active:
                continue
            queue.waiting.remove(delivery)
            await self._attempts.expire(delivery)
            self._held.let_go(delivery)
            if queue.ordered:
                self._hold_followers(queue, delivery)

    def _made_room(self, receiver: str, ended: bool) -> None:
        """Fetch more where something was left out: when half of the memory is free, or `ended`
        says that a queue is empty.
        """
        much = len(self._held) <= self._bounds.ready_max // 2
        if self._feed.behind and (much or ended):
            self._feed.look()
        if much or self._held.share(receiver) <= self.room(receiver):
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
            if self._queues.get(key) is queue:
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

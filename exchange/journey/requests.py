"""Calls of partners to the channels' endpoints: each leaves a message or, where it is none, a
count.

A call that is no message (a poll of a mailbox, an acknowledgement, a look at a state) changes no
message by being answered; what it hands out or ends is told by the delivery's own lease and events.
Its count is kept in memory for a second at most (see `repeat`), so that a million polls are a few
rows and not a million commits: that much of it is lost when the process is killed.
"""

from __future__ import annotations

from collections import Counter

from exchange.errors import LedgerError
from exchange.journey.count import request_count
from exchange.journey.repeat import Later
from exchange.ports import Channel, Clock, Desk, Endpoint, Ledger
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner

#: Status from which on a request counts as refused.
REFUSED_STATUS = 400

#: Channel, partner, endpoint, whether it was refused.
_Key = tuple[str, str, str, bool]


class Requests:
    """Has every call answered, and counts those that are no messages."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._calls: Counter[_Key] = Counter()
        self._bytes: Counter[_Key] = Counter()
        self._later = Later("requests", self.flush, self._calls_left, clock)

    async def serve(
        self, channel: Channel, endpoint: Endpoint, call: Call, partner: Partner, desk: Desk
    ) -> Reply:
        """The handler's reply. A call that is a message was recorded by its handler."""
        assert endpoint.handler is not None, "public endpoints are for nobody in particular"
        reply = await endpoint.handler(call, partner, desk)
        if not endpoint.takes_messages:
            self._count(channel, endpoint, partner, reply)
        return reply

    def _count(self, channel: Channel, endpoint: Endpoint, partner: Partner, reply: Reply) -> None:
        key = (channel.name, partner.id, endpoint.name, reply.status >= REFUSED_STATUS)
        self._calls[key] += 1
        self._bytes[key] += len(reply.body)
        self._later.begin()

    async def flush(self) -> None:
        """Commit what was counted.

        Raises:
            LedgerError: when the ledger takes nothing just now; it is kept.
        """
        calls, sizes = self._calls, self._bytes
        if not calls:
            return
        self._calls, self._bytes = Counter(), Counter()
        minute = self._clock.now() // 60_000
        counts = [request_count(minute, *key, calls[key], sizes[key]) for key in calls]
        try:
            await self._ledger.count(counts)
        except LedgerError:
            self._calls.update(calls)
            self._bytes.update(sizes)
            raise

    async def stop(self) -> None:
        """End, with everything committed that the ledger takes."""
        await self._later.stop()

    def _calls_left(self) -> int:
        return self._calls.total()

"""The order in which a sender's messages are taken in, over all workers that share a ledger: what
may refer to an earlier message waits for what came before it; and the order of those that must be
judged anew.

Messages of one sender are judged side by side, since waiting for each other they would be committed
one by one. Only what refers to something earlier depends on the order, so it alone waits. Within a
worker the order is that in which messages came; between workers it is that of rows in the ledger
(`Ledger.take_turn`), each there from when its message came until it is taken in or refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias, TypeVar
from weakref import WeakValueDictionary

import structlog

from exchange.errors import Full, LedgerError
from exchange.ports import Ledger
from exchange.ports.ledger import Record, Recorded

log = structlog.get_logger(__name__)

#: How often it is looked whether other workers are done, in seconds.
LOOK_SECONDS = 0.02
#: How long to wait for them: longer than a message is judged for. Who has not ended its turn by
#: then was killed, and did not begin again as the same node, which ends its turns.
WAIT_SECONDS = 60.0
#: How often a message is judged anew because another changed what the channel remembers at the same
#: moment.
STALE_MAX = 64


Judgement = TypeVar("Judgement")
#: What became of an accepted message in the ledger; None: it was not accepted.
Made: TypeAlias = tuple[Record, Recorded] | None
Judging: TypeAlias = Callable[[], Awaitable[tuple[Judgement, Made]]]


class Turns:
    """The turns of one worker; of a `ledger` that others write too, where one is given."""

    def __init__(self, ledger: Ledger | None) -> None:
        self._ledger = ledger
        #: By channel and sender: what has come in and is not taken in yet, the oldest first.
        self._coming: dict[tuple[str, str], dict[asyncio.Future[None], None]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def turn(self, channel: str, sender: str, refers: bool) -> AsyncIterator[None]:
        """Have a message taken in inside the block, which is entered as soon as it has come. It
        begins at once, or where the message `refers` to earlier ones when those are taken in.
        """
        coming = self._coming.setdefault((channel, sender), {})
        before, mine = list(coming), asyncio.get_running_loop().create_future()
        coming[mine] = None
        shared = None
        if self._ledger is not None:
            shared = asyncio.create_task(self._ledger.take_turn(channel, sender))
        try:
            if refers and before:
                await asyncio.wait(before)
            if refers and shared is not None:
                await self._wait_for_others(channel, sender, await asyncio.shield(shared))
            yield
        finally:
            mine.set_result(None)
            del coming[mine]
            if not coming:
                self._coming.pop((channel, sender), None)
            if shared is not None:
                # Nobody waits for this commit.
                ending = asyncio.create_task(self._end(shared))
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)

    async def _wait_for_others(self, channel: str, sender: str, turn: int) -> None:
        assert self._ledger is not None, "only then is there a turn"
        until = asyncio.get_running_loop().time() + WAIT_SECONDS
        while await self._ledger.has_earlier_turn(channel, sender, turn):
            if asyncio.get_running_loop().time() > until:
                log.warning("earlier messages not waited for any longer", sender=sender)
                await self._ledger.drop_earlier_turns(channel, sender, turn)
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _end(self, shared: asyncio.Task[int]) -> None:
        assert self._ledger is not None, "only then is there a turn"
        with suppress(LedgerError):
            await self._ledger.end_turn(await shared)

    async def stop(self) -> None:
        """Wait until the turns that have ended are no more in the ledger."""
        if self._ending:
            await asyncio.wait(self._ending)


class Anew:
    """Messages that are judged anew, since another one changed meanwhile what their channel
    remembers: of those about the same thing one is tried at a time, so that each gets its turn.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def judged(self, channel: str, judge: Judging[Judgement]) -> tuple[Judgement, Made]:
        """What the last try of `judge` gave: a judgement, and what became of the message in the
        ledger where it was accepted.

        Raises:
            Full: when others were there first each time.
        """
        judgement, made = await judge()
        for _ in range(STALE_MAX):
            if made is None or not made[1].stale:
                return judgement, made
            key = (channel, made[1].stale[0])
            async with self._locks.setdefault(key, asyncio.Lock()):
                # (Who may come in between is another worker's, or has only just come.)
                judgement, made = await judge()
        raise Full("", f"{channel}: too many messages about the same thing at once")

"""A circuit breaker for each receiver: whether it is up, failing or paused, by how the calls to it
end. One that fails is called by one probe at a time, with growing waits, until one gets through;
states are shared by all workers through the ledger, the count of failures in a row is each worker's
own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import structlog

from exchange.errors import LedgerClosed, LedgerError
from exchange.ports import Attempted, Clock, TryAgain
from exchange.ports.receiver_states import Receivers as Store
from exchange.ports.receiver_states import ReceiverState

log = structlog.get_logger(__name__)

#: Failures that say nothing of the receiver: no call was made, or a bug of ours broke it.
NOT_OF_RECEIVER = frozenset({"internal", "receiver-unknown"})


@dataclass(frozen=True, slots=True)
class Probing:
    """When a receiver fails and how it is probed; units as in `settings.Deliveries`."""

    failures_max: int = 3
    first_backoff_seconds: float = 1.0
    probe_seconds_max: float = 60.0
    backoff_seconds_max: float = 3600.0
    timeout_seconds: float = 10.0

    @property
    def lasts_milliseconds(self) -> int:
        """How long a probe is its worker's: as long as a call may last, and a second."""
        return int(self.timeout_seconds * 1000) + 1000

    @property
    def longest_milliseconds(self) -> int:
        """The longest that a probe is ever put off, or is out."""
        longest_seconds = max(self.probe_seconds_max, self.backoff_seconds_max)
        return max(int(longest_seconds * 1000), self.lasts_milliseconds)


def says_receiver_fails(attempted: Attempted) -> bool:
    """Whether an attempt failed for something that the next message would meet as well."""
    return (
        isinstance(attempted, TryAgain)
        and attempted.about == "receiver"
        and attempted.reason not in NOT_OF_RECEIVER
    )


class Receivers:
    """The states as this worker knows them; `look` reads what others changed."""

    def __init__(self, store: Store, clock: Clock, probing: Probing) -> None:
        self._store = store
        self._clock = clock
        self._probing = probing
        self._stopped: dict[str, ReceiverState] = {}
        self._failures: Counter[str] = Counter()
        self._changing: set[str] = set()

    def stopped(self, receiver: str) -> bool:
        """Whether nothing but a probe may be sent to it."""
        return receiver in self._stopped

    def due(self) -> list[str]:
        """Those whose next probe is due. One further ahead than any wait is due as well: it was
        put off before the clock stepped back.
        """
        now = self._clock.now()
        furthest = now + self._probing.longest_milliseconds
        return [
            each.receiver
            for each in self._stopped.values()
            if each.state == "failing" and not now < each.next_probe_at <= furthest
        ]

    async def look(self) -> list[str]:
        """Learn what was changed; the receivers that are up again."""
        found = {each.receiver: each for each in await self._store.all() if each.state != "up"}
        for receiver in self._changing & self._stopped.keys():
            # What this worker is about to commit is newer than what was read.
            found.setdefault(receiver, self._stopped[receiver])
        again = [receiver for receiver in self._stopped if receiver not in found]
        self._stopped = found
        for receiver in again:
            del self._failures[receiver]
        return again

    async def claim(self, receiver: str) -> bool:
        """Take the probe that is due, for as long as a call may last."""
        now = self._clock.now()
        lasts = self._probing.lasts_milliseconds
        furthest = now + self._probing.longest_milliseconds
        claimed = await self._store.claim(receiver, now, now + lasts, furthest)
        if claimed or receiver in self._stopped:
            state = self._stopped.get(receiver)
            if state is not None:
                self._stopped[receiver] = state._replace(next_probe_at=now + lasts)
        return claimed

    async def told(self, receiver: str, attempted: Attempted, probe: bool) -> None:
        """Draw the conclusion from the end of a call; a ledger that takes no change is no reason to
        lose the delivery: the next call tells the same.
        """
        try:
            if not says_receiver_fails(attempted):
                if not isinstance(attempted, TryAgain) or attempted.about == "message":
                    await self._answered(receiver, probe)
            elif isinstance(attempted, TryAgain):
                await self._failed(receiver, attempted, probe)
        except LedgerClosed:
            raise
        except LedgerError as error:
            log.warning("receiver's state not kept", receiver=receiver, why=str(error))

    async def _answered(self, receiver: str, probe: bool) -> None:
        del self._failures[receiver]
        state = self._stopped.get(receiver)
        if probe and state is not None and state.state == "failing":
            await self._store.recover(receiver, self._clock.now())
            log.info("receiver is up", receiver=receiver, failed_since=state.since)
            self._stopped.pop(receiver, None)

    async def _failed(self, receiver: str, attempted: TryAgain, probe: bool) -> None:
        now = self._clock.now()
        state = self._stopped.get(receiver)
        wait_seconds = min(attempted.retry_after_seconds, self._probing.backoff_seconds_max)
        if probe:
            failures = state.failures + 1 if state is not None else 1
            at = now + int(max(self._backoff(failures), wait_seconds) * 1000)
            await self._store.probe_failed(receiver, attempted.reason, at)
            if state is not None:
                self._stopped[receiver] = state._replace(failures=failures, next_probe_at=at)
            return
        self._failures[receiver] += 1
        if state is not None:
            return
        if self._failures[receiver] >= self._probing.failures_max or wait_seconds:
            at = now + int(max(self._backoff(0), wait_seconds) * 1000)
            found = ReceiverState(
                receiver=receiver,
                state="failing",
                since=now,
                reason=attempted.reason,
                failures=0,
                next_probe_at=at,
            )
            # At once, so that no further call begins while this is committed.
            self._stopped[receiver] = found
            self._changing.add(receiver)
            try:
                await self._store.fail(receiver, now, attempted.reason, at)
            finally:
                self._changing.discard(receiver)
            log.warning("receiver fails", receiver=receiver, why=attempted.reason)

    def _backoff(self, failures: int) -> float:
        doubled: float = self._probing.first_backoff_seconds * 2 ** min(failures, 32)
        return min(doubled, self._probing.probe_seconds_max)

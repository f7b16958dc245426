"""The port of the receivers' states: who takes deliveries, who fails, who is paused; no SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from exchange.ports.operators import AuditRow

State = Literal["up", "failing", "paused"]


class ReceiverState(NamedTuple):
    """A receiver's state since when (milliseconds) and why. `failures` counts the failed probes of
    this outage, `probes` and `outages` all that there were; `next_probe_at` is when it is probed
    next. A receiver that the ledger has no row of is up.
    """

    receiver: str
    state: State
    since: int
    reason: str = ""
    failures: int = 0
    next_probe_at: int = 0
    probes: int = 0
    outages: int = 0


class Receivers(Protocol):
    """The receivers' states, shared by every worker; each change is committed when it returns."""

    async def all(self) -> Sequence[ReceiverState]:
        """Every receiver that was ever not up, by its id."""
        ...

    async def fail(self, receiver: str, now: int, reason: str, next_probe_at: int) -> None:
        """From up to failing; nothing when it is failing or paused."""
        ...

    async def claim(self, receiver: str, now: int, until: int, furthest: int) -> bool:
        """Take the probe that is due; False when it isn't, or another worker has it. Nobody else
        gets one before `until`. One that was to come after `furthest` is due: the clock has
        stepped back.
        """
        ...

    async def probe_failed(self, receiver: str, reason: str, next_probe_at: int) -> None:
        """Stay failing, and say when the next probe is due."""
        ...

    async def recover(self, receiver: str, now: int) -> None:
        """From failing to up."""
        ...

    async def pause(self, receiver: str, now: int, reason: str, audit: AuditRow) -> bool:
        """Stop deliveries to it until it is resumed; False when it is paused already."""
        ...

    async def resume(self, receiver: str, now: int, audit: AuditRow) -> bool:
        """From paused, or failing, to up; False when it is up."""
        ...

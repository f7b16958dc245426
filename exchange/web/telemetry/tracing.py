"""The traces of calls that partners make, of which nothing is told to anybody; what tells them to a
collector is in `exchange.web.telemetry.spans`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from exchange.journey import trace
from exchange.ports import Transport


@dataclass(slots=True)
class Served:
    """A call that is being served: the headers that its answer repeats, and the answer's status (0:
    there is none yet).
    """

    answered: Mapping[str, str]
    status: int = 0


class Tracing:
    """Takes the trace of each call, and has no spans."""

    async def open(self) -> None:
        """Begin to send spans."""

    async def close(self) -> None:
        """End."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many spans were sent and lost; empty without a collector."""
        return {}

    def around(self, transport: Transport) -> Transport:
        """What makes calls to partners over that transport."""
        return transport

    @contextmanager
    def call(self, headers: Mapping[str, str], method: str, route: str) -> Iterator[Served]:
        """Take the trace of a call for all that is done inside. `route` is its address as it is
        declared, without what a caller put into it.
        """
        yield Served(trace.begin(headers))

"""The operational monitoring of the security servers: keeps what was seen of the last calls, in
this process, and answers questions for it; what a record holds is `schemas.x_road.operations`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from exchange.ports import Clock
from exchange.schemas.x_road import operations
from exchange.schemas.x_road.identifiers import Identifier
from exchange.schemas.x_road.operations import Observed
from exchange.schemas.x_road.soap import SoapRequest
from exchange.settings.x_road import XRoad as Settings


class Monitoring:
    """What was seen of the last calls: at most `x_road.records_max`, the oldest goes first."""

    def __init__(self, x_road: Settings, clock: Clock) -> None:
        self._x_road = x_road
        self._clock = clock
        self._seen: deque[Observed] = deque(maxlen=x_road.records_max)
        self._started_at = clock.now()

    @property
    def owner(self) -> str:
        """The member whose service the monitoring is: the security server's owner."""
        return "/".join((self._x_road.instance, *self._x_road.server.split("/")[:2]))

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._clock.now()

    def keep(self, seen: Observed) -> None:
        """Keep what was seen of a call that has ended."""
        seen.left_at = self._clock.now()
        self._seen.append(seen)

    def answer(self, asked: SoapRequest, code: str) -> tuple[bytes, bytes]:
        """The answer to a question as the body's child, and the attachment (empty: none).

        Raises:
            Fault: `client.invalid_request`.
        """
        now = self._clock.now()
        if code == operations.DATA:
            wanted = operations.criteria(asked.wrapper, now // 1000)
            kept = self._records(asked.client, wanted.first, wanted.last)
            return operations.data_answer(operations.page(kept, wanted))
        client = operations.client_of(asked.wrapper)
        kept = self._records(asked.client)
        return operations.health_answer(kept, self._started_at, now, client), b""

    def _records(
        self, client: Identifier, first: int = 0, last: int = 1 << 62
    ) -> Iterator[dict[str, Any]]:
        """What a client may see of these seconds: the owner and the monitoring client everything,
        others their own calls.
        """
        sees_all = client.owner in (self.owner, self._x_road.monitoring_client)
        for seen in self._seen:
            if not first <= seen.left_at // 1000 <= last:
                continue
            for record in operations.records(seen, "127.0.0.1"):
                if sees_all or operations.is_of(record, client):
                    yield record

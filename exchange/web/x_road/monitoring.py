"""The operational monitoring of the security servers: has what was seen of each call kept where
every worker sees it, and answers questions for it; what a record holds is
`schemas.x_road.operational_records`.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from typing import Any

from exchange.errors import LedgerError, LedgerUnavailable
from exchange.journey.repeat import Later
from exchange.ports import Clock
from exchange.ports.services import CallRecord, CallRecords
from exchange.schemas.x_road import operational_records
from exchange.schemas.x_road.identifiers import Identifier
from exchange.schemas.x_road.operational_records import Criteria, Observed, Page
from exchange.schemas.x_road.soap import SoapRequest
from exchange.settings.x_road import XRoad as Settings

#: The address of both servers: the exchange stands in for either.
SERVER = "127.0.0.1"
#: Calls whose records wait for a ledger that takes nothing; then the oldest of them are lost.
WAITING_MAX = 5_000
#: Calls whose records are committed at once, so that nobody waits long for their commit.
TOGETHER_MAX = 250
#: Records that health data are made of, the newest.
HEALTH_RECORDS_MAX = 10_000


class Monitoring:
    """Operational records, of all workers together: the newest `x_road.records_max` of them, each
    for `x_road.record_seconds`. A record waits here for a second at most (see `journey.repeat`), so
    that many calls share a commit: that much is lost with a process that is killed.
    """

    def __init__(self, x_road: Settings, records: CallRecords, clock: Clock) -> None:
        self._x_road = x_road
        self._records = records
        self._clock = clock
        #: The records of each call, which are kept or lost together.
        self._waiting: deque[list[CallRecord]] = deque(maxlen=WAITING_MAX)
        self._later = Later("operational records", self.flush, self._waiting.__len__, clock)
        self._started_at = clock.now()

    @property
    def owner(self) -> str:
        """The member whose service the monitoring is: the security server's owner."""
        return "/".join((self._x_road.instance, *self._x_road.server.split("/")[:2]))

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._clock.now()

    def keep(self, seen: Observed) -> None:
        """Keep what was seen of a call that has ended: a record for each side that this server is."""
        seen.left_at = self._clock.now()
        client, provider = operational_records.ends_of(seen)
        told = operational_records.records(
            seen, SERVER, operational_records.SIDES[self._x_road.side]
        )
        contents = (json.dumps(record, separators=(",", ":")) for record in told)
        records = [CallRecord(seen.left_at, client, provider, each) for each in contents]
        self._waiting.append(records)
        self._later.begin()

    async def flush(self) -> None:
        """Commit what waits.

        Raises:
            LedgerError: when the ledger takes nothing just now; it is kept.
        """
        for _ in range(0, len(self._waiting), TOGETHER_MAX):
            few = [self._waiting.popleft() for _ in range(min(TOGETHER_MAX, len(self._waiting)))]
            try:
                await self._records.keep([*chain(*few)], self._x_road.records_max)
            except LedgerError:
                room = WAITING_MAX - len(self._waiting)
                self._waiting.extendleft(reversed(few[max(0, len(few) - room) :]))
                raise

    async def stop(self) -> None:
        """End, with everything committed that the ledger takes."""
        await self._later.stop()

    async def drop_old(self) -> None:
        """Forget the records that are too old now."""
        await self._records.drop(self._clock.now() - self._x_road.record_seconds * 1000)

    async def answer(self, asked: SoapRequest, code: str) -> tuple[bytes, bytes]:
        """The answer to a question as the body's child, and the attachment (empty: none).

        Raises:
            Fault: `client.invalid_request`.
        """
        with suppress(LedgerUnavailable):
            # (What a full ledger does not take is told of later.)
            await self.flush()
        now = self._clock.now()
        if code == operational_records.DATA:
            wanted = operational_records.criteria(asked.wrapper, now // 1000)
            page = await self._page(self._whose(asked.client, wanted.client), wanted)
            return operational_records.data_answer(page)
        whose = self._whose(asked.client, operational_records.client_of(asked.wrapper))
        newest = await self._records.told(0, now + 1, whose, HEALTH_RECORDS_MAX, newest_first=True)
        return operational_records.health_answer(
            _read(reversed(newest)), self._started_at, now
        ), b""

    def _whose(self, asking: Identifier, client: Identifier | None) -> list[str]:
        """Whose calls are told: those of the client that is asked about and, unless the owner or
        the monitoring client asks, the asker's own.
        """
        sees_all = asking.owner in (self.owner, self._x_road.monitoring_client)
        named = [] if client is None else [client.owner]
        return named if sees_all else [asking.owner, *named]

    async def _page(self, whose: list[str], wanted: Criteria) -> Page:
        """The first records of the seconds that are wanted; those of the last second all."""
        first, end = wanted.first * 1000, (wanted.last + 1) * 1000
        found = await self._records.told(first, end, whose, operational_records.RECORDS_MAX)
        if len(found) < operational_records.RECORDS_MAX:
            return operational_records.page(_read(found), wanted.fields, wanted.next_from)
        second = found[-1].at // 1000
        begun, ended = second * 1000, (second + 1) * 1000
        before = [each for each in found if each.at < begun]
        whole = await self._records.told(begun, ended, whose, self._x_road.records_max)
        next_from = second + 1 if second < wanted.last else wanted.next_from
        return operational_records.page(_read([*before, *whole]), wanted.fields, next_from)


def _read(found: Iterable[CallRecord]) -> list[dict[str, Any]]:
    return [json.loads(each.content) for each in found]

"""Figures for the page from what the exchange has: the snapshot of its channels and the ledger's
day counters; asks through ports only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from exchange.ports import Ledger
from exchange.ports.lanes import Nodes
from exchange.schemas.directory import Directory
from exchange.statistics.count import DIMENSIONS, Period, count
from exchange.statistics.days import first_minute
from exchange.statistics.history import History
from exchange.statistics.rows import Rows
from exchange.web.figures.overview import Snapshots
from exchange.web.figures.process_figures import ProcessFigures
from exchange.web.figures.receiver_conditions import Conditions
from exchange.web.figures.today import Today
from exchange.web.pages.figures import Figures

MINUTES_A_DAY = 1440
#: How long is counted before there is anything to count, in days.
NOTHING_DAYS = 1 / MINUTES_A_DAY


class LedgerSource:
    """Figures since the ledger began. The statistics come of day counters: the cost does not grow
    with the messages.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        ledger: Ledger,
        directory: Directory,
        rows: Rows,
        known_types: Collection[str],
        year: int,
        conditions: Conditions | None = None,
        process: Callable[[], ProcessFigures] | None = None,
        nodes: Nodes | None = None,
    ) -> None:
        self._snapshots = snapshots
        self._ledger = ledger
        self._directory = directory
        self._rows = rows
        self._known_types = known_types
        self._year = year
        self._conditions = conditions
        self._process = process
        self._nodes = nodes
        self._today = Today(ledger)
        self._first_minute: int | None = None

    async def __call__(self) -> Figures:
        """The figures now."""
        snapshot = await self._snapshots.current()
        history = History(await self._ledger.partners(), self._directory)
        totals = [
            (partners, await self._ledger.totals(DIMENSIONS, first, end, daily=True))
            for first, end, partners in history.spans()
        ]
        counted = any(of_span for _, of_span in totals)
        # Of a ledger without a message, the moment since it began is held.
        period = Period(self._year, await self._days(snapshot.at) if counted else NOTHING_DAYS)
        lines = count(self._rows, totals, self._known_types, period)
        receivers = await self._conditions.all() if self._conditions is not None else ()
        oldest = await self._ledger.oldest_waiting()
        return Figures(
            at=snapshot.at,
            channels=snapshot.channels,
            lines=lines,
            period=period,
            receivers=receivers,
            days=await self._today.at(snapshot.at),
            oldest_waiting_at=oldest.received_at if oldest is not None else 0,
            process=self._process() if self._process is not None else None,
            cluster=await self._nodes.look(snapshot.at) if self._nodes is not None else None,
        )

    async def _days(self, now: int) -> float:
        """How long has been counted, in days (at least a minute); the first minute is looked up
        once.
        """
        if self._first_minute is None:
            # The minutes of the first day only: those of all days are as many as the ledger is old.
            day = min(
                values[0] for values, *_ in await self._ledger.totals(("period",), daily=True)
            )
            minutes = await self._ledger.totals(
                ("period",), first_minute(day), first_minute(day + 1)
            )
            # Where these are folded, the day's beginning will do.
            self._first_minute = min(
                (values[0] for values, *_ in minutes), default=first_minute(day)
            )
        return max(now / 60_000 - self._first_minute, 1.0) / MINUTES_A_DAY

"""One pass over the counters: sums of every row, of every day of a band, of every table; holds no
counter, only sums.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exchange.schemas.directory import Directory
from exchange.statistics.breakdown import Breakdown, times_of
from exchange.statistics.count import BEGUN, KINDS, Hit, RowSum, row_hits, sums_of
from exchange.statistics.count import DIMENSIONS as SELECTED_BY
from exchange.statistics.cuts import BandOf, TableOf
from exchange.statistics.history import History
from exchange.statistics.rows import Rows

#: The kinds of messages and deliveries that are summed by channel.
CHANNEL_KINDS = (
    "received",
    "accepted",
    "rejected",
    "duplicate",
    "queued",
    "delivered",
    "dead-lettered",
    "resent",
)

#: The dimensions of a counter after its period: what rows select by, and what only tables know.
DIMENSIONS = (*SELECTED_BY, "process")
Dimensions = tuple[str, str, str, str, str, str, str]


@dataclass(slots=True)
class _Places:
    """Where counters with the same dimensions are added: rows (True: its items), bands, cells of
    tables.
    """

    rows: list[tuple[RowSum, Hit]]
    bands: list[tuple[str, bool]]
    cells: list[tuple[Breakdown, tuple[str | None, ...]]]


@dataclass(slots=True)
class Tally:
    """Sums that fill, day after day. The cost of a counter is one look-up by its dimensions; memory
    follows the tables, not the messages.
    """

    rows: Rows
    history: History
    known_types: Collection[str]
    bands: Sequence[BandOf]
    breakdowns: Sequence[Breakdown]
    sums: dict[str, RowSum] = field(default_factory=dict)
    band_days: dict[str, dict[int, float]] = field(default_factory=dict)
    channels: dict[str, dict[str, int]] = field(default_factory=dict)
    days: set[int] = field(default_factory=set)
    _partners: Directory = field(default_factory=lambda: Directory(()))
    _partners_until: int = -1
    _places: dict[Dimensions, _Places] = field(default_factory=dict)
    _moment: tuple[int, int | None] = (-1, None)
    _times: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sums = sums_of(self.rows, self.known_types)
        self.band_days = {band.row: {} for band in self.bands}

    @classmethod
    def of(
        cls,
        rows: Rows,
        history: History,
        known_types: Collection[str],
        bands: Sequence[BandOf] = (),
        tables: Sequence[TableOf] = (),
        groups: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Tally:
        """A tally with these tables, empty."""
        return cls(
            rows,
            history,
            known_types,
            bands,
            [Breakdown(table, groups or {}) for table in tables],
        )

    def add(
        self,
        day: int,
        dimensions: Dimensions,
        messages: int,
        items: int,
        size: int,
        hour: int | None = None,
    ) -> None:
        """Count a counter of that day (days since 1970 in Finland, never before the last one), and
        of that hour when hours are asked for.
        """
        channel, kind = dimensions[0], dimensions[5]
        if kind in CHANNEL_KINDS:
            kinds = self.channels.get(channel)
            if kinds is None:
                kinds = self.channels[channel] = dict.fromkeys(CHANNEL_KINDS, 0)
            kinds[kind] += messages
        self.days.add(day)
        if kind != BEGUN and kind.partition(":")[0] not in KINDS.values():
            return
        if day >= self._partners_until:
            self._partners, self._partners_until = self.history.at(day)
            self._places.clear()
        places = self._places.get(dimensions)
        if places is None:
            places = self._places[dimensions] = self._look_up(dimensions)
        for total, hit in places.rows:
            hit.add(total, messages, items)
        for name, of_items in places.bands:
            days = self.band_days[name]
            days[day] = days.get(day, 0) + (items if of_items else messages)
        if places.cells:
            times = self._times_at(day, hour)
            for breakdown, key in places.cells:
                breakdown.add(key, times, messages, items, size, kind == BEGUN)

    def _times_at(self, day: int, hour: int | None) -> Mapping[str, str]:
        if self._moment != (day, hour):
            self._moment, self._times = (day, hour), times_of(day, hour)
        return self._times

    def _look_up(self, dimensions: Dimensions) -> _Places:
        facts: dict[str, Any] = dict(zip(DIMENSIONS, dimensions, strict=True))
        hits = row_hits(self.rows, facts, self._partners)
        banded = [band.row for band in self.bands]
        return _Places(
            [(self.sums[hit.row.id], hit) for hit in hits if hit.row.id in self.sums],
            [(hit.row.id, hit.of_items) for hit in hits if hit.own and hit.row.id in banded],
            [
                (each, key)
                for each in self.breakdowns
                for key in each.keys(facts, self._partners, [hit.row for hit in hits if hit.own])
            ],
        )

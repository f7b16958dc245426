"""What the live page shows at a moment: figures by channel, rates, the statistics so far; nothing
that renders.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from exchange.ports.lanes import Cluster
from exchange.statistics.count import Line, Period
from exchange.web.figures.overview import COLUMNS
from exchange.web.figures.process_figures import ProcessFigures
from exchange.web.figures.receiver_conditions import Condition
from exchange.web.figures.today import Sums

#: What is shown of each channel, in this order. `waiting` is what waits now, the others are counts
#: so far.
KINDS = COLUMNS

#: The kinds that also have a rate.
RATED = ("received", "delivered")

#: How far back a rate looks, and how many points of it a channel's line shows.
RATE_SECONDS = 10.0
POINTS = 60


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures at one moment: `at` in milliseconds since 1970 UTC, `channels` as name -> kind -> how
    many, `receivers` those that are not simply up, `days` today's counts and those of earlier days
    up to the same time (see `web.today`), `oldest_waiting_at` when the oldest message was received
    that waits (milliseconds; 0: none waits).
    """

    at: int
    channels: Mapping[str, Mapping[str, int]]
    lines: Sequence[Line]
    period: Period
    receivers: Sequence[Condition] = ()
    days: Mapping[str, Sums | None] = field(default_factory=dict)
    oldest_waiting_at: int = 0
    process: ProcessFigures | None = None
    cluster: Cluster | None = None


#: Where figures come from. Asked at most once per interval, whoever watches.
Source = Callable[[], Awaitable[Figures]]


@dataclass(frozen=True, slots=True)
class ShownType:
    """A message type in the list of a channel. `basis` is `published` or `modelled`."""

    name: str
    titles: Mapping[str, str]
    basis: str


@dataclass(frozen=True, slots=True)
class ShownChannel:
    """A channel on the page, whether or not a message came yet; titles in fi, sv and en."""

    name: str
    titles: Mapping[str, str]
    types: Sequence[ShownType] = ()


@dataclass(slots=True)
class Rates:
    """Rates from the figures of the last `RATE_SECONDS`, and their last `POINTS` values by
    channel.
    """

    _past: deque[Figures] = field(default_factory=deque)
    _history: dict[str, deque[float]] = field(default_factory=dict)

    def add(self, figures: Figures) -> None:
        """Take the next figures in; those older than the last are left out."""
        if self._past and figures.at <= self._past[-1].at:
            return
        self._past.append(figures)
        while len(self._past) > 2 and figures.at - self._past[1].at >= RATE_SECONDS * 1000:
            self._past.popleft()
        for name in figures.channels:
            self._history.setdefault(name, deque(maxlen=POINTS)).append(
                self.per_second(name, "received") or 0.0
            )

    def per_second(self, channel: str, kind: str) -> float | None:
        """How many a second, without what held nothing; None before there are two snapshots."""
        if len(self._past) < 2:
            return None
        first, last = self._past[0], self._past[-1]
        before, now = first.channels.get(channel, {}), last.channels.get(channel, {})
        grown, empty = (now.get(each, 0) - before.get(each, 0) for each in (kind, "empty"))
        return max(0.0, (grown - empty) / ((last.at - first.at) / 1000))

    def history(self, channel: str) -> Sequence[float]:
        """The last rates of what was received, oldest first."""
        return tuple(self._history.get(channel, ()))

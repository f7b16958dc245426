"""/metrics: what a process can say of itself (Prometheus); the durable counts are the ledger's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

BUCKETS = (0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2, 5, 10)


#: What a snapshot says of this moment; all else in it only grows.
PRESENT = ("waiting", "dead-lettered")
#: What of a snapshot counts calls, not messages.
REQUESTS = "requests"


class _Ever(Collector):
    """What only grows, as counters: the ledger keeps them, so that a restart does not begin
    anew.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counters of the last snapshot."""
        family = CounterMetricFamily(
            "exchange_messages",
            "Messages and deliveries by channel and kind since the ledger began, from the ledger",
            labels=("channel", "kind"),
        )
        requests = CounterMetricFamily(
            "exchange_requests",
            "Calls of partners that are no messages (polls, acknowledgements, states), by channel, "
            "from the ledger",
            labels=("channel",),
        )
        for name, row in self._metrics.ever.items():
            for kind, count in row.items():
                if kind == REQUESTS:
                    requests.add_metric((name,), count)
                elif kind not in PRESENT:
                    family.add_metric((name, kind), count)
        yield family
        yield requests


class Metrics:
    """The metrics of one worker, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Histogram(
            "exchange_call_seconds",
            "Time from the first byte of a call to its reply, by channel and status class",
            ["channel", "status"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._refused = Counter(
            "exchange_refused_total",
            "Calls that never became a message",
            ["channel", "reason"],
            registry=self.registry,
        )
        self._present = Gauge(
            "exchange_deliveries",
            "Deliveries that wait or are dead letters now, by channel and kind, from the ledger",
            ["channel", "kind"],
            registry=self.registry,
        )
        self.ever: Mapping[str, Mapping[str, int]] = {}
        self.registry.register(_Ever(self))
        self._held = Gauge(
            "exchange_deliveries_held", "Deliveries in this worker's memory", registry=self.registry
        )
        self._full = Gauge(
            "exchange_receiver_full",
            "Waiting deliveries to a receiver that takes no more (*: in all)",
            ["receiver"],
            registry=self.registry,
        )
        self._children: dict[tuple[str, int], Histogram] = {}

    def served(self, channel: str, status: int, seconds: float) -> None:
        """A call was answered."""
        key = (channel, status // 100)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._calls.labels(channel, f"{status // 100}xx")
        child.observe(seconds)

    def refused(self, channel: str, reason: str) -> None:
        """A call was refused before it became a message."""
        self._refused.labels(channel, reason).inc()

    def show(self, channels: Mapping[str, Mapping[str, int]], held: int) -> None:
        """Take over the ledger's counts of a snapshot."""
        self.ever = channels
        for name, row in channels.items():
            for kind in PRESENT:
                self._present.labels(name, kind).set(row.get(kind, 0))
        self._held.set(held)

    def show_full(self, full: Sequence[Mapping[str, object]]) -> None:
        """Take over who is full."""
        self._full.clear()
        for each in full:
            self._full.labels(each["receiver"]).set(float(str(each["waiting"])))

    def response(self) -> web.Response:
        """The exposition."""
        return web.Response(
            body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

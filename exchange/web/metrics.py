"""/metrics: what a process can say of itself (Prometheus); the durable counts are the ledger's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

BUCKETS = (0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2, 5, 10)


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
        self._messages = Gauge(
            "exchange_messages",
            "Messages and deliveries by channel and kind, from the ledger",
            ["channel", "kind"],
            registry=self.registry,
        )
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
        for name, row in channels.items():
            for kind, count in row.items():
                self._messages.labels(name, kind).set(count)
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

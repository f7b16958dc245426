"""/metrics: what a process can say of itself (Prometheus); the durable counts are the ledger's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from exchange.web.figures.receiver_conditions import Condition
from exchange.web.nodes.gauges import NodeGauges

#: Changes in a commit: messages, ends of attempts, whatever else waits.
GROUP_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
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
        outages = CounterMetricFamily(
            "exchange_receiver_outages",
            "How often a receiver became failing, from the ledger",
            labels=("receiver",),
        )
        probes = CounterMetricFamily(
            "exchange_receiver_probes",
            "Calls to a receiver while it was failing, from the ledger",
            labels=("receiver",),
        )
        for each in self._metrics.receivers:
            outages.add_metric((each.receiver,), each.outages)
            probes.add_metric((each.receiver,), each.probes)
        yield outages
        yield probes
        spans = CounterMetricFamily(
            "exchange_spans", "Spans by what became of them: sent or lost", labels=("outcome",)
        )
        for outcome, count in self._metrics.spans.items():
            spans.add_metric((outcome,), count)
        yield spans


class Metrics:
    """The metrics of one worker, in a registry of its own."""

    spans: Mapping[str, int] = MappingProxyType({})

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
        self._present = self._gauge(
            "exchange_deliveries",
            "Deliveries that wait or are dead letters now, by channel and kind, from the ledger",
            "channel",
            "kind",
        )
        self.ever: Mapping[str, Mapping[str, int]] = {}
        self.receivers: Sequence[Condition] = ()
        self.registry.register(_Ever(self))
        self.nodes = NodeGauges()
        self.registry.register(self.nodes)
        self._held = self._gauge("exchange_deliveries_held", "Deliveries in this worker's memory")
        self._up = self._gauge(
            "exchange_ledger_up",
            "1 while this worker can write and read the ledger; else its calls get 503, and what "
            "is from the ledger is as it was",
        )
        self._full = self._gauge(
            "exchange_receiver_full",
            "Waiting deliveries to a receiver that takes no more (*: in all)",
            "receiver",
        )
        self._states = self._gauge(
            "exchange_receiver_state",
            "1 for each receiver that is failing or paused, by its state",
            "receiver",
            "state",
        )
        self._states_seconds = self._gauge(
            "exchange_receiver_state_seconds",
            "For how long a receiver has been failing or paused",
            "receiver",
            "state",
        )
        self._held_up = self._gauge(
            "exchange_receiver_held_up",
            "Deliveries to a receiver that wait behind a dead letter of their conversation",
            "receiver",
        )
        self._held_up_seconds = self._gauge(
            "exchange_receiver_held_up_oldest_seconds", "Age of the oldest of them", "receiver"
        )
        self._commit_seconds = Histogram(
            "exchange_commit_seconds",
            "Time that the disk, or the server, takes for a commit",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._commit_changes = Histogram(
            "exchange_commit_changes",
            "Changes that share a commit",
            buckets=GROUP_BUCKETS,
            registry=self.registry,
        )
        self._children: dict[tuple[str, int], Histogram] = {}

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def served(self, channel: str, status: int, seconds: float) -> None:
        """A call was answered."""
        key = (channel, status // 100)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._calls.labels(channel, f"{status // 100}xx")
        child.observe(seconds)

    def committed(self, changes: int, seconds: float) -> None:
        """A commit reached the disk."""
        self._commit_changes.observe(changes)
        self._commit_seconds.observe(seconds)

    def refused(self, channel: str, reason: str) -> None:
        """A call was refused before it became a message."""
        self._refused.labels(channel, reason).inc()

    def show(self, channels: Mapping[str, Mapping[str, int]]) -> None:
        """Take over the ledger's counts of a snapshot."""
        self.ever = channels
        for name, row in channels.items():
            for kind in PRESENT:
                self._present.labels(name, kind).set(row.get(kind, 0))

    def show_full(self, full: Sequence[Mapping[str, object]]) -> None:
        """Take over who is full."""
        self._full.clear()
        for each in full:
            self._full.labels(each["receiver"]).set(float(str(each["waiting"])))

    def show_process(self, held: int, spans: Mapping[str, int], is_up: bool) -> None:
        """Take over how many deliveries are held, how many spans were sent and lost, and whether
        the ledger can be written and read.
        """
        self._held.set(held)
        self.spans = spans
        self._up.set(is_up)

    def show_receivers(self, conditions: Sequence[Condition], now: int) -> None:
        """Take over who is failing or paused, and what is held up; `now` in milliseconds."""
        self.receivers = conditions
        for gauge in (self._states, self._states_seconds, self._held_up, self._held_up_seconds):
            gauge.clear()
        for each in conditions:
            if each.state != "up":
                seconds = max(0.0, (now - each.since) / 1000)
                self._states.labels(each.receiver, each.state).set(1)
                self._states_seconds.labels(each.receiver, each.state).set(seconds)
            if each.held_up:
                seconds = max(0.0, (now - each.held_up_oldest_at) / 1000)
                self._held_up.labels(each.receiver).set(each.held_up)
                self._held_up_seconds.labels(each.receiver).set(seconds)

    def response(self) -> web.Response:
        """The exposition."""
        return web.Response(
            body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

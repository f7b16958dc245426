"""What /metrics says of the nodes that share the ledger: each node says the same of all."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from exchange.ports.lanes import Cluster


class NodeGauges(Collector):
    """The gauges of the cluster as it was looked at last; `now` in milliseconds."""

    def __init__(self) -> None:
        self._cluster = Cluster(())
        self._this = self._now = 0

    def show(self, cluster: Cluster, this: int, now: int) -> None:
        """Take over what was seen by this node at that time."""
        self._cluster, self._this, self._now = cluster, this, now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Of each node, then of all together."""
        yield from self._of_nodes()
        cluster = self._cluster
        for name, text, value in (
            ("exchange_keepers", "Nodes that are the keeper: 1, or 0 while nobody is",
             sum(each.is_keeper for each in cluster.nodes)),
            ("exchange_lanes_free", "Lanes that nobody holds", cluster.lanes_free),
            ("exchange_turns_waiting", "Nodes that wait for their turn to write",
             cluster.turns_waiting),
            ("exchange_turn_seconds", "For how long the one that waits longest has waited",
             cluster.turn_milliseconds / 1000),
            ("exchange_standby_missing", "1 while commits wait for a standby that is not there",
             int(cluster.standby_missing)),
        ):  # fmt: skip
            yield GaugeMetricFamily(name, text, value)
        behind = GaugeMetricFamily(
            "exchange_standby_behind_bytes",
            "Write-ahead log that a standby does not show yet",
            labels=("standby", "mode"),
        )
        # (Standbys of one name are told apart by nobody: the one that is most behind counts.)
        most = {(each.name, each.mode): 0 for each in cluster.standbys or ()}
        for each in cluster.standbys or ():
            key = (each.name, each.mode)
            most[key] = max(most[key], each.behind_bytes)
        for names, count in most.items():
            behind.add_metric(names, count)
        yield behind

    def _of_nodes(self) -> Iterator[GaugeMetricFamily]:
        state = GaugeMetricFamily(
            "exchange_node_state",
            "1 for each node, by its state: live, gone or supervised; `this` is yes for the one "
            "that answers",
            labels=("node", "role", "state", "this"),
        )
        lanes = GaugeMetricFamily(
            "exchange_node_lanes", "Lanes that a node holds", labels=("node",)
        )
        due = GaugeMetricFamily(
            "exchange_node_due", "Deliveries in its lanes that are due", labels=("node",)
        )
        oldest = GaugeMetricFamily(
            "exchange_node_due_seconds", "For how long the oldest of them is", labels=("node",)
        )
        for each in self._cluster.nodes:
            number = str(each.number)
            this = "yes" if each.number == self._this else "no"
            state.add_metric((number, each.role, each.state, this), 1)
            lanes.add_metric((number,), each.lanes)
            due.add_metric((number,), each.due)
            since = each.due_since or self._now
            oldest.add_metric((number,), max(0.0, (self._now - since) / 1000))
        yield from (state, lanes, due, oldest)

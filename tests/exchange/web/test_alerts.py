"""The alert rules for Prometheus name metrics and labels that /metrics gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics_core import Metric

from exchange.ports.lanes import Cluster, Node, Standby
from exchange.web.metrics import Metrics

RULES = Path(__file__).parents[3] / "docs" / "prometheus-alerts.yml"
SUFFIX = re.compile("_(?:bucket|count|sum|total)$")
NAMED = re.compile(r"(exchange_[a-z_]+)(?:\{([^}]*)\})?")
#: Labels that Prometheus itself gives, and those of a histogram's buckets.
OF_EVERY = {"le"}


def rules() -> list[Any]:
    content = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def families() -> dict[str, set[str]]:
    """The labels of each family; of one that was told something."""
    metrics = Metrics()
    metrics.show({"luova": {"received": 1, "waiting": 1, "dead-lettered": 1, "requests": 1}})
    metrics.served("luova", 200, 0.1)
    metrics.refused("luova", "rate")
    metrics.committed(1, 0.1)
    metrics.show_full([{"receiver": "*", "waiting": 1}])
    node = Node(number=0, epoch=1, name="", since=0, state="live")
    metrics.nodes.show(Cluster([node], standbys=[Standby("a", "sync", 0)]), 0, 0)
    named: dict[str, set[str]] = {}
    found: Metric
    for found in metrics.registry.collect():
        labels = {name for sample in found.samples for name in sample.labels}
        named[SUFFIX.sub("", found.name)] = labels
    # (Nobody fails here.)
    of_receivers = {name: {"receiver", "state"} for name in named if "receiver_state" in name}
    held_up = {name: {"receiver"} for name in named if "held_up" in name}
    return named | of_receivers | held_up


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_speaks_of_what_is_there(rule: Any) -> None:
    known = families()
    named = NAMED.findall(rule["expr"])
    assert named, rule["expr"]
    for name, wanted in named:
        family = SUFFIX.sub("", name)
        assert family in known, name
        labels = set(re.findall(r"(\w+)[!=~]", wanted))
        assert labels <= known[family] | OF_EVERY, (name, labels)
        for told in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            assert told in known[family], told
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_a_commit_is_measured() -> None:
    metrics = Metrics()
    metrics.committed(3, 0.25)
    told = metrics.response().body
    assert isinstance(told, bytes)
    assert b"exchange_commit_changes_sum 3.0" in told
    assert b"exchange_commit_seconds_sum 0.25" in told

"""A cluster with everything wrong, as operators see it: the API, the page, /metrics."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp.test_utils import make_mocked_request
from prometheus_client import CollectorRegistry, generate_latest

from exchange.ports.lanes import Cluster, Node, Standby, named, role_of
from exchange.web.api.nodes import as_dict
from exchange.web.nodes.gauges import NodeGauges
from exchange.web.pages.layout import rendered
from exchange.web.pages.overview_texts import moment_texts
from tests.exchange.web.pages.made_up import figures

WRONG = Cluster(
    nodes=[
        Node(
            number=3,
            epoch=2,
            name=named("m1 process 7", "gateway"),
            since=1_000,
            state="gone",
            seen_at=5_000,
        ),
        Node(
            number=4,
            epoch=1,
            name="an older version's",
            since=2_000,
            state="live",
            seen_at=9_000,
            lanes=200,
            due=5,
            due_since=4_000,
        ),
    ],
    lanes_free=56,
    due_free=7,
    turns_waiting=1,
    turn_milliseconds=1_500,
    standbys=[Standby("a", "async", 10), Standby("a", "async", 30)],
    standby_missing=True,
)


def test_a_name_says_the_role_of_a_node_and_that_of_an_older_version_none() -> None:
    assert role_of(named("as you like as it process 3", "keeper")) == "keeper"
    assert role_of("host process 3") == ""


def test_metrics_tell_of_every_node_and_of_what_none_has() -> None:
    gauges, registry = NodeGauges(), CollectorRegistry()
    registry.register(gauges)
    gauges.show(WRONG, this=4, now=10_000)
    told = set(generate_latest(registry).decode().splitlines())
    assert {
        'exchange_node_state{node="3",role="gateway",state="gone",this="no"} 1.0',
        'exchange_node_state{node="4",role="",state="live",this="yes"} 1.0',
        'exchange_node_lanes{node="4"} 200.0',
        'exchange_node_due{node="4"} 5.0',
        'exchange_node_due_seconds{node="4"} 6.0',
        'exchange_node_due_seconds{node="3"} 0.0',
        "exchange_keepers 0.0",
        "exchange_lanes_free 56.0",
        "exchange_turns_waiting 1.0",
        "exchange_turn_seconds 1.5",
        "exchange_standby_missing 1.0",
        'exchange_standby_behind_bytes{mode="async",standby="a"} 30.0',
    } <= told


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Lanes that nobody holds:", "No node is the keeper.", "gone", "this one")),
        ("fi", ("Kaistoja ilman haltijaa:", "Mikään solmu ei ole", "kadonnut", "tämä")),
        ("sv", ("Körfält som ingen har:", "Ingen nod är keeper", "borta", "denna")),
    ],
)
def test_the_page_says_what_is_wrong(language: str, said: tuple[str, ...]) -> None:
    request = make_mocked_request("GET", f"/nodes?lang={language}")
    html = rendered(request, "nodes.html", cluster=WRONG, this=4, now=10_000)
    assert "m1 process 7</small>" in html
    assert "an older version" in html
    for text in said:
        assert text in html
    assert html.count('role="alert"') == 3


def test_the_api_tells_times_as_such_and_none_as_null() -> None:
    told = as_dict(WRONG)
    gone, live = told["nodes"]  # type: ignore[misc]
    assert (gone["due_since"], live["due_since"]) == (None, "1970-01-01T00:00:04.000Z")
    assert (gone["role"], gone["seen_at"]) == ("gateway", "1970-01-01T00:00:05.000Z")


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (
            WRONG,
            "1; gone: 1; No node is the keeper; Lanes that nobody holds: 56; "
            "Commits wait for a standby that is not there",
        ),
        (Cluster([replace(WRONG.nodes[1], is_keeper=True)]), "1"),
        (None, "\N{EN DASH}"),
    ],
)
def test_the_overview_says_what_is_the_matter_with_nodes(
    cluster: Cluster | None, said: str
) -> None:
    assert moment_texts(replace(figures(), cluster=cluster), "en")["nodes"] == said

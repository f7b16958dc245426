"""How the traffic of a sector is shared out among its organisations."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from exchange.adapters.kelmu.generate import HABITS
from exchange.adapters.kelmu.partner import STUB
from exchange.adapters.kelmu.partner.volumes import (
    ASKED_SHARE,
    DOCUMENTS,
    LISTS,
    NOTICES,
    RESIDENTS,
    UI_QUERIES,
    WORK_LISTS_EACH,
)
from exchange.partners.stub import Flow, Situation
from tests.adapters.kelmu.judging import DIRECTORY

SECTORS = ("wellbeing-county", "municipality")


def of_sector(flows: list[Flow], sector: str) -> Counter[str]:
    """Yearly queries at the user interface by organisation."""
    members = {each.id for each in DIRECTORY.in_sector(sector)}
    return Counter(
        {
            flow.partner: flow.weight
            for flow in flows
            if flow.name.startswith("kelmu.ui.") and flow.partner in members
        }
    )


def test_large_organisations_ask_more_and_the_sum_stays() -> None:
    flows = list(STUB.flows(DIRECTORY))
    for sector in SECTORS:
        queries = of_sector(flows, sector)
        assert round(sum(queries.values())) == UI_QUERIES[sector]
        ordered = sorted(queries, key=lambda name: RESIDENTS[name])
        assert [name for name, _ in reversed(queries.most_common())] == ordered
    counties = of_sector(flows, "wellbeing-county")
    assert counties["county.pirkanmaa"] > 5 * counties["county.kainuu"]


def test_every_organisation_of_the_directory_has_a_size() -> None:
    assert set(RESIDENTS) == {each.id for each in DIRECTORY.in_sector(*SECTORS, "helsinki")}


def test_only_the_counties_that_use_information_requests_are_asked() -> None:
    (flow,) = (each for each in STUB.flows(DIRECTORY) if each.name == "kelmu.requests")
    asked = Counter(document_of(flow, serial)["county"] for serial in range(400))
    counties = [each.id for each in DIRECTORY.in_sector("wellbeing-county")]
    largest = sorted(counties, key=lambda name: -RESIDENTS[name])[:15]
    assert set(asked) == set(largest)
    assert abs(len(asked) / len(counties) - ASKED_SHARE) < 1 / len(counties)
    assert flow.weight == 1_447


def test_what_else_officials_send_is_small_and_from_whom_it_may_come() -> None:
    weights: Counter[str] = Counter()
    senders: dict[str, set[str]] = {}
    for flow in STUB.flows(DIRECTORY):
        weights[flow.message_type] += flow.weight
        senders.setdefault(flow.message_type, set()).add(flow.partner)
    others = {name: round(weight) for name, weight in weights.items() if "benefit" not in name}
    assert others == {
        "kelmu.information-request": 1_447,
        "kelmu.document": DOCUMENTS,
        "kelmu.notice": NOTICES,
        "kelmu.list-query": sum(LISTS.values()),
        "kelmu.work-list-query": 23 * WORK_LISTS_EACH,
    }
    assert sum(others.values()) < weights["kelmu.benefit-query"] / 100
    assert senders["kelmu.notice"] == {"kela.benefits"}
    assert senders["kelmu.document"] == senders["kelmu.work-list-query"]
    assert len(senders["kelmu.document"]) == 21 + 2


def test_an_organisation_asks_for_its_own_purposes() -> None:
    flows = {flow.name: flow for flow in STUB.flows(DIRECTORY)}
    for name, habits in (
        ("municipality.espoo", "municipality"),
        ("municipality.mariehamn", "municipality.mariehamn"),
        ("county.kainuu", "wellbeing-county"),
    ):
        asked = {document_of(flows[f"kelmu.ui.{name}"], serial)["purpose"] for serial in range(100)}
        assert asked == {purpose for purpose, _ in HABITS[habits][0]}, name


def document_of(flow: Flow, serial: int) -> Any:
    situation = Situation(random.Random(serial), 1_772_000_000_000, serial, DIRECTORY)
    return json.loads(flow.make(situation).call.body)

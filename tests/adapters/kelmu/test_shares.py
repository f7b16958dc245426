"""How the traffic of a sector is shared out among its organisations."""

from __future__ import annotations

from collections import Counter

from exchange.adapters.kelmu.partner import STUB
from exchange.adapters.kelmu.partner.volumes import RESIDENTS, UI_QUERIES
from exchange.partners.stub import Flow
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
    assert set(RESIDENTS) == {each.id for each in DIRECTORY.in_sector(*SECTORS)}

"""Endpoints that are tried: a right one passes every demand, one with a fault fails that alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from exchange.schemas.directory import partner_of
from exchange.testing.onboarding import demands, pushes
from exchange.testing.onboarding.journal import NoJournal
from exchange.testing.onboarding.run import Bench, bench, journal_at, pushed
from tests.exchange.testing.onboarding.receiver import FAULTS, Receiver

SECRET = "a-secret-of-the-tests"


@pytest.fixture(scope="module")
def on() -> Iterator[Bench]:
    with bench("nobody") as made:
        yield made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body is held back for less than a person would take."""
    monkeypatch.setattr(pushes, "HELD_SECONDS", 0.2)


def found(
    on: Bench, fault: str, has_journal: bool = True, sector: str = "unemployment-fund"
) -> list[demands.Found]:
    """What is found of a partner whose receiver has a fault."""
    receiver = Receiver(SECRET, fault)
    on.exchange.run(receiver.__aenter__())
    try:
        partner = partner_of(
            {
                "id": f"{sector}.{fault or 'right'}",
                "name": "A partner",
                "sector": sector,
                "url": receiver.address,
                "callback_secret": SECRET,
            }
        )
        on.exchange.put(partner)
        address = f"{receiver.address}/journal" if has_journal else ""
        return [*pushed(on, partner, journal_at(on, partner, address, 0.2))]
    finally:
        on.exchange.run(receiver.__aexit__())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_partner_fails_what_it_does_wrong_and_nothing_else(on: Bench, fault: str) -> None:
    tried = [each for each in found(on, fault) if each.verdict != "not tried"]
    failed = {each.demand.id for each in tried if each.verdict == "failed"}
    assert failed == FAULTS[fault], [(each.name, each.why) for each in tried]
    if fault != "refuses-all":
        wanted = {each.id for each in demands.demands().values() if "url" in each.needs}
        assert {each.demand.id for each in tried} == wanted
    for each in tried:
        assert each.verdict == "passed" or each.why


def test_a_county_is_sent_all_that_it_gets_unasked_over_kelmu(on: Bench) -> None:
    told = found(on, "", sector="wellbeing-county")
    passed = [each.about for each in told if each.name.startswith("right kelmu") and not each.why]
    assert passed == ["kelmu.information-request", "kelmu.notice"]
    assert [each.name for each in told if each.verdict == "failed"] == []


def test_without_a_journal_nothing_is_said_of_what_was_taken(on: Bench) -> None:
    verdicts = {each.name: each for each in found(on, "takes-twice", has_journal=False)}
    counts = Counter(each.verdict for each in verdicts.values())
    assert counts["failed"] == 0
    assert verdicts["repeat.once luova"].why == "no journal was named"


def test_what_is_no_journal_is_told(on: Bench) -> None:
    partner = partner_of({"id": "fund.none", "name": "x", "sector": "unemployment-fund"})
    with pytest.raises(NoJournal, match="a JSON list of delivery ids is wanted"):
        journal_at(on, partner, f"{on.exchange.address}/health/live")

"""A day is Finland's, also in the hours after midnight, of which UTC says the day before."""

from __future__ import annotations

import functools
import json
import re

import pytest

from exchange.assembly import checking
from exchange.schemas.instants import finnish_day_of
from tests.adapters.luova.judging import inbound, rules_of
from tests.conformance.samples import samples, type_of

judge = functools.cache(checking)


def sample(type_name: str) -> str:
    """The first valid sample of a type."""
    path = next(path for path in samples("valid", "luova") if type_of(path) == type_name)
    return path.read_text()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-02", "2026-03-02"),
        (" 2026-03-02Z\n", "2026-03-02"),
        ("2026-03-02T21:59:59.9999999Z", "2026-03-02"),
        ("2026-03-02T22:00:00Z", "2026-03-03"),
        ("2026-07-02T21:00:00Z", "2026-07-03"),
        ("2026-03-03T00:30:00+05:00", "2026-03-02"),
        ("2026-03-02T23:30:00", "2026-03-02"),
        ("2026-03-02T24:00:00Z", "2026-03-02"),
        ("9999-12-31T23:59:59Z", "9999-12-31"),
    ],
)
def test_a_moment_is_of_the_day_that_it_is_in_finland(text: str, day: str) -> None:
    assert finnish_day_of(text).isoformat() == day


@pytest.mark.parametrize(
    ("type_name", "created", "day", "rule"),
    [
        ("unemployment.earnings-data", "CreatedAt", "DecidedOn", "unemployment.decided-later"),
        ("pension.decisions", "CreatedAt", "DecidedOn", "pension.decided-later"),
        ("bilateral.circumstance-changes", "CreatedAt", "HappenedOn", "bilateral.future"),
    ],
)
@pytest.mark.parametrize(("on", "told"), [("2026-03-03", False), ("2026-03-04", True)])
def test_what_was_decided_after_midnight_is_not_of_tomorrow(
    type_name: str, created: str, day: str, rule: str, on: str, told: bool
) -> None:
    text = re.sub(f"(?<=<{created}>)[^<]+", "2026-03-02T22:30:00Z", sample(type_name))
    text, days = re.subn(f"(?<=<{day}>)[^<]+", on, text)
    assert days
    found = {each.rule for each in judge().check(text.encode(), type_name).violations}
    assert (rule in found) == told


@pytest.mark.parametrize(("on", "told"), [("2026-03-02", True), ("2026-03-03", False)])
def test_a_payment_is_of_the_finnish_day_of_its_message_or_later(on: str, told: bool) -> None:
    text = re.sub(
        "(?<=<CreDtTm>)[^<]+", "2026-03-02T22:30:00Z", sample("payments.credit-transfers")
    )
    text = re.sub("(?<=<Dt>)[^<]+", on, text)
    found = judge().check(text.encode(), "payments.credit-transfers").violations
    assert ("payments.execution-day" in {each.rule for each in found}) == told


@pytest.mark.parametrize(("on", "told"), [("2026-03-03", False), ("2026-03-04", True)])
def test_a_death_is_told_on_its_finnish_day(on: str, told: bool) -> None:
    data = json.loads(sample("population.deaths"))
    for change in data["muutokset"]:
        change["muutospv"] = "2026-03-02T22:30:00Z"
        for group in change["tietoryhmat"]:
            if group.get("kuolinpv"):
                group["kuolinpv"]["arvo"] = on
    found = judge().check(json.dumps(data).encode(), "population.deaths").violations
    assert ("population.death-date" in {each.rule for each in found}) == told


@pytest.mark.parametrize(("year", "told"), [(2027, False), (2028, True)])
def test_a_tax_year_begins_at_midnight_in_finland(year: int, told: bool) -> None:
    data = json.loads(sample("tax.request")) | {"taxYear": year}
    half_past_midnight = 1_798_756_200_000  # 2026-12-31T22:30:00Z
    message = inbound(json.dumps(data).encode(), "kela.benefits", type="tax.request")
    assert ("tax.year" in rules_of(message, half_past_midnight)) == told

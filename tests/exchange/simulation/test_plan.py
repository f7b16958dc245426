"""The plan: every published row comes out at every scale, the band holds, each day's arrivals are
what was planned.
"""

from __future__ import annotations

import datetime
from fractions import Fraction
from functools import cache

import pytest

from exchange import discovery
from exchange.schemas import directory
from exchange.schemas.bank_days import bank_day_from, is_bank_day
from exchange.simulation.calendar import days_of, midnight
from exchange.simulation.plan import Plan, plan
from exchange.simulation.quantities import quantities
from exchange.simulation.what_if import Scenario
from exchange.simulation.workload import figure, load
from exchange.simulation.year import shards_of
from exchange.statistics.days import is_working_day
from exchange.statistics.rows import load as load_rows

SCALES = [
    Fraction(1),
    Fraction(1, 10),
    Fraction(1, 1000),
    Fraction(1, 12_345),
    Fraction(1, 100_000),
]


@cache
def planned(year: int, scale: Fraction, seed: int = 1) -> Plan:
    """The plan of all stubs' flows."""
    everybody = directory.load()
    return plan(
        load(),
        [flow for stub in discovery.stubs() for flow in stub.flows(everybody)],
        year,
        scale,
        seed,
    )


@pytest.mark.parametrize("year", [2023, 2024])
@pytest.mark.parametrize("scale", SCALES)
def test_streams_are_less_than_one_away_from_what_was_published(year: int, scale: Fraction) -> None:
    workload = load()
    published = {row.id: row.published.get(year) for row in load_rows().rows}
    whole = quantities(workload, year, scale)
    for stream in workload.streams:
        wanted = published.get(stream.id)
        if isinstance(wanted, int):
            assert abs(whole[stream.id].units - wanted * scale) < 1, stream.id
            assert figure(stream.year, year) == wanted, stream.id


@pytest.mark.parametrize("scale", SCALES)
def test_cases_fill_their_totals_exactly(scale: Fraction) -> None:
    workload = load()
    whole = quantities(workload, 2024, scale)
    for name, wanted in (("eessi.received", 1_114_360), ("eessi.sent", 320_541)):
        total = 0
        for stream in workload.streams:
            total += stream.adds.get(name, 0) * whole[stream.id].units
            total += sum(
                a.adds.get(name, 0) * n
                for a, n in zip(stream.answers, whole[stream.id].answers, strict=True)
            )
        assert abs(total - wanted * scale) < 1


@pytest.mark.parametrize("year", [2023, 2024])
@pytest.mark.parametrize("scale", SCALES)
def test_every_working_day_lies_in_the_band(year: int, scale: Fraction) -> None:
    days = days_of(year)
    sums = [0] * len(days)
    for each in planned(year, scale).planned:
        if each.stream.joint:
            for day in range(len(days)):
                answers = sum(
                    own[day]
                    for own, a in zip(each.answers, each.stream.answers, strict=True)
                    if a.joint
                )
                sums[day] += each.units[day] * each.stream.joint_count + answers
    for date, total in zip(days, sums, strict=True):
        if is_working_day(date):
            assert 500_000 * scale <= total <= 1_500_000 * scale, date
        else:
            assert total <= 1_500_000 * scale


def test_a_days_arrivals_are_those_planned_and_in_order() -> None:
    found = planned(2024, Fraction(1, 1000))
    everybody = frozenset(each.flow.partner for each in found.planned)
    day = days_of(2024).index(midsummer := days_of(2024)[165])
    arrivals = list(found.arrivals(day, everybody))
    assert arrivals == sorted(arrivals)
    assert all(
        midnight(midsummer) <= arrival.at < midnight(midsummer) + 86_400_000 for arrival in arrivals
    )
    assert len({arrival.serial for arrival in arrivals}) == len(arrivals)
    for number, each in enumerate(found.planned):
        own = [arrival for arrival in arrivals if arrival.planned == number]
        units = (
            sum(arrival.items or 0 for arrival in own)
            if each.stream.counts == "items"
            else len(own)
        )
        assert units == each.units[day]
        for place, answers in enumerate(each.answers):
            assert sum(arrival.answers[place] for arrival in own) == answers[day]


def test_shards_share_out_the_arrivals() -> None:
    found = planned(2024, Fraction(1, 1000))
    shards = shards_of(found.senders())
    whole = frozenset().union(*shards)
    parts = [arrival for shard in shards for arrival in found.arrivals(44, shard)]
    assert sorted(parts) == list(found.arrivals(44, whole))


def test_the_same_seed_gives_the_same_arrivals_and_another_gives_others() -> None:
    everybody = frozenset(each.flow.partner for each in planned(2024, SCALES[2]).planned)
    one, two = planned(2024, SCALES[2]), planned(2024, SCALES[2], 2)
    assert list(one.arrivals(9, everybody)) != list(two.arrivals(9, everybody))
    assert [each.units for each in one.planned] == [each.units for each in two.planned]


def test_every_stream_has_a_flow() -> None:
    assert planned(2024, SCALES[2]).missing == []


@pytest.mark.parametrize("factor", [Fraction(6, 5), Fraction(1, 2), Fraction(0)])
@pytest.mark.parametrize("name", ["tax.requests-sent", "eessi.pension-claims-received"])
def test_a_change_of_a_stream_changes_nothing_else(name: str, factor: Fraction) -> None:
    ordinary = planned(2024, Fraction(1, 1000))
    changed = Scenario(factors=((name, factor),)).plan(ordinary, load(), [])
    own = [
        (one, two)
        for one, two in zip(ordinary.planned, changed.planned, strict=True)
        if one.stream.id == name or one == two
    ]
    assert len(own) == len(ordinary.planned)
    before, after = (
        sum(sum(each.units) for each in of.planned if each.stream.id == name)
        for of in (ordinary, changed)
    )
    assert abs(after - before * factor) <= 1
    everybody = frozenset(each.flow.partner for each in ordinary.planned)
    number = days_of(2024).index(datetime.date(2024, 3, 4))
    one, two = (set(of.arrivals(number, everybody)) for of in (ordinary, changed))
    # More comes besides what there was, less is a part of it: no message that stays is moved.
    kept = {(each.at, each.serial, each.items) for each in (one if factor > 1 else two)}
    whole = {(each.at, each.serial, each.items) for each in (two if factor > 1 else one)}
    assert kept <= whole
    with pytest.raises(ValueError, match="no stream 'nothing'"):
        Scenario(factors=(("nothing", factor),)).plan(ordinary, load(), [])


@pytest.mark.parametrize("year", [2023, 2024])
def test_kelas_messages_to_banks_go_two_bank_days_before_its_paydays(year: int) -> None:
    weights = dict(zip(days_of(year), load().profiles["kela-payments"].weights(year), strict=True))
    for month in range(2, 13):
        payday = datetime.date(year, month, 26)
        if not is_bank_day(payday):
            payday = bank_day_from(payday, -1)
        sent = bank_day_from(payday, -2)
        assert weights[sent] == max(
            weight for date, weight in weights.items() if date.month == month and date.day > 8
        )
        assert bank_day_from(sent, 2) == payday
    assert all(is_bank_day(date) for date, weight in weights.items() if weight)

"""Generated deliveries: valid without a warning, as varied as pay is, of artificial persons only,
the same for the same seed.
"""

from __future__ import annotations

import datetime
import random
import re
import time

import pytest

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.generate import delivery
from exchange.assembly import checking
from exchange.journey.check import Checking
from exchange.schemas import guard
from exchange.schemas.identifiers import make_business_id, parse_personal_identity_code

PAYER = make_business_id(2_900_100)
DAYS = [datetime.date(2024, 1, 15), datetime.date(2024, 2, 29), datetime.date(2026, 3, 2)]


@pytest.fixture(scope="module")
def judge() -> Checking:
    """What `exchange validate` judges with."""
    return checking()


def batch(day: datetime.date, reports: int, name: str = "X-1") -> generate.Batch:
    """A deferred delivery."""
    return generate.Batch(PAYER, PAYER, day, name, reports, False)


def codes(body: bytes) -> set[str]:
    """The income types in a delivery."""
    return {code.decode() for code in re.findall(rb"<TransactionCode>(\d+)<", body)}


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_deliveries_of_every_kind_are_valid_without_a_warning(
    day: datetime.date, judge: Checking
) -> None:
    for seed in range(6):
        rng = random.Random(seed)
        bodies = [
            generate.wage_delivery(rng, batch(day, 80)),
            generate.separate_delivery(rng, batch(day, 9)),
        ]
        bodies += [
            generate.benefit_delivery(rng, batch(day, 60), kind)
            for kind in ("insurer", "fund", "kela")
        ]
        for body in bodies:
            assert [violation.as_text() for violation in judge.check(body).violations] == []


def test_a_delivery_of_3000_reports_is_valid_and_every_report_has_an_id_of_its_own(
    judge: Checking,
) -> None:
    body = generate.wage_delivery(random.Random(3), batch(DAYS[1], generate.REPORTS_MAX, "W" * 40))
    ids = re.findall(rb"<ReportId>([^<]+)<", body)
    assert len(set(ids)) == generate.REPORTS_MAX
    assert max(map(len, ids)) <= 40
    assert judge.check(body).violations == []


def test_pay_and_benefits_are_of_many_kinds() -> None:
    rng = random.Random(1)
    wages = b"".join(generate.wage_delivery(rng, batch(DAYS[1], 60, f"W-{n}")) for n in range(60))
    wanted = {
        101,
        102,
        103,
        105,
        201,
        213,
        235,
        304,
        311,
        317,
        330,
        331,
        334,
        336,
        401,
        402,
        407,
        413,
        414,
        417,
    }
    assert {str(code) for code in wanted} <= codes(wages)
    for name in (
        b"UnitWages",
        b"RecoveryData",
        b"InsuranceData",
        b"ReimbApp",
        b"EmploymentRegs",
        b"CarBenefit",
    ):
        assert name in wages, name
    benefits = b"".join(
        generate.benefit_delivery(rng, batch(DAYS[1], 400), kind)
        for kind in ("insurer", "fund", "kela")
    )
    assert len(codes(benefits)) > 8
    for name in (
        b"Deductions",
        b"RecoveryData",
        b"RecourseData",
        b"Insurance",
        b"UnjustEnrichment",
        b"OneOff",
        b"BenefitUnit",
    ):
        assert name in benefits, name


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = (
        generate.wage_delivery(random.Random(seed), batch(DAYS[0], 20)) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_earners_are_artificial_persons_of_working_age() -> None:
    body = generate.wage_delivery(random.Random(8), batch(DAYS[1], 500))
    assert not guard.real_person_in(body)
    found = [
        parse_personal_identity_code(code.decode())
        for code in re.findall(rb"<Type>2</Type><Code>([^<]{11})<", body)
    ]
    assert len(found) > 450
    assert all(
        code is not None and code.artificial and 18 <= 2024 - code.birth_date.year <= 62
        for code in found
    )


def test_sizes_are_from_one_report_to_three_thousand() -> None:
    sizes = [delivery.wages(random.Random(seed), DAYS[1], seed).items for seed in range(60)]
    assert sizes.count(1) > 10
    assert len(set(sizes)) > 10
    assert max(sizes) <= generate.REPORTS_MAX


def test_a_report_is_made_in_much_less_than_a_millisecond() -> None:
    """About 12 microseconds where this was written; the bound leaves room for a busy machine."""
    started = time.perf_counter()
    generate.wage_delivery(random.Random(5), batch(DAYS[1], 2000))
    assert (time.perf_counter() - started) / 2000 < 0.000_5

"""Year by year: a generated month is valid in its own year, and what is new in it is refused a year
before, or since.
"""

from __future__ import annotations

import datetime
import random
import re

import pytest

from exchange.adapters.income_register import generate
from exchange.ports import Context
from tests.adapters.income_register.judging import EMPLOYER, EVERYBODY, JUDGE, UNAIDED, inbound
from tests.adapters.income_register.rules.test_years import (
    CAR,
    FOREIGN,
    LINE,
    PERSON,
    POLICY,
    TYPE,
    UNIT,
    tin,
    with_earner,
    with_id,
    with_insurer,
    with_line,
)

BENEFIT = (
    b"<Transaction><TransactionBasic><TransactionCode>%b</TransactionCode><Amount>10.00</Amount>"
    b"<TaxTreatment>1</TaxTreatment>%b</TransactionBasic><EarningPeriod><StartDate>2020-06-01"
    b"</StartDate><EndDate>2020-06-30</EndDate></EarningPeriod>%b</Transaction>"
)
RECOVERED_EARLY = (
    b"<RecoveryData><RecoveryDate>2020-12-31</RecoveryDate><Withhold>1.00</Withhold>"
    b"<OrigEarningPeriod><StartDate>2020-06-01</StartDate><EndDate>2020-06-30</EndDate>"
    b"</OrigEarningPeriod></RecoveryData>"
)
DEMAND = (
    b"<DemandForRectificationIds><DemandForRectificationId>1</DemandForRectificationId>"
    b"</DemandForRectificationIds></ReportData>"
)


def with_car(body: bytes) -> bytes:
    """Each employee who is insured anyway with a car without emissions."""
    return b"</Report>".join(
        with_line(each, CAR % b"0")
        if b"<PensionInsurance>" in each and b"<Professions>" in each
        else each
        for each in body.split(b"</Report>")
    )


def insured(body: bytes, kind: bytes, number: bytes) -> bytes:
    """The payer of separate reports insured by that company under that number."""
    policies = b"<AccidentInsurances>%b</AccidentInsurances>" % (POLICY % (kind, number))
    return body.replace(b"</PayerIds>", b"</PayerIds>" + policies)


def with_payer_id(body: bytes, identifier: bytes) -> bytes:
    """The payer with one more identifier."""
    return body.replace(b"</PayerIds>", identifier + b"</PayerIds>")


#: What is new in the reports of a year: the rule, and whether that refuses it in the year before or
#: (where the new thing is the rule) since. Of benefits nothing else is known to have changed.
NEW_IN = {
    ("wages", 2022, "before"): (lambda body: with_car(body), "ir.emissions-year"),
    ("wages", 2023, "before"): (lambda body: with_earner(body, TYPE % b"16"), "ir.code-unknown"),
    ("wages", 2023, "since"): (
        lambda body: with_insurer(body, FOREIGN, b"1 2"),
        "ir.policy-number-space",
    ),
    ("wages", 2024, "before"): (
        lambda body: with_line(body, LINE % b"366"),
        "ir.transaction-code-unknown",
    ),
    ("wages", 2025, "before"): (lambda body: claimed(body), "ir.absence-cause-unknown"),
    ("wages", 2026, "before"): (
        lambda body: body.replace(b"</ReportData>", DEMAND),
        "ir.element-too-early",
    ),
    ("wages", 2027, "since"): (
        lambda body: with_line(body, LINE % b"411"),
        "ir.transaction-code-unknown",
    ),
    ("insurer", 2022, "since"): (
        lambda body: with_line(
            body, BENEFIT % (b"9112", b"<Recovery>true</Recovery>", RECOVERED_EARLY)
        ),
        "ir.recovery-date",
    ),
    ("kela", 2022, "since"): (
        lambda body: with_line(
            body, BENEFIT % (b"1266", b"<UnjustEnrichment>true</UnjustEnrichment>", b"")
        ),
        "ir.recovery-forbidden",
    ),
    ("kela", 2023, "before"): (
        lambda body: with_line(body, BENEFIT % (b"1423", b"", UNIT)),
        "ir.transaction-code-unknown",
    ),
    ("kela", 2023, "since"): (
        lambda body: with_line(body, BENEFIT % (b"1004", b"", b"")),
        "ir.benefit-unit-missing",
    ),
    ("fund", 2026, "since"): (
        lambda body: with_id(body, tin(b"FI")),
        "ir.country-of-identifier",
    ),
    ("separate", 2023, "since"): (
        lambda body: insured(body, FOREIGN, b"1 2"),
        "ir.policy-number-space",
    ),
    ("separate", 2025, "since"): (
        lambda body: insured(body, PERSON, b"1"),
        "ir.insurer-is-person",
    ),
    ("separate", 2026, "since"): (
        lambda body: with_payer_id(body, tin(b"FI")),
        "ir.country-of-identifier",
    ),
}


def claimed(body: bytes) -> bytes:
    """Each earner absent with a cause that there is since 2025."""
    day = re.search(rb"<PaymentDate>([^<]*)", body)
    assert day is not None
    absence = (
        b"<Absence><AbsenceRepStartDate>%b</AbsenceRepStartDate><AbsenceRepEndDate>%b"
        b"</AbsenceRepEndDate><PaidAbsence><PaidAbsencePeriods><PaidAbsencePeriod><StartDate>%b"
        b"</StartDate><EndDate>%b</EndDate><AbsenceDays>1</AbsenceDays><CauseCode>23</CauseCode>"
        b"<Amount>1.00</Amount></PaidAbsencePeriod>"
        b"</PaidAbsencePeriods></PaidAbsence></Absence>" % ((day[1],) * 4)
    )
    end = b"</Transactions></Report>"
    assert end in body
    return body.replace(end, end.replace(b"</Report>", absence + b"</Report>"))


def month(year: int, month_number: int, kind: str) -> list[bytes]:
    """A generated delivery of each fourth day of a month."""
    payer, bodies = EMPLOYER.business_id, []
    for day in range(1, 29, 4):
        date = datetime.date(year, month_number, day)
        batch = generate.Batch(payer, payer, date, f"Y{date:%Y%m%d}", 40, False)
        rng = random.Random(f"{date}")
        bodies.append(
            generate.wage_delivery(rng, batch)
            if kind == "wages"
            else generate.benefit_delivery(rng, batch, kind)
            if kind != "separate"
            else generate.separate_delivery(rng, batch)
        )
    return bodies


@pytest.mark.parametrize("kind", ["wages", "kela", "fund", "insurer", "separate"])
@pytest.mark.parametrize("year", [2022, 2023, 2024, 2025, 2026, 2027])
def test_a_generated_month_is_valid_in_its_own_year(year: int, kind: str) -> None:
    for body in month(year, 1 if year == 2027 else 5, kind):
        told = judged_anew_in(body, year)
        assert told == set(), (year, kind)


def judged_anew_in(body: bytes, year: int) -> set[str]:
    """The rules that a body breaks when it comes in in May of its year (January 2027: in the
    November before), warnings left out.
    """
    at = datetime.datetime(year, 6, 1) if year < 2027 else datetime.datetime(2026, 12, 31)
    now = int(at.replace(tzinfo=datetime.UTC).timestamp() * 1000)
    body = re.sub(rb"<Timestamp>2027-01-..", b"<Timestamp>2026-12-30", body)
    reading = JUDGE.read(UNAIDED, inbound(body))
    judgement = JUDGE.decide(UNAIDED, reading, Context(EVERYBODY, now))
    return {each.rule for each in judgement.violations if each.severity == "error"}


@pytest.mark.parametrize(("kind", "year", "refused"), NEW_IN)
def test_what_is_new_in_a_year_is_refused_a_year_before_or_since(
    kind: str, year: int, refused: str
) -> None:
    change, rule = NEW_IN[kind, year, refused]
    for of, side in ((year - 1, "before"), (year, "since")):
        number = 1 if year == 2027 and side == "since" else 5
        for body in month(of, number, kind)[::3]:
            told = judged_anew_in(change(body), of)
            assert (rule in told) == (side == refused), (of, told)
            assert side == refused or told == set(), "nothing else is wrong with it"


def test_the_payer_of_separate_reports_is_judged_as_the_last_month_asks() -> None:
    # (Reports of December 2022 and January 2023, the later one last.)
    body = insured(month(2023, 2, "separate")[0], FOREIGN, b"1 2")
    reports = re.findall(rb"<Report>.*?</Report>", body)[:2]
    for order, broken in ((reports[::-1], True), (reports, True), (reports[1:], False)):
        told = judged_anew_in(
            re.sub(rb"<Reports>.*</Reports>", b"<Reports>%b</Reports>" % b"".join(order), body),
            2023,
        )
        assert ("ir.policy-number-space" in told) == broken, order

"""Deliveries that are paid on a day, and changes of them that a year allows or forbids; no test."""

from __future__ import annotations

import datetime
import random
import re

from exchange.adapters.income_register import generate
from tests.adapters.income_register.judging import EMPLOYER, delivery

EARNER_END = b"</IncomeEarner>"
TYPE = (
    b"<IncomeEarnerOther><IncomeEarnerTypes><IncomeEarnerType>%b</IncomeEarnerType>"
    b"</IncomeEarnerTypes></IncomeEarnerOther>"
)
LINE = (
    b"<Transaction><TransactionBasic><TransactionCode>%b</TransactionCode><Amount>10.00</Amount>"
    b"</TransactionBasic></Transaction>"
)
POLICY = (
    b"<AccidentInsurance><AccInsProvId><Type>%b</AccInsProvId>"
    b"<AccInsPolicyNo>%b</AccInsPolicyNo></AccidentInsurance>"
)
FOREIGN = b"7</Type><Code>SE-1</Code><CountryCode>SE</CountryCode>"
PERSON = b"9</Type><Code>1</Code><CountryCode>SE</CountryCode>"
UNIT = b"<BenefitUnit><UnitCode>2</UnitCode><UnitAmount>1.00</UnitAmount></BenefitUnit>"
CAR = (
    b"<Transaction><TransactionBasic><TransactionCode>304</TransactionCode><Amount>10.00</Amount>"
    b"</TransactionBasic><CarBenefit><CarBenefitCode>1</CarBenefitCode>"
    b"<AgeGroupCode>1</AgeGroupCode>"
    b"<EmissionsValue>%b</EmissionsValue></CarBenefit></Transaction>"
)


def paid_on(day: str, kind: str = "wages") -> bytes:
    """A valid delivery of six reports that is paid on that day."""
    body = delivery(5, 6, kind)
    date = day.encode()
    body = re.sub(rb"<PaymentDate>[^<]*", b"<PaymentDate>" + date, body)
    body = re.sub(rb"<(StartDate|EndDate)>2026-[^<]*", rb"<\g<1>>" + date, body)
    return body.replace(b"<Timestamp>2026", b"<Timestamp>" + date[:4])


def with_earner(body: bytes, more: bytes) -> bytes:
    """Each earner's part with something at its end."""
    return body.replace(EARNER_END, more + EARNER_END)


def with_line(body: bytes, line: bytes) -> bytes:
    """Each report with one more transaction."""
    return body.replace(b"</Transactions>", line + b"</Transactions>")


def with_insurer(body: bytes, kind: bytes, number: bytes) -> bytes:
    """Each earner insured against accidents by that company under that number."""
    policy = POLICY % (kind, number)
    return body.replace(b"</PensionInsurance>", b"</PensionInsurance>" + policy)


def tin(country: bytes, number: bytes = b"AB 1") -> bytes:
    """A tax number beside an earner's personal identity code."""
    return b"<Id><Type>5</Type><Code>%b</Code><CountryCode>%b</CountryCode></Id>" % (
        number,
        country,
    )


def with_id(body: bytes, identifier: bytes) -> bytes:
    """Each earner with one more identifier."""
    return body.replace(b"</IncomeEarnerIds>", identifier + b"</IncomeEarnerIds>")


def absent(body: bytes, cause: bytes) -> bytes:
    """Each earner absent without pay for that cause."""
    day = re.search(rb"<PaymentDate>([^<]*)", body)
    assert day is not None
    absence = (
        b"<Absence><AbsenceRepStartDate>%b</AbsenceRepStartDate><AbsenceRepEndDate>%b"
        b"</AbsenceRepEndDate><UnpaidAbsence><UnpaidAbsencePeriods><UnpaidAbsencePeriod><StartDate>"
        b"%b</StartDate><EndDate>%b</EndDate><AbsenceDays>1</AbsenceDays><CauseCode>%b</CauseCode>"
        b"</UnpaidAbsencePeriod></UnpaidAbsencePeriods></UnpaidAbsence></Absence>"
        % (*((day[1],) * 4), cause)
    )
    return body.replace(b"</Transactions></Report>", b"</Transactions>" + absence + b"</Report>")


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

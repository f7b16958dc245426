"""Makes valid synthetic deliveries about artificial persons, of 1 to 3,000 reports; the same seed
gives the same bytes.

Pay and benefits are made beside it. Nothing of a delivery is anybody's: identity codes have
individual numbers 900-999.
"""

from __future__ import annotations

import datetime
import functools
import random

from exchange.adapters.income_register.generate.benefits import BENEFITS, benefit_report, payments
from exchange.adapters.income_register.generate.parts import (
    Batch,
    company,
    contact,
    header,
    identifier,
)
from exchange.adapters.income_register.generate.pay import payroll, wage_report
from exchange.schemas.call import XML
from exchange.schemas.directory import load
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.identifiers import make_business_id

__all__ = [
    "GENERATORS",
    "REPORTS_MAX",
    "Batch",
    "benefit_delivery",
    "delivery_id",
    "separate_delivery",
    "wage_delivery",
]

_NAMESPACE = "http://www.tulorekisteri.fi/2017/1/"
#: Reports in a delivery, at most (the register recommends no more).
REPORTS_MAX = 3000
_KEVA_PAYER = "<SubOrgs><SubOrg><Type>1</Type><Code>20123</Code></SubOrg></SubOrgs>"
_PUBLIC = "<PayerOther><PayerTypes><Code>1</Code></PayerTypes></PayerOther>"


def _document(namespace: str, root: str, inside: bytes) -> bytes:
    return b'<r:%b xmlns:r="%b"><DeliveryData>%b</DeliveryData></r:%b>' % (
        root.encode(),
        f"{_NAMESPACE}{namespace}".encode(),
        inside,
        root.encode(),
    )


def wage_delivery(rng: random.Random, batch: Batch) -> bytes:
    """A delivery of wage reports, without a SOAP envelope."""
    chance = rng.random
    pay = payroll(chance, batch)
    basic = f"<PayerBasic><CompanyName>{company(batch.payer)}</CompanyName></PayerBasic>"
    head = (
        f"{header(batch, 100)}<PaymentPeriod><PaymentDate>{batch.day}</PaymentDate><StartDate>"
        f"{pay.span.first}</StartDate>"
        f"<EndDate>{pay.span.last}</EndDate></PaymentPeriod>{contact(batch.payer)}<Payer><PayerIds>"
        f"{identifier('Id', 1, batch.payer)}"
        f"</PayerIds>{basic}{_KEVA_PAYER + _PUBLIC if pay.with_keva else ''}</Payer><Reports>"
    )
    reports = [wage_report(chance, pay, number) for number in range(1, batch.reports + 1)]
    root = "WageReportRequestToIR" if batch.real_time else "WageReportsRequestToIR"
    return _document("WageReportsToIR", root, b"".join((head.encode(), *reports, b"</Reports>")))


def benefit_delivery(rng: random.Random, batch: Batch, kind: str = "insurer") -> bytes:
    """A delivery of benefit reports, without a SOAP envelope. `kind` is `insurer`, `fund` or
    `kela`: what benefits are paid.
    """
    chance = rng.random
    paid = payments(batch, kind)
    head = (
        f"{header(batch, 102)}<PaymentDate>{batch.day}</PaymentDate>{contact(batch.payer)}<Payer>"
        "<PayerIds>"
        f"{identifier('Id', 1, batch.payer)}</PayerIds></Payer><Reports>"
    )
    reports = [benefit_report(chance, paid, number) for number in range(1, batch.reports + 1)]
    root = "BenefitReportRequestToIR" if batch.real_time else "BenefitReportsRequestToIR"
    return _document("BenefitReportsToIR", root, b"".join((head.encode(), *reports, b"</Reports>")))


def separate_delivery(rng: random.Random, batch: Batch) -> bytes:
    """A delivery of employer's separate reports, one for each month back from the day's; without a
    SOAP envelope.
    """
    chance = rng.random
    reports = []
    months = batch.day.year * 12 + batch.day.month - 1
    for number in range(1, batch.reports + 1):
        year, month = (months - number) // 12, (months - number) % 12 + 1
        cents = 10_000 + int(chance() * 4_000_000)
        sums = (
            ((102, cents), (103, cents // 9))
            if chance() < 0.3
            else ((102, cents),)
            if chance() < 0.9
            else ((101, 0),)
        )
        lines = "".join(
            "<Transaction><TransactionBasic><SummaryTransactionCode>"
            f"{code}</SummaryTransactionCode>"
            + (f"<Amount>{amount // 100}.{amount % 100:02d}</Amount>" if amount else "")
            + "</TransactionBasic></Transaction>"
            for code, amount in sums
        )
        reports.append(
            "<Report><ReportData><ActionCode>1</ActionCode><ReportId>"
            f"{batch.report_prefix.decode()}-{number:04d}</ReportId></ReportData>"
            f"<PaymentMonth><Month>{month}</Month><Year>{year}</Year></PaymentMonth><Transactions>"
            f"{lines}</Transactions></Report>"
        )
    inside = (
        f"{header(batch, 101)}{contact(batch.payer)}<ReportDate>{batch.day}</ReportDate><Payer>"
        "<PayerIds>"
        f"{identifier('Id', 1, batch.payer)}</PayerIds></Payer><Reports>"
        f"{''.join(reports)}</Reports>"
    )
    root = "PayerSummaryReportRequestToIR" if batch.real_time else "PayerSummaryReportsRequestToIR"
    return _document("PayerSummaryReportsToIR", root, inside.encode())


def delivery_id(day: datetime.date, serial: int, prefix: str = "W") -> str:
    """An owner's id of a delivery: `W20261124-00000007`."""
    return f"{prefix}{day:%Y%m%d}-{serial:08d}"


def _sizes(rng: random.Random) -> tuple[int, bool]:
    """Half of the deliveries are real-time ones with one report; of the others most are small, and
    a few as large as may be.
    """
    which = rng.random()
    if which < 0.5:
        return 1, True
    if which < 0.97:
        return rng.randrange(2, 26), False
    return int(26 * (REPORTS_MAX / 26) ** rng.random()), False


@functools.cache
def _first(sector: str) -> str:
    """The business id of who sends when nobody is named: the first of the sector in the
    directory.
    """
    return load().in_sector(sector)[0].business_id


def _batch(rng: random.Random, day: datetime.date, serial: int, prefix: str, sector: str) -> Batch:
    count, real_time = _sizes(rng)
    payer = make_business_id(rng.randrange(1_000_000, 3_000_000))
    return Batch(
        payer=payer,
        sender=_first(sector),
        day=day,
        delivery_id=delivery_id(day, serial, prefix),
        reports=count,
        real_time=real_time,
    )


def wages(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """A delivery of wage reports: one in real time, or several deferred."""
    batch = _batch(rng, day, serial, "W", "employer")
    return Generated(wage_delivery(rng, batch), XML, batch.delivery_id, batch.reports)


def benefits(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """A delivery of benefit reports by an insurer, a fund or Kela."""
    batch = _batch(rng, day, serial, "B", "pension-institution")
    return Generated(
        benefit_delivery(rng, batch, rng.choice(tuple(BENEFITS))),
        XML,
        batch.delivery_id,
        batch.reports,
    )


def separate(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """One of an employer's separate reports, in real time."""
    payer = make_business_id(rng.randrange(1_000_000, 3_000_000))
    batch = Batch(payer, _first("employer"), day, delivery_id(day, serial, "S"))
    return Generated(separate_delivery(rng, batch), XML, batch.delivery_id)


GENERATORS: dict[str, Generator] = {
    "income-register.wage-reports": wages,
    "income-register.benefit-reports": benefits,
    "income-register.payer-summary-reports": separate,
}

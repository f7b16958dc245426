"""Makes valid synthetic deliveries of wage and benefit reports about artificial persons; the same seed gives the same bytes.

Amounts follow ordinary pay: time-rate pay, now and then extras and fringe benefits, and the deductions of 2024 (employee's
pension contribution 7.15 % or 8.65 %, unemployment insurance 0.79 %); tax is an even share. Benefit income types are *modelled*.
"""

from __future__ import annotations

import datetime
import functools
import random
from dataclasses import dataclass
from xml.sax.saxutils import escape

from schemas.call import XML
from schemas.directory import load
from schemas.generated import Generated, Generator
from schemas.identifiers import make_business_id
from schemas.persons import Person, person

WAGES_NAMESPACE = "http://www.tulorekisteri.fi/2017/1/WageReportsToIR"
BENEFITS_NAMESPACE = "http://www.tulorekisteri.fi/2017/1/BenefitReportsToIR"
#: Reports in a deferred delivery, at most (the register recommends no more than 3,000).
REPORTS_MAX = 25

_PROVIDERS = (46, 54, 55, 56)
_PROFESSIONS = ("42291", "91110", "32591", "25121", "53112", "71110", "52221", "23410")
_EXTRAS = (("235", "Overtime"), ("236", "Night work"), ("221", "Sunday work"), ("203", "Bonus"), ("213", "Holiday bonus"))
_COMPANIES = ("Kuusikko", "Louhi", "Rantasampo", "Tuulenpesä", "Haavikko", "Sinisalo", "Pyörretuuli", "Kantele")
_BENEFITS = {"insurer": (1112, 1109), "fund": (1106,), "kela": (1101, 1102, 1103, 1104, 1105, 1107, 1110, 1111)}


@dataclass(frozen=True, slots=True)
class Batch:
    """What is common to a delivery: who pays (business id), who sends it, when it is paid, how it is called."""

    payer: str
    sender: str
    day: datetime.date
    delivery_id: str
    reports: int = 1
    real_time: bool = True
    faulty_control: int = 1


def _id(name: str, kind: int, code: str) -> str:
    return f"<{name}><Type>{kind}</Type><Code>{code}</Code></{name}>"


def _header(batch: Batch, kind: int) -> str:
    return (
        f"<Timestamp>{batch.day.isoformat()}T06:00:00Z</Timestamp><Source>Exchange simulator</Source>"
        f"<DeliveryDataType>{kind}</DeliveryDataType><DeliveryId>{batch.delivery_id}</DeliveryId>"
        f"<FaultyControl>{batch.faulty_control}</FaultyControl><ProductionEnvironment>false</ProductionEnvironment>"
        + _id("DeliveryDataOwner", 1, batch.payer)
        + _id("DeliveryDataCreator", 1, batch.sender)
        + _id("DeliveryDataSender", 1, batch.sender)
    )


def _contact(rng: random.Random) -> str:
    somebody = person(rng)
    name = escape(f"{somebody.first_name} {somebody.last_name}")
    return (
        f"<ContactPersons><ContactPerson><Name>{name}</Name><Telephone>+358 50 {rng.randrange(1000000, 9999999)}</Telephone>"
        "<ResponsibilityCode>1</ResponsibilityCode></ContactPerson></ContactPersons>"
    )


def _earner(earner: Person) -> str:
    return (
        f"<IncomeEarnerIds>{_id('Id', 2, earner.personal_identity_code)}</IncomeEarnerIds><IncomeEarnerBasic>"
        f"<LastName>{escape(earner.last_name)}</LastName><FirstName>{escape(earner.first_name)}</FirstName></IncomeEarnerBasic>"
    )


def _report_data(report_id: str) -> str:
    return f"<ReportData><ActionCode>1</ActionCode><ReportId>{report_id}</ReportId></ReportData>"


def _line(code: str, cents: int, rest: str = "") -> str:
    amount = f"{cents // 100}.{cents % 100:02d}"
    return (
        f"<Transaction><TransactionBasic><TransactionCode>{code}</TransactionCode><Amount>{amount}</Amount></TransactionBasic>"
        f"{rest}</Transaction>"
    )


def _pay(rng: random.Random, start: datetime.date, end: datetime.date) -> str:
    """Time-rate pay and what goes with it, and what was deducted."""
    wage = rng.randrange(180_000, 620_000)
    period = (
        f"<EarningPeriods><EarningPeriod><StartDate>{start}</StartDate><EndDate>{end}</EndDate></EarningPeriod></EarningPeriods>"
    )
    lines, subject = [_line("201", wage, period)], wage
    if rng.random() < 0.35:
        code, _ = rng.choice(_EXTRAS)
        extra = rng.randrange(2_000, 60_000)
        lines.append(_line(code, extra))
        subject += extra
    if rng.random() < 0.12:
        lines.append(_line("334", 13_500))
        subject += 13_500
    if rng.random() < 0.1:
        kilometres = rng.randrange(12, 600)
        lines.append(_line("311", kilometres * 57, f"<KmAllowance><Kilometers>{kilometres}</Kilometers></KmAllowance>"))
    lines.append(_line("402", subject * rng.randrange(12, 36) // 100))
    lines.append(_line("413", subject * rng.choice((715, 715, 715, 865)) // 10_000))
    lines.append(_line("414", subject * 79 // 10_000))
    return f"<Transactions>{''.join(lines)}</Transactions>"


def _wage_report(rng: random.Random, report_id: str, start: datetime.date, end: datetime.date) -> str:
    earner = person(rng, datetime.date(end.year - 66, 1, 1), datetime.date(end.year - 18, 1, 1))
    provider = rng.choice(_PROVIDERS)
    hired = start - datetime.timedelta(days=rng.randrange(30, 6000))
    return (
        f"<Report>{_report_data(report_id)}<IncomeEarner>{_earner(earner)}<Employment><Employed>true</Employed>"
        "<EmploymentCode>1</EmploymentCode><TermCode>1</TermCode><HoursPerWeek>37.50</HoursPerWeek>"
        "<PaymentTypes><PaymentType>1</PaymentType></PaymentTypes><EmploymentPeriods><Period>"
        f"<StartDate>{hired}</StartDate></Period></EmploymentPeriods></Employment>"
        f"<Professions><Profession><Type>1</Type><Code>{rng.choice(_PROFESSIONS)}</Code></Profession></Professions>"
        f"<PensionInsurance><PensionActCode>1</PensionActCode><PensionProvIdCode>{provider}</PensionProvIdCode>"
        f"<PensionPolicyNo>{provider}-{rng.randrange(10**8):08d}</PensionPolicyNo></PensionInsurance></IncomeEarner>"
        f"{_pay(rng, start, end)}</Report>"
    )


def wage_delivery(rng: random.Random, batch: Batch) -> bytes:
    """A delivery of wage reports for the calendar month before the payment date, without a SOAP envelope."""
    end = batch.day.replace(day=1) - datetime.timedelta(days=1)
    start = end.replace(day=1)
    reports = "".join(
        _wage_report(rng, f"{batch.delivery_id}-{index + 1:04d}"[-40:], start, end) for index in range(batch.reports)
    )
    root = "WageReportRequestToIR" if batch.real_time else "WageReportsRequestToIR"
    company = f"{rng.choice(_COMPANIES)} Oy"
    return (
        f'<w:{root} xmlns:w="{WAGES_NAMESPACE}"><DeliveryData>{_header(batch, 100)}'
        f"<PaymentPeriod><PaymentDate>{batch.day}</PaymentDate><StartDate>{start}</StartDate><EndDate>{end}</EndDate>"
        f"</PaymentPeriod>{_contact(rng)}<Payer><PayerIds>{_id('Id', 1, batch.payer)}</PayerIds><PayerBasic>"
        f"<CompanyName>{company}</CompanyName></PayerBasic></Payer><Reports>{reports}</Reports></DeliveryData></w:{root}>"
    ).encode()


def _benefit_report(rng: random.Random, report_id: str, kind: str, end: datetime.date) -> str:
    earner = person(rng, datetime.date(1940, 1, 1), datetime.date(end.year - 18, 1, 1))
    days = rng.randrange(5, 26)
    start = end - datetime.timedelta(days=days)
    cents = days * rng.randrange(3_300, 13_000)
    deduction = ""
    if kind == "kela" and rng.random() < 0.1:
        period = f"<StartDate>{start}</StartDate><EndDate>{end}</EndDate>"
        deduction = (
            "<Deductions><Deduction><DeductionTransactionCode>1269</DeductionTransactionCode><DeductionType>4</DeductionType>"
            f"<Amount>{cents // 300}.00</Amount><OrigBenefitEarningPeriod>{period}</OrigBenefitEarningPeriod><IncomeBeneficiary>"
            "<IncomeBeneficiaryBasic><CompanyName>Hyvinvointialue</CompanyName><IncomeBeneficiaryType>2</IncomeBeneficiaryType>"
            f"</IncomeBeneficiaryBasic></IncomeBeneficiary><RemittancePeriod>{period}</RemittancePeriod></Deduction></Deductions>"
        )
    return (
        f"<Report>{_report_data(report_id)}<IncomeEarner>{_earner(earner)}</IncomeEarner><Transactions><Transaction>"
        f"<TransactionBasic><TransactionCode>{rng.choice(_BENEFITS[kind])}</TransactionCode>"
        f"<Amount>{cents // 100}.{cents % 100:02d}</Amount><TaxTreatment>1</TaxTreatment></TransactionBasic>"
        f"<EarningPeriod><StartDate>{start}</StartDate><EndDate>{end}</EndDate></EarningPeriod>"
        f"<BenefitUnit><UnitCode>2</UnitCode><UnitAmount>{days}.00</UnitAmount></BenefitUnit>{deduction}</Transaction>"
        "</Transactions></Report>"
    )


def benefit_delivery(rng: random.Random, batch: Batch, kind: str = "insurer") -> bytes:
    """A delivery of benefit reports, without a SOAP envelope. `kind` is `insurer`, `fund` or `kela`: what benefits are paid."""
    end = batch.day - datetime.timedelta(days=1)
    reports = "".join(
        _benefit_report(rng, f"{batch.delivery_id}-{index + 1:04d}"[-40:], kind, end) for index in range(batch.reports)
    )
    root = "BenefitReportRequestToIR" if batch.real_time else "BenefitReportsRequestToIR"
    return (
        f'<b:{root} xmlns:b="{BENEFITS_NAMESPACE}"><DeliveryData>{_header(batch, 102)}<PaymentDate>{batch.day}</PaymentDate>'
        f"{_contact(rng)}<Payer><PayerIds>{_id('Id', 1, batch.payer)}</PayerIds></Payer><Reports>{reports}</Reports>"
        f"</DeliveryData></b:{root}>"
    ).encode()


def delivery_id(day: datetime.date, serial: int, prefix: str = "W") -> str:
    """An owner's id of a delivery: `W20261124-00000007`."""
    return f"{prefix}{day:%Y%m%d}-{serial:08d}"


def _sizes(rng: random.Random) -> tuple[int, bool]:
    return (1, True) if rng.random() < 0.5 else (rng.randrange(2, REPORTS_MAX + 1), False)


@functools.cache
def _first(sector: str) -> str:
    """The business id of who sends when nobody is named: the first of the sector in the directory."""
    return load().in_sector(sector)[0].business_id


def wages(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """A delivery of wage reports: one in real time, or several deferred."""
    count, real_time = _sizes(rng)
    payer = make_business_id(rng.randrange(1_000_000, 3_000_000))
    batch = Batch(payer, _first("employer"), day, delivery_id(day, serial), count, real_time)
    return Generated(wage_delivery(rng, batch), XML, batch.delivery_id, count)


def benefits(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """A delivery of benefit reports by an insurer, a fund or Kela."""
    count, real_time = _sizes(rng)
    payer = make_business_id(rng.randrange(1_000_000, 3_000_000))
    batch = Batch(payer, _first("pension-institution"), day, delivery_id(day, serial, "B"), count, real_time)
    return Generated(benefit_delivery(rng, batch, rng.choice(tuple(_BENEFITS))), XML, batch.delivery_id, count)


GENERATORS: dict[str, Generator] = {"income-register.wage-reports": wages, "income-register.benefit-reports": benefits}

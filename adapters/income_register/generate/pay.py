"""Makes wage reports: monthly and hourly pay, totals, fringe benefits, travel, fees, recoveries and
what is deducted; no header.

Deductions are those of 2024: employee's pension contribution 7.15 % (8.65 % from 53 to 62 years),
unemployment insurance 0.79 %. A report has six transactions on average (Statistics Finland: some
300 million in 50 million reports a year); how often each kind of pay stands in one is assumed.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from exchange.adapters.income_register.generate.parts import (
    Batch,
    Chance,
    Span,
    earner,
    report_data,
)
from exchange.schemas.identifiers import make_business_id

_PROFESSIONS = (
    b"42291",
    b"91110",
    b"32591",
    b"25121",
    b"53112",
    b"71110",
    b"52221",
    b"23410",
    b"83322",
    b"33131",
    b"41101",
)
_PROVIDERS = (46, 54, 55, 56)
_KEVA = (20, 30)
#: Supplements: a report has none to three of them, each of another kind.
_EXTRAS = (235, 236, 221, 203, 206, 207, 216, 237)
_EXTRAS_MAX = 3
#: What a replacement corrects: the tax withheld, by so many per cent of the pay.
_CORRECTED_PERCENT = 1
_HIRED = tuple(
    (datetime.date(2001, 1, 1) + datetime.timedelta(days=41 * n)).isoformat().encode()
    for n in range(190)
)
_AMOUNT = (
    b"<Transaction><TransactionBasic><TransactionCode>%d</TransactionCode><Amount>%d.%02d</Amount>"
)
_LINE = _AMOUNT + b"</TransactionBasic></Transaction>"
_LINE_WITH = _AMOUNT + b"</TransactionBasic>%b</Transaction>"
_RECOVERED = _AMOUNT + b"<Recovery>true</Recovery></TransactionBasic>%b</Transaction>"
_PERIOD = (
    b"<EarningPeriods><EarningPeriod><StartDate>%b</StartDate><EndDate>%b</EndDate>"
    b"</EarningPeriod></EarningPeriods>"
)
_HOURS = (
    b"<UnitWages><UnitWage><UnitPrice>%d.%02d</UnitPrice><UnitAmount>%d.%02d</UnitAmount>"
    b"<UnitCode>1</UnitCode></UnitWage></UnitWages>"
)
_INCLUSION = (
    b"<InsuranceData><TransactionInclusion><InsuranceCode>%d</InsuranceCode><Included>"
    b"false</Included></TransactionInclusion></InsuranceData>"
)
_CAR = (
    b"<CarBenefit><CarBenefitCode>%d</CarBenefitCode><AgeGroupCode>%d</AgeGroupCode><Kilometers>"
    b"%d</Kilometers></CarBenefit>"
)
_OTHER = b"<OtherBenefit><BenefitCode>4</BenefitCode></OtherBenefit>"
_DAILY = b"<DailyAllowance><AllowanceCode>%d</AllowanceCode></DailyAllowance>"
_KILOMETRES = b"<KmAllowance><Kilometers>%d</Kilometers></KmAllowance>"
_RECOVERY = (
    b"<RecoveryData><RecoveryDate>%b</RecoveryDate><OrigPaymentPeriods><OrigPaymentPeriod>"
    b"<StartDate>%b</StartDate>"
    b"<EndDate>%b</EndDate></OrigPaymentPeriod></OrigPaymentPeriods></RecoveryData>"
)
_EMPLOYMENT = (
    b"<Employment><Employed>true</Employed><EmploymentCode>%d</EmploymentCode><TermCode>"
    b"%d</TermCode><HoursPerWeek>%d.50</HoursPerWeek>"
    b"<PaymentTypes><PaymentType>%d</PaymentType></PaymentTypes><EmploymentPeriods><Period>"
    b"<StartDate>%b</StartDate></Period>"
    b"</EmploymentPeriods></Employment><Professions><Profession><Type>1</Type><Code>%b</Code>"
    b"</Profession>%b</Professions>%b"
)
_INSURED = (
    b"<PensionInsurance><PensionActCode>1</PensionActCode><PensionProvIdCode>%d</PensionProvIdCode>"
    b"<PensionPolicyNo>%d-%08d</PensionPolicyNo></PensionInsurance></IncomeEarner><Transactions>"
)
_KEVA_PROFESSION = b"<Profession><Type>2</Type><Code>5311</Code></Profession>"
_KEVA_GROUND = (
    b"<EmploymentRegs><EmploymentReg><Type>1</Type><Code>1</Code></EmploymentReg></EmploymentRegs>"
)
_ABSENCE = (
    b"</Transactions><Absence><PaidAbsence><PaidAbsencePeriods><PaidAbsencePeriod><StartDate>"
    b"%b</StartDate><EndDate>%b</EndDate>"
    b"<CauseCode>1</CauseCode><Amount>%d.%02d</Amount><ReimbApp><ReimbPayment><PaymentType>"
    b"1</PaymentType><PaymentRef>%08d</PaymentRef>"
    b"</ReimbPayment></ReimbApp></PaidAbsencePeriod></PaidAbsencePeriods></PaidAbsence></Absence>"
    b"</Report>"
)
_END = b"</Transactions></Report>"
_COMPANY = (
    b"<IncomeEarnerIds><Id><Type>1</Type><Code>%b</Code></Id></IncomeEarnerIds><IncomeEarnerBasic>"
    b"<CompanyName>Toiminimi %d</CompanyName>"
    b"</IncomeEarnerBasic></IncomeEarner><Transactions>"
)


@dataclass(frozen=True, slots=True)
class Payroll:
    """What the reports of a delivery share: the pay period, how it is paid and who insures."""

    batch: Batch
    span: Span
    earning: bytes
    hourly: bool
    totals: bool
    provider: int
    policy: int
    recovered: bytes

    @property
    def tax_percent(self) -> int:
        """Tax withheld of the lowest pay."""
        return 8 + (_CORRECTED_PERCENT if self.batch.replaces else 0)

    @property
    def with_keva(self) -> bool:
        """Whether the employer is a public body whose employees Keva insures."""
        return self.provider in _KEVA


def payroll(chance: Chance, batch: Batch) -> Payroll:
    """How an employer pays: by the month, for the month before, or every two weeks."""
    hourly = chance() < 0.25
    if hourly:
        last = batch.day - datetime.timedelta(days=3 + int(chance() * 4))
        span = Span.of(last - datetime.timedelta(days=13), last)
    else:
        span = Span.month_of(batch.day, 1 if batch.day.day <= 10 or chance() < 0.2 else 0)
    public = chance() < 0.15
    provider = _KEVA[int(chance() * 2)] if public else _PROVIDERS[int(chance() * 4)]
    before = Span.month_of(span.first, 1)
    recovered = _RECOVERY % (batch.day.isoformat().encode(), before.start, before.end)
    totals = not hourly and chance() < 0.15
    policy = int(chance() * 10**8)
    return Payroll(
        batch=batch,
        span=span,
        earning=_PERIOD % (span.start, span.end),
        hourly=hourly,
        totals=totals,
        provider=provider,
        policy=policy,
        recovered=recovered,
    )


def wage_report(chance: Chance, pay: Payroll, number: int) -> bytes:
    """One report; about 10 microseconds."""
    if chance() < 0.02:
        return _fee(chance, pay, number)
    older = chance() < 0.22
    year = pay.batch.day.year
    who = earner(chance, year - 62, 9) if older else earner(chance, year - 52, 33)
    part_time = chance() < 0.15
    return b"".join(
        (
            report_data(pay.batch, number),
            b"<IncomeEarner>",
            who,
            _EMPLOYMENT
            % (
                2 if part_time else 1,
                2 if chance() < 0.12 else 1,
                18 if part_time else 37,
                2 if pay.hourly else 1,
                _HIRED[int(chance() * len(_HIRED))],
                _PROFESSIONS[int(chance() * len(_PROFESSIONS))],
                _KEVA_PROFESSION if pay.with_keva else b"",
                _KEVA_GROUND if pay.with_keva else b"",
            ),
            _INSURED % (pay.provider, pay.provider, pay.policy),
            *_lines(chance, pay, 865 if older else 715),
        )
    )


def _lines(chance: Chance, pay: Payroll, pension_rate: int) -> list[bytes]:
    """The transactions of one report, and what ends it."""
    if pay.hourly:
        lines, subject = _hourly(chance, pay)
    elif pay.totals:
        lines, subject = _totals(chance)
    else:
        wage = 180_000 + int(chance() * 440_000)
        lines, subject = [_LINE_WITH % (201, wage // 100, wage % 100, pay.earning)], wage
    rare = chance()
    if not pay.totals:
        subject += _supplements(chance, lines)
    if rare < 0.07 and not pay.totals:
        bonus = subject // 2
        lines.append(_LINE % (213, bonus // 100, bonus % 100))
        subject += bonus
    elif rare < 0.08 and not pay.totals:
        taken = 5_000 + int(chance() * 20_000)
        lines.append(_RECOVERED % (201, taken // 100, taken % 100, pay.recovered))
    subject += _fringe(chance, lines)
    tax = subject * (pay.tax_percent + int(chance() * 30)) // 100
    pension, unemployment = subject * pension_rate // 10_000, subject * 79 // 10_000
    lines.append(_LINE % (402, tax // 100, tax % 100))
    lines.append(_LINE % (413, pension // 100, pension % 100))
    lines.append(_LINE % (414, unemployment // 100, unemployment % 100))
    if rare > 0.98:
        taken = subject // 9
        lines.append(_LINE % (417, taken // 100, taken % 100))
    if rare > 0.965 and not pay.hourly and not pay.totals:
        sick = subject // 6
        lines.append(
            _ABSENCE
            % (
                pay.span.start,
                pay.span.start[:8] + b"05",
                sick // 100,
                sick % 100,
                int(chance() * 10**8),
            )
        )
    else:
        lines.append(_END)
    return lines


def _supplements(chance: Chance, lines: list[bytes]) -> int:
    """Supplements to the pay; what they add to the income that contributions are counted from."""
    first, added = int(chance() * len(_EXTRAS)), 0
    for place in range(int(chance() * (_EXTRAS_MAX + 1))):
        extra = 2_000 + int(chance() * 58_000)
        code = _EXTRAS[(first + place) % len(_EXTRAS)]
        lines.append(_LINE % (code, extra // 100, extra % 100))
        added += extra
    return added


def _hourly(chance: Chance, pay: Payroll) -> tuple[list[bytes], int]:
    price, quarters = 1_180 + int(chance() * 1_300), 120 + int(chance() * 200)
    wage = price * quarters // 4
    units = _HOURS % (price // 100, price % 100, quarters // 4, quarters % 4 * 25)
    return [_LINE_WITH % (201, wage // 100, wage % 100, pay.earning + units)], wage


def _totals(chance: Chance) -> tuple[list[bytes], int]:
    """Reporting method 1: the total alone, or with the sum that an insurance is counted from."""
    wage = 180_000 + int(chance() * 440_000)
    if chance() < 0.7:
        return [_LINE % (101, wage // 100, wage % 100)], wage
    part = wage - int(chance() * 30_000)
    code, insurance = ((103, 1), (102, 2), (105, 5))[int(chance() * 3)]
    total = _LINE_WITH % (101, wage // 100, wage % 100, _INCLUSION % insurance)
    return [total, _LINE % (code, part // 100, part % 100)], wage


def _fringe(chance: Chance, lines: list[bytes]) -> int:
    """Fringe benefits and travel, now and then; what they add to the income that contributions are
    counted from.
    """
    which, added = chance(), 0
    if which < 0.1:
        lines.append(_LINE % (334, 135, 0))
        added = 13_500
        if which < 0.03:
            lines.append(_LINE % (407, 40, 0))
    elif which < 0.17:
        added = 45_000 + int(chance() * 50_000)
        car = _CAR % (1 + int(chance() * 2), 1 + int(chance() * 3), int(chance() * 900))
        lines.append(_LINE_WITH % (304, added // 100, added % 100, car))
        if which < 0.12:
            lines.append(_LINE % (401, added // 400, 0))
    elif which < 0.25:
        lines.append(_LINE % (330, 20, 0))
        added = 2_000
    elif which < 0.27:
        lines.append(_LINE_WITH % (317, 55, 0, _OTHER))
        added = 5_500
    elif which < 0.35:
        kilometres = 12 + int(chance() * 590)
        lines.append(
            _LINE_WITH
            % (311, kilometres * 57 // 100, kilometres * 57 % 100, _KILOMETRES % kilometres)
        )
    elif which < 0.4:
        lines.append(_LINE_WITH % (331, 51, 0, _DAILY % (2 + int(chance() * 2))))
    return added


def _fee(chance: Chance, pay: Payroll, number: int) -> bytes:
    """Compensation for work to a company: no employment and no insurance."""
    cents = 20_000 + int(chance() * 900_000)
    company = make_business_id(2_900_000 + int(chance() * 90_000)).encode()
    return b"".join(
        (
            report_data(pay.batch, number),
            b"<IncomeEarner>",
            _COMPANY % (company, number),
            _LINE % (336, cents // 100, cents % 100),
            _LINE % (402, cents * pay.tax_percent // 10_000, 0),
            _END,
        )
    )

"""Makes benefit reports: daily allowances and pensions, deductions, recoveries, recourse and
insurances; no header.

Income types of four digits from 9101 on are *modelled* (see `benefit_income_types.toml`); how often
each kind of transaction is made is assumed; that a report has 1.7 transactions on average is
published (Statistics Finland: 34 million in 20 million reports from January to April 2021, with
deductions in 6 of 100).
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

#: Parental allowance for leave since 1 August 2022, and before.
PARENTAL, _PARENTAL_BEFORE = 1423, 1001
_PARENTAL_SINCE = datetime.date(2022, 8, 1)
#: Income types by who pays: an insurer, an unemployment fund, Kela.
BENEFITS = {
    "insurer": (9112, 9109, 9109),
    "fund": (9106,),
    "kela": (9101, PARENTAL, 9103, 9104, 9105, 9107, 9110, 9111),
}
_PENSIONS = frozenset((9107, 9108, 9109))
_ACCIDENT = 9112
_OPENING = b"</IncomeEarner><Transactions>"
_BASIC = (
    b"<Transaction><TransactionBasic><TransactionCode>%d</TransactionCode><Amount>%d.%02d</Amount>"
    b"<TaxTreatment>1</TaxTreatment>%b</TransactionBasic><EarningPeriod><StartDate>%b</StartDate>"
    b"<EndDate>%b</EndDate></EarningPeriod>"
)
_UNIT = b"<BenefitUnit><UnitCode>2</UnitCode><UnitAmount>%d.00</UnitAmount></BenefitUnit>"
_RECOVERY = (
    b"<RecoveryData><RecoveryDate>%b</RecoveryDate><Withhold>%d.00</Withhold><OrigEarningPeriod>"
    b"<StartDate>%b</StartDate>"
    b"<EndDate>%b</EndDate></OrigEarningPeriod></RecoveryData>"
)
_RECOURSE = b"<RecourseData><RecoursePaymentDate>%b</RecoursePaymentDate></RecourseData>"
_INSURANCE = (
    b"<Insurance><InsuranceNo>T-%08d</InsuranceNo><InsurancePolicyHolder><InsurancePolicyHolderIds>"
    b"<Id><Type>1</Type><Code>%b</Code></Id>"
    b"</InsurancePolicyHolderIds></InsurancePolicyHolder></Insurance>"
)
_DEDUCTION = (
    b"<Deductions><Deduction><DeductionTransactionCode>%d</DeductionTransactionCode>"
    b"<DeductionType>%d</DeductionType>"
    b"<Amount>%d.00</Amount><OrigBenefitEarningPeriod><StartDate>%b</StartDate><EndDate>"
    b"%b</EndDate></OrigBenefitEarningPeriod>"
    b"<IncomeBeneficiary>%b</IncomeBeneficiary><RemittancePeriod><StartDate>%b</StartDate><EndDate>"
    b"%b</EndDate></RemittancePeriod>"
    b"</Deduction></Deductions>"
)
#: Who gets what is withheld: Kela under its own business id, or a wellbeing services county by
#: name.
_BENEFICIARIES = (
    b"<IncomeBeneficiaryIds><Id><Type>1</Type><Code>0246246-0</Code></Id></IncomeBeneficiaryIds>"
    b"<IncomeBeneficiaryBasic>"
    b"<IncomeBeneficiaryType>1</IncomeBeneficiaryType></IncomeBeneficiaryBasic>",
    b"<IncomeBeneficiaryBasic><CompanyName>Hyvinvointialue</CompanyName><IncomeBeneficiaryType>"
    b"2</IncomeBeneficiaryType>"
    b"</IncomeBeneficiaryBasic>",
)
_TRANSACTION_END = b"</Transaction>"
_END = b"</Transactions></Report>"
#: Share of reports that also pay for one month or more, and for two months, in arrears.
_ARREARS_SHARES = (0.5, 0.2)
#: Days of such a month that an allowance is paid for.
_ARREARS_DAYS = 20
#: What a replacement corrects: the benefit, by so many cents.
_CORRECTED_CENTS = 1_000


@dataclass(frozen=True, slots=True)
class Payments:
    """What the reports of a delivery share: who pays which benefits, and for which periods."""

    batch: Batch
    codes: tuple[int, ...]
    month: Span
    spans: tuple[Span, ...]
    arrears: tuple[Span, ...]
    paid: bytes


def payments(batch: Batch, kind: str) -> Payments:
    """The periods that a payer pays for: pensions by the month, allowances for 5-25 days that end
    the day before.
    """
    end = batch.day - datetime.timedelta(days=1)
    spans = tuple(Span.of(end - datetime.timedelta(days=days), end) for days in range(5, 26))
    paid = batch.day.isoformat().encode()
    codes = BENEFITS[kind]
    if batch.day < _PARENTAL_SINCE:
        codes = tuple(_PARENTAL_BEFORE if code == PARENTAL else code for code in codes)
    return Payments(
        batch=batch,
        codes=codes,
        month=Span.month_of(batch.day),
        spans=spans,
        arrears=tuple(Span.month_of(batch.day, months) for months in (2, 3)),
        paid=paid,
    )


def benefit_report(chance: Chance, paid: Payments, number: int) -> bytes:
    """One report; about 5 microseconds."""
    code = paid.codes[int(chance() * len(paid.codes))]
    year = paid.batch.day.year
    if code in _PENSIONS:
        who, span, cents, unit = (
            earner(chance, year - 92, 30),
            paid.month,
            70_000 + int(chance() * 230_000),
            b"",
        )
    else:
        days = int(chance() * len(paid.spans))
        span = paid.spans[days]
        who, cents, unit = (
            earner(chance, year - 65, 46),
            (5 + days) * (3_300 + int(chance() * 9_700)),
            _UNIT % (5 + days),
        )
    if paid.batch.replaces:
        cents += _CORRECTED_CENTS
    flags, data = b"", unit
    rare = chance()
    if rare < 0.02:
        flags = b"<Recovery>true</Recovery>"
        before = paid.arrears[0]
        data += _RECOVERY % (paid.paid, cents // 500, before.start, before.end)
    elif rare < 0.03:
        flags = b"<UnjustEnrichment>true</UnjustEnrichment>"
    elif rare < 0.05:
        flags = b"<OneOff>true</OneOff>"
    elif rare < 0.06:
        flags, data = b"<Recourse>true</Recourse>", data + _RECOURSE % paid.paid
    if code == _ACCIDENT:
        data += _INSURANCE % (int(chance() * 10**8), paid.batch.payer.encode())
    if rare > 0.94:
        deducted = (4, 10, 12)[int(chance() * 3)], cents // 400
        beneficiary = _BENEFICIARIES[int(chance() * 2)]
        data += _DEDUCTION % (
            code,
            *deducted,
            span.start,
            span.end,
            beneficiary,
            span.start,
            span.end,
        )
    basic = _BASIC % (code, cents // 100, cents % 100, flags, span.start, span.end)
    return b"".join(
        (
            report_data(paid.batch, number),
            b"<IncomeEarner>",
            who,
            _OPENING,
            basic,
            data,
            _TRANSACTION_END,
            *_arrears(chance, paid, code),
            _END,
        )
    )


def _arrears(chance: Chance, paid: Payments, code: int) -> list[bytes]:
    """Transactions of the same benefit for earlier months, for some."""
    drawn, further = chance(), []
    unit = b"" if code in _PENSIONS else _UNIT % _ARREARS_DAYS
    for span, share in zip(paid.arrears, _ARREARS_SHARES, strict=True):
        if drawn >= share:
            break
        cents = 66_000 + int(chance() * 194_000)
        basic = _BASIC % (code, cents // 100, cents % 100, b"", span.start, span.end)
        further += [basic, unit, _TRANSACTION_END]
    return further

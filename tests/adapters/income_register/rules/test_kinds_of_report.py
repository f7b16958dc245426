"""The kinds of wage reports that the register's developer package shows, written anew: nine are
valid, and four are refused by the one rule that the register's own example of that kind breaks.

Source: the thirteen examples of the package of 2022 ("Tekninen rajapinta - Sovelluskehittäjälle",
vero.fi), read as facts; payment dates are theirs by the year.
"""

from __future__ import annotations

import pytest

from exchange.assembly import checking
from tests.adapters.income_register import written
from tests.adapters.income_register.written import (
    BORN,
    NAMED,
    OTHER,
    PENSION,
    PERSON,
    PROFESSION,
    address,
    coded,
    delivery,
    identified,
    ids,
    line,
    period,
    report,
)

HIRED = written.EMPLOYED.format(period("2015-01-01"), "") + PROFESSION + PENSION
RETIRED = written.EMPLOYED.format(
    period("1995-05-01", "2020-01-31"),
    "<EmploymentEndings><EmploymentEnding><Type>3</Type><Code>6</Code></EmploymentEnding>"
    "</EmploymentEndings>",
)
SPAN = period("2020-01-03", "2020-06-30")
EARNED = f"<EarningPeriods>{period('2020-01-01', '2020-01-31', 'EarningPeriod')}</EarningPeriods>"
SIX_MONTHS = (
    "<SixMonthRule><Applicable>true</Applicable><CountryCode>DE</CountryCode></SixMonthRule>"
)
INSURED = (
    "<InsuranceData><TransactionInclusion><InsuranceCode>1</InsuranceCode><Included>{}</Included>"
    "</TransactionInclusion></InsuranceData>"
)
ACCIDENTS = (
    f"<AccidentInsurance><AccInsProvId>{identified(1, OTHER)}</AccInsProvId>"
    "<AccInsPolicyNo>A1</AccInsPolicyNo></AccidentInsurance>"
)
NOT_INSURED = coded(6, of="InsuranceExceptions", each="ExceptionCode")
RESIDENT_ABROAD = (
    "<NonResident>true</NonResident><NonResidentCountryCode>EE</NonResidentCountryCode>"
)
FOREIGN_PAYER = (
    ids(identified(7, "EE1", "EE"), of="PayerIds")
    + f"<PayerBasic><CompanyName>Näide OÜ</CompanyName></PayerBasic>{address('EE')}"
    + f"<PayerOther>{coded(4, of='PayerTypes', each='Code')}</PayerOther>"
)
TAXED = (line(402, "600.00"), line(413, "214.50"), line(414, "45.00"))


def posted(form: int, certificate: int = 1, more: str = "") -> str:
    """International data with a form."""
    return (
        f"<InternationalData><PostedCertCode>{certificate}</PostedCertCode>{more}"
        f"<WorkForm><FormCode>{form}</FormCode></WorkForm></InternationalData>"
    )


def abroad(form: int) -> bytes:
    """Work in another country under NT1 or NT2."""
    client = (
        f"<ServiceRecipient>{ids(identified(7, 'DE1', 'DE'), of='ServiceRecipientIds')}"
        f"<Name>Beispiel GmbH</Name>{address('DE', 'ServiceRecipientAddress')}</ServiceRecipient>"
    )
    paid = "<WagePerMonth>7000.00</WagePerMonth>" + coded(
        1, 4, of="Remunerations", each="RemunerationCode"
    )
    country = (
        "<WorkCountries><WorkCountry><WorkCountryCode>DE</WorkCountryCode><WorkMunicipalities>"
        "<WorkMunicipality>Köln</WorkMunicipality></WorkMunicipalities>"
        f"{address('DE', 'WorkCountryAddress')}{client if form == 1 else ''}"
        f"<StayPeriodsAbroad>{SPAN}</StayPeriodsAbroad>"
        f"{f'<WorkPeriodsAbroad>{SPAN}</WorkPeriodsAbroad>' if form == 2 else ''}"
        "<TaxingRight>true</TaxingRight><BurdensResultOfPE>false</BurdensResultOfPE>"
        f"{paid if form == 2 else ''}</WorkCountry></WorkCountries>"
    )
    lines = (line(352, "6500.00", beside=SIX_MONTHS), line(413, "399.75"), line(414, "104.00"))
    earner = HIRED + ACCIDENTS + posted(form)
    return delivery("2020-07-31", report(*lines, earner=earner, more=country))


def recovered(withheld: str) -> bytes:
    """Pay that was paid back, gross or (with what was withheld from it) net."""
    original = (
        "<OrigPaymentPeriods><OrigPaymentPeriod><PaymentDate>2020-10-15</PaymentDate>"
        "<StartDate>2020-10-01</StartDate><EndDate>2020-10-31</EndDate></OrigPaymentPeriod>"
        "</OrigPaymentPeriods>"
    )
    data = (
        f"<RecoveryData><RecoveryDate>2020-11-15</RecoveryDate>{withheld}{original}</RecoveryData>"
    )
    back = line(201, "500.00", "Recovery", data)
    benefits = (line(301, "800.00"), line(330, "20"), line(407, "200"))
    return delivery(
        "2020-11-15", report(line(201, "2500.00"), back, *benefits, *TAXED, earner=HIRED)
    )


def absent(contact: str) -> bytes:
    """A report of absences alone, with a claim to Kela."""
    claim = "<ReimbApp><ReimbPayment><PaymentType>1</PaymentType></ReimbPayment></ReimbApp>"
    days = (
        "<{0}AbsencePeriods><{0}AbsencePeriod><StartDate>{1}</StartDate><EndDate>{1}</EndDate>"
        "<AbsenceDays>1</AbsenceDays><CauseCode>{2}</CauseCode>{3}</{0}AbsencePeriod>"
        "</{0}AbsencePeriods>"
    )
    absence = (
        "<Absence><AbsenceRepStartDate>2020-09-01</AbsenceRepStartDate>"
        "<AbsenceRepEndDate>2020-09-30</AbsenceRepEndDate>"
        f"<UnpaidAbsence>{days.format('Unpaid', '2020-09-24', 9, '')}</UnpaidAbsence><PaidAbsence>"
        f"{days.format('Paid', '2020-09-18', 5, f'<Amount>400.00</Amount>{claim}')}</PaidAbsence>"
        "</Absence>"
    )
    return delivery("2020-11-02", report(earner=HIRED, more=absence), contact=contact)


def foreign_employer(kind: int) -> bytes:
    """Pay by an employer abroad who owns the delivery."""
    earner = (
        f"<Addresses>{address('EE', 'TypedAddress', 1)}</Addresses>{NOT_INSURED}"
        "<InternationalData><PostedCertCode>2</PostedCertCode></InternationalData>"
    )
    identifiers = ids(identified(9, "1023-44", "EE"))
    paid = report(line(201, "3000.00"), earner=earner, identifiers=identifiers, basic=NAMED + BORN)
    return delivery("2020-12-01", paid, payer=FOREIGN_PAYER, owner=identified(kind, "EE1", "EE"))


def not_insured(sender: str) -> bytes:
    """Pay of who is insured in another country, taxed at source."""
    earner = (
        f"<Addresses>{address('EE', 'TypedAddress', 1)}</Addresses>{NOT_INSURED}"
        f"<InternationalData><PostedCertCode>2</PostedCertCode>{RESIDENT_ABROAD}"
        "</InternationalData>"
    )
    identifiers = ids(identified(9, "1023-44", "EE"))
    lines = (line(201, "1500.00"), line(203, "2500.00"), line(404, "1221.50"), line(405, "510.00"))
    paid = report(*lines, earner=earner, identifiers=identifiers, basic=NAMED + BORN)
    return delivery("2020-05-02", paid, sender=identified(1, sender))


def leased(country: str) -> bytes:
    """A notice that leased work begins: two addresses, here and at home."""
    homes = address("EE", "TypedAddress", 1) + address(country, "TypedAddress", 2)
    earner = f"<Addresses>{homes}</Addresses>{NOT_INSURED}{posted(4, 2, RESIDENT_ABROAD)}"
    representative = (
        f"<Representative>{ids(identified(5, '987', 'EE'), of='RepresentativeIds')}"
        f"<Name>Eha Näide</Name>{address('EE')}</Representative>"
    )
    client = ids(identified(1, OTHER), of="FinServiceRecipientIds")
    work = (
        f"<ForeignLeasedWork>{representative}<EstAmount>17500.00</EstAmount>"
        f"<FinServiceRecipient>{client}</FinServiceRecipient></ForeignLeasedWork>"
        f"<StayPeriodsInFinland>{period('2020-11-08', '2020-11-18')}</StayPeriodsInFinland>"
        "<WorkPeriodsInFinland><WorkPeriodInFinland><StartDate>2020-03-01</StartDate>"
        "<EndDate>2020-03-31</EndDate><WorkDays>21</WorkDays></WorkPeriodInFinland>"
        "</WorkPeriodsInFinland>"
    )
    identifiers = ids(identified(5, "1023", "EE"), identified(2, PERSON))
    paid = report(
        line(201, "3000.00"),
        earner=earner,
        identifiers=identifiers,
        basic=NAMED + BORN,
        more=work,
    )
    return delivery("2020-12-10", paid, payer=FOREIGN_PAYER, owner=identified(7, "EE1", "EE"))


REACHABLE = "<Email>matti@example.com</Email><ResponsibilityCode>1</ResponsibilityCode>"
REPLACING = "<ActionCode>2</ActionCode><ReportId>R-1</ReportId><ReportVersion>1</ReportVersion>"
VALID = {
    "NT1": abroad(1),
    "NT2": abroad(2),
    "retirement": delivery(
        "2020-01-15",
        report(
            line(201, "6800.00", beside=EARNED),
            line(234, "4000.00", beside=EARNED),
            *TAXED,
            earner=RETIRED
            + PROFESSION
            + "<PlaceOfBusiness><Code>123456789</Code></PlaceOfBusiness>"
            + PENSION
            + "<IncomeEarnerOther><CBACode>51</CBACode></IncomeEarnerOther>",
        ),
    ),
    "unjust enrichment in a replacement": delivery(
        "2020-10-15",
        report(
            line(201, "2000.00", beside=EARNED),
            line(201, "500.00", "UnjustEnrichment", EARNED),
            line(301, "800.00"),
            line(407, "200"),
            *TAXED,
            earner=HIRED,
            references=REPLACING,
        ),
    ),
    "recovery, gross": recovered(""),
    "recovery, net": recovered("<Withhold>150.00</Withhold>"),
    "what income is insured for": delivery(
        "2020-05-15",
        report(
            line(202, "500.00", beside=INSURED.format("false")),
            line(210, "500.00", beside=INSURED.format("true")),
            line(308, "1500", beside=INSURED.format("true")),
            line(402, "420"),
            line(413, "143.00"),
            line(414, "25"),
            line(419, "100.00", beside=INSURED.format("false")),
            earner=PROFESSION + PENSION,
        ),
    ),
    "a temporary employer": delivery(
        "2020-06-30",
        report(line(101, "900.00"), *TAXED[:1], earner=HIRED),
        payer=ids(identified(1, written.PAYER), of="PayerIds")
        + f"<PayerBasic><CompanyName>Malli Oy</CompanyName></PayerBasic>{address('FI')}"
        + f"<PayerOther>{coded(3, of='PayerTypes', each='Code')}</PayerOther>",
    ),
    "a public body": delivery(
        "2020-06-30",
        report(line(201, "3000.00"), *TAXED, earner=HIRED),
        payer=ids(identified(1, written.PAYER), of="PayerIds")
        + f"<PayerOther>{coded(1, of='PayerTypes', each='Code')}</PayerOther>",
    ),
}
#: How each is refused, the right form of it, and the rule.
REFUSED = {
    "absences": (absent(REACHABLE.replace("1", "2")), absent(REACHABLE), "ir.claim-contact"),
    "a foreign employer": (foreign_employer(71), foreign_employer(7), "ir.party-id-type"),
    "an exception from insurance": (
        not_insured(OTHER),
        not_insured(written.PAYER),
        "ir.creator-not-sender",
    ),
    "leased work begins": (leased(""), leased("FI"), "ir.address-country-missing"),
}


def errors(body: bytes) -> list[str]:
    """The rules that a document breaks, warnings left out."""
    checked = checking().check(body)
    return [each.rule for each in checked.violations if each.severity == "error"]


@pytest.mark.parametrize("kind", VALID)
def test_nine_kinds_of_reports_are_valid(kind: str) -> None:
    assert errors(VALID[kind]) == []


@pytest.mark.parametrize("kind", REFUSED)
def test_four_kinds_are_refused_for_the_rule_that_they_break(kind: str) -> None:
    wrong, right, rule = REFUSED[kind]
    assert (errors(wrong), errors(right)) == ([rule], [])

"""Wage reports written by hand, part by part and independent of the generators: for tests that say
in words what a report tells; judges nothing.
"""

from __future__ import annotations

NAMESPACE = "http://www.tulorekisteri.fi/2017/1/WageReportsToIR"
#: The business id of who pays and sends, another one, and an artificial person's identity code.
PAYER, OTHER, PERSON = "2900101-5", "2900201-8", "010594Y9032"
EMPLOYED = (
    "<Employment><Employed>true</Employed><EmploymentCode>1</EmploymentCode><TermCode>1</TermCode>"
    "<HoursPerWeek>38.00</HoursPerWeek><PaymentTypes><PaymentType>1</PaymentType></PaymentTypes>"
    "<EmploymentPeriods>{}</EmploymentPeriods>{}</Employment>"
)
PROFESSION = "<Professions><Profession><Type>1</Type><Code>34351</Code></Profession></Professions>"
PENSION = (
    "<PensionInsurance><PensionActCode>1</PensionActCode><PensionProvIdCode>46</PensionProvIdCode>"
    "<PensionPolicyNo>46-1234567A</PensionPolicyNo></PensionInsurance>"
)
NAMED = "<LastName>Malli</LastName><FirstName>Mikko</FirstName>"
BORN = "<BirthDate>1983-04-01</BirthDate><Gender>1</Gender>"


def period(start: str, end: str = "", tag: str = "Period") -> str:
    """From a day, to a day where there is one."""
    last = f"<EndDate>{end}</EndDate>" if end else ""
    return f"<{tag}><StartDate>{start}</StartDate>{last}</{tag}>"


def identified(kind: int, code: str, country: str = "") -> str:
    """The parts of an identifier."""
    abroad = f"<CountryCode>{country}</CountryCode>" if country else ""
    return f"<Type>{kind}</Type><Code>{code}</Code>{abroad}"


def ids(*identifiers: str, of: str = "IncomeEarnerIds") -> str:
    """A party's identifiers."""
    return f"<{of}>{''.join(f'<Id>{each}</Id>' for each in identifiers)}</{of}>"


def address(country: str = "", tag: str = "Address", kind: int = 0) -> str:
    """An address, of a kind where earners have several."""
    typed = f"<AddressType>{kind}</AddressType>" if kind else ""
    abroad = f"<CountryCode>{country}</CountryCode>" if country else ""
    return (
        f"<{tag}>{typed}<Street>Tie 1</Street><PostalCode>00000</PostalCode>"
        f"<PostOffice>Kylä</PostOffice>{abroad}</{tag}>"
    )


def line(code: int, amount: str, flag: str = "", beside: str = "") -> str:
    """A transaction, with a flag in its basic data and parts beside them."""
    told = f"<{flag}>true</{flag}>" if flag else ""
    return (
        f"<Transaction><TransactionBasic><TransactionCode>{code}</TransactionCode>"
        f"<Amount>{amount}</Amount>{told}</TransactionBasic>{beside}</Transaction>"
    )


def coded(*codes: int, of: str, each: str) -> str:
    """A list of codes."""
    return f"<{of}>{''.join(f'<{each}>{code}</{each}>' for code in codes)}</{of}>"


def report(
    *lines: str,
    earner: str = "",
    identifiers: str = ids(identified(2, PERSON)),
    basic: str = NAMED,
    references: str = "<ActionCode>1</ActionCode><ReportId>R-1</ReportId>",
    more: str = "",
) -> str:
    """A report: what it refers to, whose pay it is (`earner` holds what follows the names), the
    transactions, and what follows them.
    """
    transactions = f"<Transactions>{''.join(lines)}</Transactions>" if lines else ""
    return (
        f"<Report><ReportData>{references}</ReportData><IncomeEarner>{identifiers}"
        f"<IncomeEarnerBasic>{basic}</IncomeEarnerBasic>{earner}</IncomeEarner>"
        f"{transactions}{more}</Report>"
    )


def delivery(
    day: str,
    *reports: str,
    owner: str = identified(1, PAYER),
    sender: str = identified(1, PAYER),
    payer: str = ids(identified(1, PAYER), of="PayerIds"),
    contact: str = "<Email>matti@example.com</Email><ResponsibilityCode>1</ResponsibilityCode>",
) -> bytes:
    """A deferred delivery of reports about what is paid on a day for the month that it lies in."""
    return (
        f'<w:WageReportsRequestToIR xmlns:w="{NAMESPACE}"><DeliveryData>'
        f"<Timestamp>{day}T06:00:00Z</Timestamp><Source>by hand</Source>"
        "<DeliveryDataType>100</DeliveryDataType><DeliveryId>D-1</DeliveryId>"
        "<FaultyControl>1</FaultyControl><ProductionEnvironment>false</ProductionEnvironment>"
        f"<DeliveryDataOwner>{owner}</DeliveryDataOwner>"
        f"<DeliveryDataCreator>{identified(1, PAYER)}</DeliveryDataCreator>"
        f"<DeliveryDataSender>{sender}</DeliveryDataSender>"
        f"<PaymentPeriod><PaymentDate>{day}</PaymentDate><StartDate>{day[:8]}01</StartDate>"
        f"<EndDate>{day[:8]}28</EndDate></PaymentPeriod><ContactPersons><ContactPerson>"
        f"<Name>Matti Malli</Name><Telephone>0401234567</Telephone>{contact}</ContactPerson>"
        f"</ContactPersons><Payer>{payer}</Payer><Reports>{''.join(reports)}</Reports>"
        "</DeliveryData></w:WageReportsRequestToIR>"
    ).encode()

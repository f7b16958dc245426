"""Tells whether a report by itself is valid by the channel's own schema, in a delivery made around
it; no rule and no finding.
"""

from __future__ import annotations

from lxml import etree

from exchange.adapters.income_register.document import NAMESPACE, Element, own_schema
from exchange.schemas.xml import XmlSchema

_PARTY = "<{0}><Type>1</Type><Code>0000000-0</Code></{0}>"
_HEADER = (
    "<DeliveryData><Timestamp>2020-01-01T00:00:00Z</Timestamp><Source>S</Source><DeliveryDataType>"
    "1</DeliveryDataType>"
    "<DeliveryId>D</DeliveryId><FaultyControl>1</FaultyControl><ProductionEnvironment>"
    "false</ProductionEnvironment>"
    + "".join(
        map(_PARTY.format, ("DeliveryDataOwner", "DeliveryDataCreator", "DeliveryDataSender"))
    )
)
_DAY = "2020-01-01"
_PERIOD = (
    f"<PaymentPeriod><PaymentDate>{_DAY}</PaymentDate><StartDate>{_DAY}</StartDate><EndDate>"
    f"{_DAY}</EndDate></PaymentPeriod>"
)
_CONTACTS = (
    "<ContactPersons><ContactPerson><Name>N</Name><Telephone>1</Telephone></ContactPerson>"
    "</ContactPersons>"
)
_PAYER = (
    "<Payer><PayerIds><Id><Type>1</Type><Code>0000000-0</Code></Id></PayerIds></Payer><Reports>"
)
_END = b"</Reports></DeliveryData></own:%b>"


def _frame(name: str, namespace: str, date: str) -> tuple[bytes, bytes]:
    head = f'<own:{name} xmlns:own="{NAMESPACE}{namespace}">{_HEADER}{date}{_CONTACTS}{_PAYER}'
    return head.encode(), _END % name.encode()


#: What stands before and after the reports of a delivery of wages, or of benefits.
_FRAMES = {
    True: _frame("WageReportsRequestToIR", "WageReportsToIR", _PERIOD),
    False: _frame(
        "BenefitReportsRequestToIR", "BenefitReportsToIR", f"<PaymentDate>{_DAY}</PaymentDate>"
    ),
}


def reports_schema(wages: bool) -> XmlSchema:
    """The channel's own schema of wage reports, or of benefit reports."""
    return own_schema(f"income-register.{'wage' if wages else 'benefit'}-reports")


def valid_report(report: bytes, wages: bool) -> Element | None:
    """The report as an element, in such a delivery, when it is valid there and the only one; else
    None.
    """
    head, tail = _FRAMES[wages]
    try:
        document = etree.fromstring(b"".join((head, report, tail)))
    except etree.XMLSyntaxError:
        return None
    holder = document.find("DeliveryData/Reports")
    return (
        holder[0]
        if reports_schema(wages).accepts(document) and holder is not None and len(holder) == 1
        else None
    )

"""What is handed on: the document as it was sent, without its envelope, and without the reports
that were rejected.
"""

from __future__ import annotations

import datetime
import random

import pytest
from lxml import etree

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.deliver import cut_out, document_of
from exchange.ports import Delivery
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import Envelope

SOMEBODY = Partner("somebody", "Somebody", "employer")
SOAP = b"http://schemas.xmlsoap.org/soap/envelope/"


def document() -> bytes:
    """A delivery of three reports."""
    batch = generate.Batch("2900101-5", "2900101-5", datetime.date(2026, 3, 2), "D-1", 3, False)
    return generate.wage_delivery(random.Random(4), batch)


def handed_on(body: bytes, *rejected: int) -> bytes:
    """What Kela gets."""
    detail = {"invalid": [[index, "", "", "", []] for index in rejected]}
    envelope = Envelope(
        1,
        "income-register",
        "income-register.wage-reports",
        "somebody",
        "D-1",
        0,
        "text/xml",
        detail=detail,
    )
    return document_of(Delivery(1, envelope, SOMEBODY, SOMEBODY, body))


def same(one: bytes, other: bytes) -> bool:
    """Whether two documents are the same in exclusive canonical form."""
    first, second = (
        etree.tostring(etree.fromstring(each), method="c14n", exclusive=True)
        for each in (one, other)
    )
    return bool(first == second)


PLAIN = {
    "soap": b'<s:Envelope xmlns:s="%b"><s:Body>%b</s:Body></s:Envelope>',
    "declared": b'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="%b">\n <s:Body>\n  '
    b"%b\n </s:Body>\n</s:Envelope>\n",
}
ODD = {
    "another namespace": b'<s:Envelope xmlns:s="%b" xmlns:o="urn:o"><s:Body>%b</s:Body>'
    b"</s:Envelope>",
    "header": b'<s:Envelope xmlns:s="%b"><s:Header/><s:Body>%b</s:Body></s:Envelope>',
    "comment": b'<s:Envelope xmlns:s="%b"><!-- </s:Body></s:Envelope> '
    b"--><s:Body>%b</s:Body></s:Envelope>",
    "comment after": b'<s:Envelope xmlns:s="%b"><s:Body>%b</s:Body></s:Envelope><!-- '
    b"</s:Body></s:Envelope> -->",
}


@pytest.mark.parametrize("form", PLAIN.values(), ids=PLAIN)
def test_the_document_is_cut_out_as_it_was_sent(form: bytes) -> None:
    assert handed_on(form % (SOAP, document())) == document()


@pytest.mark.parametrize("form", ODD.values(), ids=ODD)
def test_an_envelope_that_is_not_plain_is_read(form: bytes) -> None:
    body = form % (SOAP, document())
    assert same(handed_on(body), document())


def test_a_document_without_an_envelope_is_handed_on() -> None:
    assert cut_out(document()) == document()
    declared = b'<?xml version="1.0" encoding="ISO-8859-1"?>' + document().decode().encode(
        "iso-8859-1"
    )
    assert cut_out(declared) is None
    assert same(handed_on(declared), document())


def test_rejected_reports_are_left_out() -> None:
    left = etree.fromstring(handed_on(PLAIN["soap"] % (SOAP, document()), 1))
    names = [each.text for each in left.iterfind("DeliveryData/Reports/Report/ReportData/ReportId")]
    assert names == ["D-1-0001", "D-1-0003"]

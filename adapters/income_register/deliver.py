"""Hands accepted reports on: the document without its SOAP envelope and without the reports that were rejected; sends nothing.

*Modelled*: the register hands data on through subscriptions; until those are there, an accepted delivery goes on at once.
"""

from __future__ import annotations

from lxml import etree

from adapters.income_register.parse import FROM_IR, LIMITS, WAGE_REPORTS, unwrap
from adapters.income_register.signature import DS
from exchange.ports import Attempted, Delivered, Delivery, RefusedByPartner, TryAgain
from schemas import xml
from schemas.call import XML, Call, Reply

PATHS = {WAGE_REPORTS: "/income-register/wage-reports"}
EXTRACT_PATH = "/income-register/from-ir"
BENEFIT_PATH = "/income-register/benefit-reports"


def document_of(delivery: Delivery) -> bytes:
    """The delivery's document with its accepted reports only; when one is taken out, the signature goes too."""
    document = unwrap(xml.parse(delivery.body, LIMITS))
    if rejected := {entry[0] for entry in delivery.envelope.detail.get("invalid", ())}:
        reports = document.find("DeliveryData/Reports")
        for index, report in enumerate(list(reports.iterchildren("Report"))):
            if index in rejected:
                reports.remove(report)
        for signature in document.findall(f"{{{DS}}}Signature"):
            document.remove(signature)
    return etree.tostring(document, encoding="utf-8", with_tail=False)


def request(delivery: Delivery) -> Call:
    """POST the reports; `X-Items` says how many there are."""
    headers = {
        "Content-Type": XML,
        "X-Message-Id": delivery.envelope.public_id,
        "X-Sender": delivery.sender.id,
        "X-Items": str(delivery.items),
    }
    if delivery.envelope.message_type in FROM_IR:
        return Call("POST", EXTRACT_PATH, headers, delivery.body)
    return Call("POST", PATHS.get(delivery.envelope.message_type, BENEFIT_PATH), headers, document_of(delivery))


def judge(delivery: Delivery, reply: Reply) -> Attempted:
    """2xx is delivered; 4xx (but 408 and 429, which pass) is refused for good; everything else may work later."""
    if reply.status in (200, 202):
        return Delivered()
    if 400 <= reply.status < 500 and reply.status not in (408, 429):
        return RefusedByPartner(f"http-{reply.status}", reply.body[:200].decode("utf-8", "replace"))
    return TryAgain(f"http-{reply.status}")

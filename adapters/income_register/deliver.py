"""Makes the call of a delivery: what the register hands on to a subscriber, and what Kela reported
to the register; sends nothing.

What Kela reported goes without its SOAP envelope and without the reports that were rejected.
"""

from __future__ import annotations

import re

from lxml import etree

from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    FROM_IR,
    WAGE_REPORTS,
    demanded,
    unwrap,
)
from exchange.adapters.income_register.signature.sign import DS
from exchange.ports import Attempted, Delivered, Delivery, failed_with
from exchange.ports.channel import Push
from exchange.schemas import xml
from exchange.schemas.call import XML, Call, Reply

EXTRACT_PATH = "/income-register/from-ir"
BENEFIT_PATH = "/income-register/benefit-reports"
_HEADERS = {
    "X-Message-Id": "The exchange's id of the message",
    "X-Items": "How many reports it holds",
}
PUSHES = (
    Push(
        path=EXTRACT_PATH,
        summary="What the register hands on to a subscriber",
        headers=_HEADERS,
        types=tuple(sorted(FROM_IR)),
        media_types=("text/xml",),
        answer="200 or 202: the subscriber has it",
    ),
    Push(
        path=BENEFIT_PATH,
        summary="What Kela reported, for the register, without reports that were rejected",
        headers=_HEADERS,
        types=(BENEFIT_REPORTS, WAGE_REPORTS),
        media_types=("text/xml",),
        answer="200 or 202: the register has it",
    ),
)


#: A SOAP envelope up to the document: no declaration of a namespace but its own, so that the
#: document stands by itself.
_BEFORE = re.compile(
    rb"""\s*(?:<\?xml\s+version=["']1\.0["'](?:\s+encoding=["'][Uu][Tt][Ff]-8["'])?\s*\?>\s*)?"""
    rb"""<([A-Za-z_][\w.-]*):Envelope\s+xmlns:\1\s*=\s*["'][^"'<>]*["']\s*>\s*<\1:Body\s*>\s*(?=<[A-Za-z_])"""
)
_AFTER = re.compile(rb"\s*</([A-Za-z_][\w.-]*):Body\s*>\s*</\1:Envelope\s*>\s*\Z")
#: Where the end of an envelope is looked for, in bytes from the end.
_TAIL_BYTES = 400


#: A document without an envelope.
_ALONE = re.compile(
    rb"""(?:<\?xml\s+version=["']1\.0["'](?:\s+encoding=["'][Uu][Tt][Ff]-8["'])?\s*\?>\s*)?<(?:[A-Za-z_][\w.-]*:)?[A-Za-z]+RequestToIR[\s>]"""
)


def cut_out(body: bytes) -> bytes | None:
    """The document as it was sent, with no second parsing: what stands between the envelope's tags,
    or the whole when there is no envelope; None when that can't be told at a glance.
    """
    if _ALONE.match(body):
        return body
    before = _BEFORE.match(body)
    start = max(0, len(body) - _TAIL_BYTES)
    after = _AFTER.search(body[start:])
    if before is None or after is None or before[1] != after[1]:
        return None
    return body[before.end() : start + after.start()]


def document_of(delivery: Delivery) -> bytes:
    """The delivery's document with its accepted reports only; when one is taken out, the signature
    goes too.
    """
    rejected = {entry[0] for entry in delivery.envelope.detail.get("invalid", ())}
    if not rejected and (cut := cut_out(delivery.body)) is not None:
        return cut
    document = unwrap(xml.parse(delivery.body))
    if rejected:
        reports = demanded(document, "DeliveryData/Reports")
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
    return Call("POST", BENEFIT_PATH, headers, document_of(delivery))


def judge(delivery: Delivery, reply: Reply) -> Attempted:
    """200 and 202 are delivered; everything else, redirects too, may work later."""
    if reply.status in (200, 202):
        return Delivered()
    return failed_with(reply.status, reply.body)

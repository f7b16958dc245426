"""The Incomes Register: sign a document, send it in a SOAP envelope, read what the register says.

The signature is enveloped, RSA-SHA256 over exclusive canonical XML, as the register demands it.
Source: XML-Signature Syntax and Processing (W3C, 2008); "Tekninen rajapinta - Tietojen
toimittaminen tulorekisteriin 2021", chapter 3.2 (vero.fi).
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner

from exchange.client.answers import reading, refusal
from exchange.client.connection import AsyncClient
from exchange.client.errors import ClientError, Problem, Rejected, kind_of
from exchange.schemas.call import XML, Call, Reply
from exchange.schemas.value import value
from exchange.schemas.violation import Violation

SERVICES = "/income-register/20170526"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
#: DeliveryDataStatus of a delivery that was rejected as it came in.
REJECTED_AT_RECEPTION = 4
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
_ENVELOPE, _FAULT = f"{{{SOAP}}}Envelope", f"{{{SOAP}}}Fault"
_VIOLATIONS = "{urn:exchange:violations}"


@value
class Error:
    """An error of the register: of the message, of the delivery, or of an item by its id."""

    code: str
    message: str
    details: str
    item: str = ""


@value
class Status:
    """What the register says of a delivery: its status, the ids of valid items with those that the
    register gave them, errors; `document` is the response as it came.
    """

    status: int
    delivery_id: str
    valid: tuple[tuple[str, str], ...]
    errors: tuple[Error, ...]
    document: bytes


def sign(document: bytes, key: RSAPrivateKey, certificate: x509.Certificate) -> bytes:
    """The document with a signature of the whole of it."""
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    root = signer.sign(etree.fromstring(document, _PARSER), key=key, cert=[certificate])
    # (Not as ASCII: the register takes no character references.)
    return bytes(etree.tostring(root, encoding="utf-8"))


async def send(client: AsyncClient, service: str, action: str, document: bytes) -> Status:
    """Call a service of the register with a document, `WageReportService` and `SendWageReports`,
    say; one that stands in an envelope already is sent as it is.

    Raises:
        Rejected: when the register rejects it at reception; its errors are the violations.
        NoAnswer, Problem: as `AsyncClient.send`; a SOAP fault is a problem.
    """
    headers = {"SOAPAction": f'"{action}"', "Content-Type": XML}
    call = Call("POST", f"{SERVICES}/{service}.svc", headers, _wrapped(document))
    found = _status(await client.send(call, _fault))
    if found.status == REJECTED_AT_RECEPTION:
        violations = [_violation(each) for each in found.errors]
        raise Rejected(200, "rejected at reception", reason="rejected", violations=violations)
    return found


async def send_wage_reports(client: AsyncClient, document: bytes) -> Status:
    """Send a delivery of wage reports, in real time when it is of one, else deferred.

    Raises:
        NoAnswer, Problem: as `send`.
    """
    return await _reports(client, "Wage", document)


async def send_benefit_reports(client: AsyncClient, document: bytes) -> Status:
    """Send a delivery of benefit reports, in real time when it is of one, else deferred.

    Raises:
        NoAnswer, Problem: as `send`.
    """
    return await _reports(client, "Benefit", document)


async def delivery_status(client: AsyncClient, request: bytes) -> Status:
    """Ask what became of a deferred delivery, by a signed StatusRequestToIR.

    Raises:
        NoAnswer, Problem: as `send`.
    """
    return await send(client, "StatusService", "GetDeliveryDataStatus", request)


async def _reports(client: AsyncClient, kind: str, document: bytes) -> Status:
    root = _root(document)
    tags = (str(each.tag) for each in root.iter("{*}*")) if root is not None else iter(())
    name = next((etree.QName(tag).localname for tag in tags if "ToIR" in tag), "")
    real_time = name == f"{kind}ReportRequestToIR"
    action = f"Send{kind}Report" + ("" if real_time else "s")
    return await send(client, f"{kind}ReportService", action, document)


def _root(document: bytes) -> etree._Element | None:
    """None for what is no XML: that is sent as well, and the register says what is wrong with it."""
    try:
        return etree.fromstring(document, _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _wrapped(document: bytes) -> bytes:
    root = _root(document)
    if root is not None and root.tag == _ENVELOPE:
        return document
    inside = document
    if document.lstrip().startswith(b"<?xml"):
        inside = document.partition(b"?>")[2]
    return b'<s:Envelope xmlns:s="%b"><s:Body>%b</s:Body></s:Envelope>' % (SOAP.encode(), inside)


def _status(reply: Reply) -> Status:
    with reading(reply):
        root = _body(reply)
        if root.tag == _FAULT:
            raise _problem(reply)

        def one(name: str) -> str:
            return str(root.findtext(f".//{name}") or "")

        items = [
            (str(item.findtext("ItemId") or ""), str(item.findtext("IRItemId") or ""))
            for item in root.iterfind(".//ValidItems/Item")
        ]
        return Status(
            status=int(one("DeliveryDataStatus") or 0),
            delivery_id=one("IRDeliveryId"),
            valid=tuple(items),
            errors=tuple(_errors(root)),
            document=reply.body,
        )


def _body(reply: Reply) -> etree._Element:
    """What stands in the SOAP envelope of an answer.

    Raises:
        LookupError, SyntaxError: when it has none.
    """
    root = etree.fromstring(reply.body, _PARSER)
    body = root.find(f"{{{SOAP}}}Body") if root.tag == _ENVELOPE else None
    if body is None or not len(body):
        raise LookupError("no SOAP envelope with a document")
    return body[0]


def _errors(root: etree._Element) -> Sequence[Error]:
    found = []
    for info in root.iterfind(".//ErrorInfo"):
        item = next(info.iterancestors("Item"), None)
        texts = (
            info.findtext(name) or "" for name in ("ErrorCode", "ErrorMessage", "ErrorDetails")
        )
        code, message, details = map(str, texts)
        name = str(item.findtext("ItemId") or "") if item is not None else ""
        found.append(Error(code, message, details, name))
    return found


def _violation(error: Error) -> Violation:
    """An error as a violation; the register's own form tells place and rule in one text."""
    return Violation(rule=error.code, message=error.message, found=error.details, code=error.code)


def _fault(reply: Reply) -> ClientError:
    """A SOAP fault as a problem, with the violations that it details."""
    return refusal(reply, _problem)


def _problem(reply: Reply) -> Problem:
    root = _body(reply)
    if root.tag != _FAULT:
        raise LookupError("no SOAP fault")
    text = str(root.findtext(".//faultstring") or "")
    client_is_wrong = str(root.findtext(".//faultcode") or "").endswith("Client")
    kind = Rejected if client_is_wrong and reply.status == 500 else kind_of(reply.status)
    violations = []
    for each in root.iter(f"{_VIOLATIONS}violation"):
        told = {etree.QName(part).localname: part.text or "" for part in each}
        violations.append(
            Violation(
                rule=told.get("rule", ""),
                message=told.get("message", ""),
                path=told.get("path", ""),
                line=int(told.get("line") or 0),
                column=int(told.get("column") or 0),
                expected=told.get("expected", ""),
                found=told.get("found", ""),
                code=told.get("code", ""),
            )
        )
    reason, _, detail = text.partition(": ")
    return kind(reply.status, "SOAP fault", detail=detail, reason=reason, violations=violations)

"""SOAP requests to a security server: judged in its order, and the envelope of an answer.

Source: pr-mess 4.0, and SoapMessageDecoder, SaxSoapParserImpl and MessageProcessorBase of X-Road
7.8.1. Unlike there, a document is read whole before anything else in it is judged, so that one that
is not well-formed is `invalid_soap` whatever stands before the fault.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from lxml import etree

from exchange.schemas import xml
from exchange.schemas.attachments import multipart
from exchange.schemas.call import media_type
from exchange.schemas.value import value
from exchange.schemas.violation import Malformed, excerpt
from exchange.schemas.x_road.faults import SOAP_TYPE, Fault
from exchange.schemas.x_road.identifiers import IDENTIFIERS, PARTS, XROAD, Identifier
from exchange.schemas.xml.diagnosis import ENCODINGS

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
#: What a request's parts are at most: the message and its attachments.
PARTS_MAX = 100
#: What an element that is looked through has inside it at most: a header has some ten fields, and
#: each element costs a microsecond or two, before anybody knows who called.
CHILDREN_MAX = 200
_ACTION = re.compile(r'"[^"\s]*"')
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"
_SOAP_TYPES = ("text/xml", "application/xop+xml")
_OBJECT_TYPE = f"{{{IDENTIFIERS}}}objectType"
#: Header fields with identifiers, the object types that each may have, and the parts that are read
#: of it: the server makes a client's id of four, whatever else the element holds.
_IDENTIFIED = {
    "client": (("MEMBER", "SUBSYSTEM"), PARTS[:4]),
    "service": (("SERVICE",), PARTS[:6]),
    "securityServer": (("SERVER",), (*PARTS[:3], "serverCode")),
}
_TEXTS = ("id", "userId", "issue", "protocolVersion", "requestHash")
_WANTED = ("protocolVersion", "client", "id", "service")
_VERSION_BEGIN = "4."


@value
class SoapRequest:
    """A request that passed: identifiers and texts of its header, the header's children as they
    are, the wrapper element, the bytes of the SOAP part as they were sent, those that can be parsed
    (UTF-8), and how many parts came beside it.
    """

    client: Identifier
    service: Identifier
    security_server: Identifier | None
    texts: Mapping[str, str]
    header: Sequence[etree._Element]
    wrapper: etree._Element
    sent: bytes
    message: bytes
    attachments: int = 0


def read(method: str, headers: Mapping[str, str], body: bytes) -> SoapRequest:
    """A request, when everything that the client's server looks at is right.

    Raises:
        Fault: `client.` and the first thing that is wrong.
    """
    if method != "POST":
        raise Fault("client.invalid_http_method", "only POST is taken")
    action = headers.get("SOAPAction", "")
    if action and not _ACTION.fullmatch(action):
        raise Fault("client.invalid_soap_action", "SOAPAction is a URI in quotes, or empty")
    named = headers.get("Content-Type", "")
    if not named:
        raise Fault("client.invalid_request", "Content-Type is wanted")
    kind, attachments = media_type(named), 0
    if kind == "multipart/related":
        named, body, attachments = _first_part(named, body)
    elif kind not in _SOAP_TYPES:
        raise Fault("client.invalid_content_type", "SOAP 1.1 is taken: text/xml")
    return _message(named, body, attachments)


def _first_part(content_type: str, body: bytes) -> tuple[str, bytes, int]:
    boundary = multipart.boundary_of(content_type)
    try:
        spans = multipart.spans(body, boundary, PARTS_MAX) if boundary else []
    except (multipart.NotClosed, multipart.TooManyParts):
        spans = []
    if not spans:
        raise Fault("client.missing_soap", "the request has no parts")
    named = ""
    for start, end in reversed(spans):
        part = multipart.opened(body[start:end])
        named = multipart.Headers(part[0]).get("Content-Type", "") if part is not None else ""
        if not named:
            raise Fault("client.invalid_content_type", "a part does not say what it is")
    if part is None or media_type(named) not in _SOAP_TYPES:
        raise Fault("client.invalid_content_type", "the first part is SOAP 1.1: text/xml")
    return named, part[1], len(spans) - 1


def _message(content_type: str, sent: bytes, attachments: int) -> SoapRequest:
    message = _as_utf8(content_type, sent)
    try:
        root = xml.parse(message)
    except Malformed as error:
        raise Fault("client.invalid_soap", error.violations[0].message) from None
    if root.tag != f"{{{SOAP}}}Envelope":
        raise Fault("client.invalid_soap", "the root is an Envelope of SOAP 1.1")
    header = body = None
    fields: dict[str, Any] = {}
    for child in _children(root):
        if child.tag == f"{{{SOAP}}}Header" and header is None:
            header, fields = child, _fields(child)
        elif child.tag == f"{{{SOAP}}}Body" and body is None:
            body = child
            _check_body(child)
    if header is None:
        raise Fault("client.missing_header", "the message has no header")
    for name in _WANTED:
        if name not in fields:
            raise Fault("client.missing_header_field", f"the header has no {name}")
    if body is None:
        raise Fault("client.missing_body", "the message has no body")
    wrapper = next(body.iterchildren("*"), None)
    if wrapper is None:
        raise Fault("client.invalid_body", "the body is empty")
    code = fields["service"].parts.get("serviceCode", "")
    if not code or not etree.QName(wrapper).localname.startswith(code):
        raise Fault("client.inconsistent_headers", "the body is of another service than the header")
    return SoapRequest(
        client=fields["client"],
        service=fields["service"],
        security_server=fields.get("securityServer"),
        texts={name: fields[name] for name in _TEXTS if name in fields},
        header=list(_children(header)),
        wrapper=wrapper,
        sent=sent,
        message=message,
        attachments=attachments,
    )


def _as_utf8(content_type: str, sent: bytes) -> bytes:
    """The message in UTF-8, by the content type's charset; without one it is UTF-8. Of charsets
    those are taken that a document may state: some of Python's take time by the square of a text's
    length, or mean no text at all.
    """
    found = _CHARSET.search(content_type)
    charset = found[1].lower() if found else "utf-8"
    body = sent.removeprefix(_BOM)
    if charset not in ("utf-8", "utf8"):
        if charset not in ENCODINGS:
            raise Fault("client.invalid_soap", f"the charset is one of {', '.join(ENCODINGS)}")
        try:
            text = body.decode(charset)
        except UnicodeDecodeError:
            raise Fault("client.invalid_soap", "the message is not in its charset") from None
        body = _DECLARATION.sub("", text).encode()
    if body.startswith(_BOM):
        raise Fault("client.invalid_soap", "the message begins with two byte order marks")
    return body


def _check_body(body: etree._Element) -> None:
    children = list(islice(body.iterchildren("*"), 2))
    if len(children) > 1:
        raise Fault("client.invalid_body", "the body has one child")
    if children and children[0].tag == f"{{{SOAP}}}Fault":
        code = children[0].findtext("faultcode", "").rpartition(":")[2].strip().lower()
        raise Fault(f"client.{code[:60] or 'fault'}", "the request is a fault itself")


def _fields(header: etree._Element) -> dict[str, Any]:
    """The header's fields of X-Road by name: identifiers, or texts."""
    found: dict[str, Any] = {}
    for child in _children(header):
        name = etree.QName(child)
        if name.namespace != XROAD or name.localname not in (*_IDENTIFIED, *_TEXTS):
            continue
        field = name.localname
        if field in found:
            raise Fault("client.duplicate_header_field", f"{field} stands twice")
        found[field] = _identifier(child) if field in _IDENTIFIED else _text(child)
        if field == "protocolVersion" and not found[field].startswith(_VERSION_BEGIN):
            raise Fault("client.invalid_protocol_version", "the version of the protocol is 4.x")
    return found


def _children(element: etree._Element) -> Iterator[etree._Element]:
    """The elements inside one that has few.

    Raises:
        Fault: `client.invalid_soap`, when there are too many.
    """
    if len(element) > CHILDREN_MAX:
        name = excerpt(etree.QName(element).localname)
        message = f"{name} has more than {CHILDREN_MAX} elements inside it"
        raise Fault("client.invalid_soap", message)
    return element.iterchildren("*")


def _identifier(element: etree._Element) -> Identifier:
    kinds, own = _IDENTIFIED[etree.QName(element).localname]
    kind = element.get(_OBJECT_TYPE, "")
    if kind not in kinds:
        raise Fault("client.invalid_xml", f"objectType is {' or '.join(kinds)}")
    parts: dict[str, str] = {}
    for child in _children(element):
        name = etree.QName(child)
        if name.namespace != IDENTIFIERS or name.localname not in own:
            continue
        if name.localname in parts:
            raise Fault("client.duplicate_header_field", f"{name.localname} stands twice")
        parts[name.localname] = _text(child).strip()
    return Identifier(kind, parts)


def _text(element: etree._Element) -> str:
    """The text of an element without comments."""
    return str(element.xpath("string()"))


def request_hash(sent: bytes) -> str:
    """The hash of a request: Base64 of SHA-512 of its SOAP part as it was sent."""
    return base64.b64encode(hashlib.sha512(sent).digest()).decode()


def answer(request: SoapRequest, body: bytes) -> bytes:
    """The envelope of an answer: the request's own header, its hash, and the body's child as it
    stands.
    """
    kept = [each for each in request.header if each.tag != f"{{{XROAD}}}requestHash"]
    copied = b"".join(etree.tostring(each, with_tail=False) for each in kept)
    hashed = request_hash(request.sent)
    return b"".join(
        (
            b'<?xml version="1.0" encoding="UTF-8"?>',
            f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}" xmlns:xrd="{XROAD}" '.encode(),
            f'xmlns:id="{IDENTIFIERS}"><SOAP-ENV:Header>'.encode(),
            copied,
            b'<xrd:requestHash algorithmId="http://www.w3.org/2001/04/xmlenc#sha512">',
            hashed.encode(),
            b"</xrd:requestHash></SOAP-ENV:Header><SOAP-ENV:Body>",
            body,
            b"</SOAP-ENV:Body></SOAP-ENV:Envelope>",
        )
    )


def with_attachment(
    envelope: bytes,
    attachment: bytes,
    boundary: str,
    content_id: str = "wsdl",
    kind_attached: str = SOAP_TYPE,
) -> tuple[bytes, str]:
    """An answer with a document attached: the body in two parts, and its content type. Readers of
    operational data look for `content-id` as the last header of its part.
    """
    lines = (
        f"--{boundary}",
        f"content-type: {SOAP_TYPE}",
        "",
        envelope.decode(),
        f"--{boundary}",
        f"content-type: {kind_attached}",
        f"content-id: <{content_id}>",
        "",
    )
    head = "\r\n".join(lines).encode()
    kind = f'multipart/related; type="text/xml"; charset=UTF-8; boundary="{boundary}"'
    return b"".join((head, b"\r\n", attachment, f"\r\n--{boundary}--\r\n".encode())), kind

"""What a request and its answer say of themselves, for the operational record of a call."""

from __future__ import annotations

from lxml import etree

from exchange.schemas import xml
from exchange.schemas.call import Reply
from exchange.schemas.violation import Malformed
from exchange.schemas.x_road.operational_records import TEXT_MAX, Observed
from exchange.schemas.x_road.rest import ERROR, Headers, RestRequest
from exchange.schemas.x_road.soap import SOAP, SoapRequest

REPRESENTATION = "http://x-road.eu/xsd/representation.xsd"


def rest_request(seen: Observed, method: str, asked: RestRequest, headers: Headers) -> None:
    """Who asks which service, and how."""
    said = {name.lower(): text for name, text in headers}
    seen.client, seen.service, seen.rest_path = asked.client, asked.service, asked.path[:TEXT_MAX]
    told = {
        "messageId": asked.id,
        "messageUserId": said.get("x-road-userid", ""),
        "messageIssue": said.get("x-road-issue", ""),
        **_party(*said.get("x-road-represented-party", "").rpartition("/")[::2]),
    }
    seen.told |= {name: text[:TEXT_MAX] for name, text in told.items() if text}
    seen.told |= {
        "messageProtocolVersion": "1",
        "serviceType": "OPENAPI3",
        "restMethod": method,
        "requestAttachmentCount": 0,
    }


def rest_reply(seen: Observed, reply: Reply, message_id: str, request_bytes: int) -> None:
    """What was answered; an error of the service's, or of the provider's server, counts as one."""
    seen.succeeded = reply.status < 400
    seen.told |= {
        "messageId": message_id[:TEXT_MAX],
        "statusCode": reply.status,
        "requestSize": request_bytes,
        "responseSize": len(reply.body),
        "responseAttachmentCount": 0,
    }
    if (code := reply.headers.get(ERROR)) is not None:
        seen.told["faultCode"] = code[:TEXT_MAX]


def soap_request(seen: Observed, asked: SoapRequest, body_bytes: int) -> None:
    """Who asks which service, and with what."""
    seen.client, seen.service = asked.client, asked.service
    texts = asked.texts
    told = {
        "messageId": texts.get("id", ""),
        "messageUserId": texts.get("userId", ""),
        "messageIssue": texts.get("issue", ""),
        "messageProtocolVersion": texts.get("protocolVersion", ""),
    }
    for each in asked.header:
        if each.tag == f"{{{REPRESENTATION}}}representedParty":
            kind, code = (
                each.findtext(f"{{{REPRESENTATION}}}{name}", "")
                for name in ("partyClass", "partyCode")
            )
            told |= _party(kind, code)
    seen.told |= {name: text[:TEXT_MAX] for name, text in told.items() if text}
    seen.told |= {"serviceType": "WSDL", "requestSize": len(asked.sent)}
    seen.told["requestAttachmentCount"] = asked.attachments
    if asked.attachments:
        seen.told["requestMimeSize"] = body_bytes


def soap_reply(seen: Observed, reply: Reply) -> None:
    """What was answered; a fault of the service's own counts as one."""
    seen.told |= {"responseSize": len(reply.body), "responseAttachmentCount": 0}
    if reply.content_type.startswith("multipart/"):
        seen.told |= {"responseMimeSize": len(reply.body), "responseAttachmentCount": 1}
    elif (found := _fault_of(reply.body)) is not None:
        code, text = (found.findtext(name, "") for name in ("faultcode", "faultstring"))
        fault(seen, code, text)


def _fault_of(body: bytes) -> etree._Element | None:
    """The fault in an envelope, if it is one; most are none, which is seen without reading them."""
    if b"Fault" not in body:
        return None
    try:
        return xml.parse(body).find(f"{{{SOAP}}}Body/{{{SOAP}}}Fault")
    except Malformed:
        # (Another server, or what stands before it, may answer anything.)
        return None


def fault(seen: Observed, code: str, text: str) -> None:
    """The call ended in a fault."""
    seen.succeeded = False
    seen.told |= {"faultCode": code[:TEXT_MAX], "faultString": text[:TEXT_MAX]}


def _party(kind: str, code: str) -> dict[str, str]:
    return {"representedPartyClass": kind, "representedPartyCode": code}

"""The errors of X-Road itself: their codes in both spellings, and how SOAP and REST show them.

Source: X-Road 7.8.1 (ErrorCode, SoapFault, ClientRestMessageProcessor); spellings before 7.8:
the commit before 4229e1292e.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal
from xml.sax.saxutils import escape

from exchange.schemas.call import Reply

Spelling = Literal["7.8", "before"]
#: Codes since 7.8, with those of before.
CODES = {
    "client.duplicate_header_field": "Client.DuplicateHeaderField",
    "client.inconsistent_headers": "Client.InconsistentHeaders",
    "client.invalid_body": "Client.InvalidBody",
    "client.invalid_content_type": "Client.InvalidContentType",
    "client.invalid_http_method": "Client.InvalidHttpMethod",
    "client.invalid_protocol_version": "Client.InvalidProtocolVersion",
    "client.invalid_request": "Client.InvalidRequest",
    "client.invalid_soap": "Client.InvalidSoap",
    "client.invalid_soap_action": "Client.InvalidSoapAction",
    "client.invalid_xml": "Client.InvalidXml",
    "client.missing_body": "Client.MissingBody",
    "client.missing_header": "Client.MissingHeader",
    "client.missing_header_field": "Client.MissingHeaderField",
    "client.missing_soap": "Client.MissingSoap",
    "client.bad_request": "Client.BadRequest",
    "server.clientproxy.internal_error": "Server.ClientProxy.InternalError",
    "server.clientproxy.invalid_client_identifier": "Server.ClientProxy.InvalidClientIdentifier",
    "server.clientproxy.invalid_security_server": "Server.ClientProxy.InvalidSecurityServer",
    "server.clientproxy.io_error": "Server.ClientProxy.IOError",
    "server.clientproxy.maintenance_mode": "Server.ClientProxy.MaintenanceMode",
    "server.clientproxy.network_error": "Server.ClientProxy.NetworkError",
    "server.clientproxy.ssl_authentication_failed": "Server.ClientProxy.SslAuthenticationFailed",
    "server.clientproxy.unknown_member": "Server.ClientProxy.UnknownMember",
    "server.serverproxy.access_denied": "Server.ServerProxy.AccessDenied",
    "server.serverproxy.invalid_request": "Server.ServerProxy.InvalidRequest",
    "server.serverproxy.service_disabled": "Server.ServerProxy.ServiceDisabled",
    "server.serverproxy.service_failed.http_error": "Server.ServerProxy.ServiceFailed.HttpError",
    "server.serverproxy.service_type": "Server.ServerProxy.ServiceType",
    "server.serverproxy.unknown_service": "Server.ServerProxy.UnknownService",
}
#: Errors of a REST request that pr-rest (4.6) shows as 400 `Client.BadRequest`, and the server does
#: not.
OF_SPECIFICATION = (
    "server.clientproxy.invalid_client_identifier",
    "server.clientproxy.internal_error",
)
SOAP_TYPE = "text/xml;charset=utf-8"
_XML_TYPES = ("application/xml", "text/xml", "text/*")


class Fault(Exception):
    """A request that X-Road refuses: one of `CODES` (or the sender's own, under `client.`), and why
    in words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def spelt(self, spelling: Spelling) -> str:
        """The code in that spelling; one of the sender's own is written as the rest are."""
        if spelling == "7.8":
            return self.code
        own = ".".join(word.capitalize() for word in self.code.split("."))
        return CODES.get(self.code, own)


def soap(fault: Fault, detail: str, spelling: Spelling) -> Reply:
    """A SOAP fault, with status 200 and on one line; `detail` is a UUID."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope '
        'xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Body>'
        f"<SOAP-ENV:Fault><faultcode>{escape(fault.spelt(spelling))}</faultcode>"
        f"<faultstring>{escape(fault.message)}</faultstring>"
        f'<detail><faultDetail xmlns="">{detail}</faultDetail></detail>'
        "</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
    return Reply(200, body.encode(), SOAP_TYPE, {"SOAPAction": ""})


def rest(
    fault: Fault, detail: str, accepts: str, spelling: Spelling, by_specification: bool = False
) -> Reply:
    """An error of a REST request: 500 where it is the server's, else 400; as XML where the header
    Accept (`accepts`) names that in any place.
    """
    if by_specification and fault.code in OF_SPECIFICATION:
        fault = Fault("client.bad_request", fault.message)
    code = fault.spelt(spelling)
    status = 500 if code.lower().startswith("server.") else 400
    headers = {"X-Road-Error": code}
    kinds = [each.partition(";")[0].strip().lower() for each in accepts.split(",")]
    if wanted := _xml_type(kinds):
        parts = zip(("type", "message", "detail"), (code, fault.message, detail), strict=True)
        inside = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts)
        body = f'<?xml version="1.0" encoding="UTF-8"?><error>{inside}</error>'
        return Reply(status, body.encode(), f"{wanted};charset=utf-8", headers)
    told = {"type": code, "message": fault.message, "detail": detail}
    return Reply(status, json.dumps(told, ensure_ascii=False).encode(), headers=headers)


def _xml_type(kinds: Sequence[str]) -> str:
    """The first media type of XML among some; empty when there is none."""
    found = next((kind for kind in kinds if kind in _XML_TYPES), "")
    return "text/xml" if found == "text/*" else found

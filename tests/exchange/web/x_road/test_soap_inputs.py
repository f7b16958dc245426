"""Envelopes of our own making to a security server, each judged beforehand by what the server of
X-Road 7.8.1 does with its kind: a fault's code, or nothing where it is passed on.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

import pytest
import pytest_asyncio
from lxml import etree

from tests.exchange.web.x_road.requests import (
    CLIENT,
    KEYED,
    MEMBER,
    NO_SERVICE,
    SETTINGS,
    UNKNOWN,
    send,
)
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOAP, XROAD = "http://schemas.xmlsoap.org/soap/envelope/", "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS, VTJ = "http://x-road.eu/xsd/identifiers", "http://xml.vrk.fi/ws/vtj/vtjkysely/1"
REPRESENTATION = "http://x-road.eu/xsd/representation.xsd"
PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
SERVICE = ("FI-TEST", "GOV", "0245437-2", "VTJkysely", "HenkilonTunnusKysely", "v1")
NAMES = (*PARTS, "serviceCode", "serviceVersion")
XML = "text/xml; charset=utf-8"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One exchange for all."""
    async with running(tmp_path_factory.mktemp("x-road"), x_road=SETTINGS) as started:
        yield started


def identifier(element: str, kind: str, parts: Mapping[str, str]) -> str:
    inside = "".join(f"<id:{name}>{text}</id:{name}>" for name, text in parts.items())
    return f'<x:{element} id:objectType="{kind}">{inside}</x:{element}>'


def client(path: str = CLIENT, kind: str = "SUBSYSTEM") -> str:
    return identifier("client", kind, dict(zip(PARTS, path.split("/"), strict=False)))


def service(kind: str = "SERVICE", **changed: str) -> str:
    """The identifier of the person query; a part that is changed to nothing is left out."""
    parts = dict(zip(NAMES, SERVICE, strict=True)) | changed
    return identifier("service", kind, {name: text for name, text in parts.items() if text})


def as_dotnet(element: str) -> str:
    """An identifier with prefixes of its own, declared in place."""
    declared = f' xmlns:h="{XROAD}" xmlns:a="{IDENTIFIERS}" a:objectType'
    for old, new in (("x:", "h:"), ("id:", "a:")):
        element = element.replace(f"<{old}", f"<{new}").replace(f"</{old}", f"</{new}")
    return element.replace(" id:objectType", declared, 1)


def question(code: str = "010594Y9032", wrapper: str = "HenkilonTunnusKysely", **more: str) -> str:
    fields = {"SoSoNimi": "Perussanoma 3", "Loppukayttaja": "koe"} | more | {"Henkilotunnus": code}
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    return f'<{wrapper} xmlns="{VTJ}"><request>{inside}</request></{wrapper}>'


def envelope(
    *instead: str,
    body: str = question(),
    header: str = "<s:Header>{}</s:Header>",
    namespace: str = SOAP,
    **fields: str,
) -> str:
    """An envelope whose header has what is given in place of its client and service, and texts."""
    texts = {"id": "k-1", "userId": "koe", "issue": "", "protocolVersion": "4.0"} | fields
    told = [f"<x:{name}>{text}</x:{name}>" for name, text in texts.items() if text != "-"]
    inside = "".join((*(instead or (client(), service())), *told))
    return (
        f'<s:Envelope xmlns:s="{namespace}" xmlns:x="{XROAD}" xmlns:id="{IDENTIFIERS}">'
        f"{header.format(inside)}<s:Body>{body}</s:Body></s:Envelope>"
    )


class Case(NamedTuple):
    """A request and the fault that it gets; empty: it is passed on."""

    body: str | bytes
    fault: str = ""
    headers: Mapping[str, str] = {}
    method: str = "POST"
    told: str = ""


def parts(*each: tuple[str, str], preamble: str = "", boundary: str = "raja") -> bytes:
    """Parts with their headers."""
    told = "".join(f"--{boundary}\r\n{head}\r\n\r\n{text}\r\n" for head, text in each)
    return f"{preamble}{told}--{boundary}--\r\nloppu".encode()


RELATED = {"Content-Type": 'Multipart/Related; type="text/xml"; boundary=raja'}
FIRST = "Content-Type: text/xml; charset=utf-8"
SWA = "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <liite>"
META = "listMethods", "allowedMethods", "getWsdl"


def meta(code: str, inside: str = "", **changed: str) -> str:
    asked = service(serviceCode=code, serviceVersion="", **changed)
    return envelope(client(), asked, body=f"<x:{code}>{inside}</x:{code}>")


CASES: dict[str, Case] = {
    "a later 4.x": Case(envelope(protocolVersion="4.12")),
    "version 5": Case(envelope(protocolVersion="5.0"), "client.invalid_protocol_version"),
    "version empty": Case(envelope(protocolVersion=""), "client.invalid_protocol_version"),
    "fields before identifiers": Case(
        envelope("<x:note/>", service(), client()), told="note",
    ),
    "namespaces where they are used, as .NET writes them": Case(
        envelope(as_dotnet(client()), as_dotnet(service()))
    ),
    "a client of another spelling": Case(envelope(client(CLIENT.lower()), service()), UNKNOWN),
    "a member alone": Case(envelope(client(MEMBER, "MEMBER"), service())),
    "a client of no parts": Case(
        envelope(identifier("client", "SUBSYSTEM", {}), service()), UNKNOWN
    ),
    "a client of two parts": Case(envelope(client("FI-TEST/MUN"), service()), UNKNOWN),
    "a client of one part": Case(
        envelope(identifier("client", "MEMBER", {"memberCode": "1234567-1"}), service()), UNKNOWN
    ),
    "an instance of another spelling": Case(
        envelope(client(), service(xRoadInstance="fi-test")), UNKNOWN
    ),
    "another instance": Case(envelope(client(), service(xRoadInstance="FI")), UNKNOWN),
    "a service without subsystem": Case(envelope(client(), service(subsystemCode="")), UNKNOWN),
    "a service of a code alone": Case(
        envelope(client(), identifier("service", "SERVICE", {"serviceCode": SERVICE[4]})), UNKNOWN
    ),
    "no version": Case(envelope(client(), service(serviceVersion="")), NO_SERVICE),
    "a version of another spelling": Case(
        envelope(client(), service(serviceVersion="V1")), NO_SERVICE
    ),
    "a code of another spelling": Case(
        envelope(
            client(),
            service(serviceCode="henkilontunnuskysely"),
            body=question(wrapper="henkilontunnuskysely"),
        ),
        NO_SERVICE,
    ),
    "no service code": Case(
        envelope(client(), service(serviceCode="")), "client.inconsistent_headers"
    ),
    "the body of another service": Case(
        envelope(body=question(wrapper="HenkilonTunnistusKysely")), "client.inconsistent_headers"
    ),
    "a user twice": Case(
        envelope(client(), service(), "<x:userId/>"), "client.duplicate_header_field"
    ),
    "an empty issue twice": Case(
        envelope(client(), service(), "<x:issue/>"), "client.duplicate_header_field"
    ),
    "an id of another namespace": Case(
        envelope(client(), service(), "<id:id>k-1</id:id>", id="-"), "client.missing_header_field"
    ),
    "an instance twice in a service": Case(
        envelope(
            client(),
            service().replace("<id:memberClass>", "<id:xRoadInstance/><id:memberClass>"),
        ),
        "client.duplicate_header_field",
    ),
    "a type in lower case": Case(envelope(client(), service("service")), "client.invalid_xml"),
    "a client that is a service": Case(
        envelope(client(kind="SERVICE"), service()), "client.invalid_xml"
    ),
    "a subsystem's code in the place of a service's": Case(
        envelope(
            # (It would be called by one id, and have the rights of another.)
            client(MEMBER).replace("</x:c", "<id:serviceCode>avain</id:serviceCode></x:c"),
            service(),
        ),
    ),
    "a server that is a member": Case(
        envelope(
            client(),
            service(),
            identifier("securityServer", "MEMBER", {"serverCode": "palvelin-1"}),
        ),
        "client.invalid_xml",
    ),
    "the server of another": Case(
        envelope(
            client(),
            service(),
            identifier(
                "securityServer",
                "SERVER",
                dict(zip((*PARTS[:3], "serverCode"), (*MEMBER.split("/"), "s"), strict=True)),
            ),
        ),
        "server.clientproxy.invalid_security_server",
    ),
    "a hash of its own": Case(envelope(client(), service(), "<x:requestHash>x</x:requestHash>")),
    "a header that must be understood": Case(
        envelope(client(), service(), '<o:own xmlns:o="urn:o" s:mustUnderstand="1">a</o:own>'),
        told="urn:o",
    ),
    "for somebody": Case(
        envelope(
            client(),
            service(),
            f'<r:representedParty xmlns:r="{REPRESENTATION}"><r:partyCode>9</r:partyCode>'
            "</r:representedParty>",
        ),
        told="partyCode",
    ),
    "an id of signs": Case(envelope(id="%;:/\\ &amp;&#x10FFFF;"), told="%;:/\\ &amp;"),
    "a body of remarks": Case(envelope(body="<!-- a --><?b c?>"), "client.invalid_body"),
    "a body of text": Case(envelope(body="a"), "client.invalid_body"),
    "remarks beside the body's child": Case(envelope(body=f"<!-- a -->{question()}<?b c?>")),
    "SOAP 1.2 by its namespace": Case(
        envelope(namespace="http://www.w3.org/2003/05/soap-envelope"), "client.invalid_soap"
    ),
    "no header but a body": Case(envelope(header="<!--{}-->"), "client.missing_header"),
    "cut off": Case(envelope()[:-20], "client.invalid_soap"),
    "two documents": Case(envelope() * 2, "client.invalid_soap"),
    "an entity of nobody's": Case(envelope(userId="&koe;"), "client.invalid_soap"),
    "UTF-16": Case(
        envelope().encode("utf-16"), headers={"Content-Type": "text/xml; charset=utf-16"}
    ),
    "Latin 1 without a word of it": Case(
        envelope(userId="ä").encode("latin-1"), "client.invalid_soap"
    ),
    "windows-1252": Case(
        envelope(userId="€").encode("cp1252"),
        headers={"Content-Type": "text/xml; charset=windows-1252"},
        told="€",
    ),
    "a media type in capitals": Case(
        envelope(), headers={"Content-Type": 'TEXT/XML; CHARSET="UTF-8"'}
    ),
    "a form": Case(
        envelope(),
        "client.invalid_content_type",
        {"Content-Type": "application/x-www-form-urlencoded"},
    ),
    "an action of two words": Case(
        envelope(), "client.invalid_soap_action", {"SOAPAction": '"urn:a urn:b"'}
    ),
    "an action in single quotes": Case(
        envelope(), "client.invalid_soap_action", {"SOAPAction": "'urn:a'"}
    ),
    "an action behind its quotes": Case(
        envelope(), "client.invalid_soap_action", {"SOAPAction": '"urn:a"; x=1'}
    ),
    "PUT": Case(envelope(), "client.invalid_http_method", method="PUT"),
    "no boundary": Case(
        parts((FIRST, envelope())),
        "client.missing_soap",
        {"Content-Type": 'multipart/related; type="text/xml"'},
    ),
    "another boundary": Case(
        parts((FIRST, envelope()), boundary="toinen"), "client.missing_soap", RELATED
    ),
    "something before the parts": Case(
        parts((FIRST, envelope()), (SWA, "JVBERi0="), preamble="alku\r\n"), headers=RELATED
    ),
    "an attachment of no type": Case(
        parts((FIRST, envelope()), ("Content-ID: <liite>", "a")),
        "client.invalid_content_type",
        RELATED,
    ),
    "an attachment with the message's type": Case(
        parts((FIRST, envelope()), (FIRST, envelope(client("FI/MUN/1/x"), service()))),
        headers=RELATED,
    ),
    "the message last": Case(
        parts((SWA, "JVBERi0="), (FIRST, envelope())), "client.invalid_content_type", RELATED
    ),
    "a DOCTYPE in a part": Case(
        parts((FIRST, '<!DOCTYPE a [<!ENTITY b "c">]>' + envelope())),
        "client.invalid_soap",
        RELATED,
    ),
    "more parts than may be": Case(
        parts((FIRST, envelope()), *[(SWA, "")] * 101), "client.missing_soap", RELATED
    ),
    "a client that needs a key": Case(
        envelope(client(KEYED), service()), "server.clientproxy.ssl_authentication_failed"
    ),
    "methods of nobody": Case(meta("listMethods", memberCode="7654321-2"), UNKNOWN),
    "the description of another version": Case(
        meta("getWsdl", "<x:serviceCode>HenkilonTunnusKysely</x:serviceCode>"
             "<x:serviceVersion>v2</x:serviceVersion>"),
        NO_SERVICE,
    ),
    "the description of a REST service": Case(
        meta("getWsdl", "<x:serviceCode>VTJmutpa</x:serviceCode>", subsystemCode="VTJmutpa"),
        "server.serverproxy.service_type",
    ),
    "a REST service over SOAP": Case(
        envelope(
            client(),
            service(subsystemCode="VTJmutpa", serviceCode="VTJmutpa", serviceVersion=""),
            body="<VTJmutpa/>",
        ),
        "server.serverproxy.service_type",
    ),
    "methods of a member without subsystem": Case(meta("listMethods", subsystemCode=""), UNKNOWN),
    "operations without criteria": Case(
        envelope(
            client(),
            service(
                subsystemCode="", serviceCode="getSecurityServerOperationalData", serviceVersion=""
            ),
            body="<getSecurityServerOperationalData/>",
        ),
        "client.invalid_request",
    ),
}  # fmt: skip


async def test_every_envelope_gets_what_its_kind_gets(exchange: Running) -> None:
    wrong = []
    for name, case in CASES.items():
        body = case.body if isinstance(case.body, bytes) else case.body.encode()
        headers = {"Content-Type": XML} | case.headers
        status, _, answer = await send(exchange, case.method, "/x-road", headers, body)
        root = etree.fromstring(answer)
        fault = root.findtext(".//faultcode", "")
        is_told = case.told in etree.tostring(root, encoding="unicode")
        hashes = root.findall(f".//{{{XROAD}}}requestHash")
        if (status, fault) != (200, case.fault) or not is_told or len(hashes) == bool(fault):
            wrong.append((name, status, fault, answer[:300]))
    assert wrong == []


async def test_the_hash_is_of_the_bytes_of_the_message_alone(exchange: Running) -> None:
    sent = "\ufeff" + envelope()
    for body, headers in (
        (sent.encode(), {"Content-Type": XML}),
        (parts((FIRST, sent), (SWA, "JVBERi0=")), RELATED),
    ):
        _, _, answer = await send(exchange, "POST", "/x-road", headers, body)
        told = etree.fromstring(answer).findtext(f".//{{{XROAD}}}requestHash")
        assert told == b64encode(hashlib.sha512(sent.encode()).digest()).decode()

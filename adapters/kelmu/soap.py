"""The query of one person over SOAP (*modelled*): the JSON query's members as elements, which go the
way of the JSON query, and its answer as elements again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree
from multidict import CIMultiDict
from pydantic_core import from_json, to_json

from exchange.adapters.kelmu import interface
from exchange.adapters.kelmu.identify import QUERY
from exchange.adapters.kelmu.listen import ask, said
from exchange.ports import Desk, Endpoint
from exchange.schemas import kelmu, xml
from exchange.schemas.call import JSON, XML, Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Malformed, Violation
from exchange.schemas.x_road.wsdl import description
from exchange.schemas.xml.characters import NO_CHARACTER

PATH = "/kelmu/v1/soap/queries"
OPERATION, NAMESPACE = "BenefitQuery", "urn:exchange:kelmu:1"
#: A query is a person and some twenty names: more is not read on the loop.
BYTES_MAX = 65_536
#: Members that are lists, each member of which is an element.
_LISTS = ("benefits", "data_groups")
#: What a fault tells of a problem beside its text.
_TOLD = ("reason", "id", "violations")
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


@cache
def wsdl() -> bytes:
    """The description, as X-Road hands it out."""
    schema = Path(kelmu.__file__).parent / "benefit_query_soap.xsd"
    return description(NAMESPACE, OPERATION, [schema.read_text(encoding="utf-8")])


async def query(call: Call, partner: Partner, desk: Desk) -> Reply:
    """Answer an envelope with an envelope; a refusal is a fault, with status 200 as X-Road's."""
    try:
        document = _members(_wrapper(call))
    except Malformed as error:
        # (With its bytes, so that it is seen whether they name a real person.)
        body = call.body if len(call.body) <= BYTES_MAX else b""
        inbound = replace(said("api", QUERY, call, partner), body=body)
        outcome = await desk.refuse(inbound, "malformed", error.violations)
        told = [each.as_dict() for each in outcome.violations]
        problem = {"reason": outcome.reason, "violations": told}
        return _fault("Client", outcome.violations[0].message, problem)
    headers = CIMultiDict(call.headers)
    headers["Content-Type"] = JSON
    asked = replace(call, body=to_json(document), headers=headers)
    reply = await ask("api", QUERY, asked, partner, desk)
    value = from_json(reply.body)
    if reply.status != 200:
        side = "Client" if reply.status < 500 else "Server"
        return _fault(side, value.get("detail", value["title"]), value)
    return _envelope(
        f'<{OPERATION}Response xmlns="{NAMESPACE}">{_inside(value)}</{OPERATION}Response>'
    )


def _wrapper(call: Call) -> etree._Element:
    if len(call.body) > BYTES_MAX:
        raise Malformed(
            [Violation("soap.size", "the envelope is too large", expected=f"{BYTES_MAX} bytes")]
        )
    body = xml.parse(call.body).find(f"{{{_SOAP}}}Body")
    wrapper = next(body.iterchildren("*"), None) if body is not None else None
    if wrapper is None or wrapper.tag != f"{{{NAMESPACE}}}{OPERATION}":
        expected = f"{{{NAMESPACE}}}{OPERATION} in the Body of an envelope of SOAP 1.1"
        raise Malformed([Violation("soap.wrapper", "there is no query", expected=expected)])
    return wrapper


def _members(wrapper: etree._Element) -> dict[str, Any]:
    """The query as JSON: what stands twice, and is no list, is a list all the same, which the
    schema refuses.
    """
    found: dict[str, list[str]] = {}
    for child in wrapper.iterchildren("*"):
        name = etree.QName(child).localname
        found.setdefault(name, []).append(str(child.xpath("string()")).strip())
    return {
        name: texts if name in _LISTS or len(texts) > 1 else texts[0]
        for name, texts in found.items()
    }


def _inside(members: dict[str, Any]) -> str:
    """Members as elements; a list as an element for each of its own."""
    told = ""
    for name, value in members.items():
        for each in value if isinstance(value, list) else [value]:
            told += f"<{name}>{_inside(each) if isinstance(each, dict) else _text(each)}</{name}>"
    return told


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else to_json(value).decode()
    return escape(NO_CHARACTER.sub("\ufffd", text))


def _fault(side: str, detail: str, problem: dict[str, Any]) -> Reply:
    """A problem as a fault: its detail in words, its reason and violations beside."""
    told = {name: each for name, each in problem.items() if name in _TOLD}
    return _envelope(
        f"<s:Fault><faultcode>s:{side}</faultcode><faultstring>{_text(detail)}</faultstring>"
        f'<detail><problem xmlns="{NAMESPACE}">{_inside(told)}</problem></detail></s:Fault>'
    )


def _envelope(body: str) -> Reply:
    return Reply(
        200,
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{_SOAP}">'
        f"<s:Body>{body}</s:Body></s:Envelope>".encode(),
        XML,
    )


ENDPOINT = Endpoint(
    "POST",
    PATH,
    "Query one person's benefit data (technical interface, SOAP)",
    query,
    takes_messages=True,
    said=lambda call, partner: said("api", QUERY, call, partner),
    interface=interface.ASK_SOAP,
)

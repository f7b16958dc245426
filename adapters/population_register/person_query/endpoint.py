"""The endpoint of VTJkysely: an envelope in, an envelope out, with the register's own codes.

Source: how eVaka calls it and reads its answers; which code a wrong question gets is *modelled*.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.sax.saxutils import escape

from lxml import etree

from exchange.adapters.population_register import interface
from exchange.adapters.population_register.identify import PERSON_QUERY, sees_restricted
from exchange.adapters.population_register.person_query.message import PRODUCTS, message
from exchange.ports import Answered, Desk, Endpoint, Inbound, Outcome, Parsed
from exchange.schemas.call import XML, Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.persons.register import NOT_FOUND, look_up
from exchange.schemas.violation import Violation

PATH = "/population-register/vtjkysely"
ENDPOINT = "vtjkysely"
NAMESPACE = "http://xml.vrk.fi/ws/vtj/vtjkysely/1"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
#: Codes of the questions that are refused, by the rule that they break; else they are not by the
#: schema.
CODES = {
    "population-register.permit": "-1500",
    "population-register.product": "-1900",
    "population-register.end-user": "-1904",
}
NOT_BY_SCHEMA = "-1805"
#: A password, whatever it is written with (a CDATA section, a comment): it is not kept. Whatever
#: begins a match is consumed by it, so that the work grows with the text's length.
_PASSWORD = re.compile(r"(<(?:[\w.-]+:)?Salasana\b[^<>]*(?<!/)>)[^<]*(?:<(?!/)[^<]*)*")
#: How a document begins that has two bytes for a character.
_TWO_BYTES = {
    b"\xff\xfe": "utf-16-le",
    b"<\0": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
    b"\0<": "utf-16-be",
}


class Told(NamedTuple):
    """An answer's bytes, and of whom it tells."""

    body: bytes
    persons: list[str]


def _said(call: Call, partner: Partner) -> Inbound:
    return Inbound(
        partner=partner,
        body=_without_password(call.body),
        content_type=call.content_type,
        endpoint=ENDPOINT,
        hints={"type": PERSON_QUERY},
    )


def _without_password(body: bytes) -> bytes:
    encoding = _TWO_BYTES.get(body[:2], "latin-1")
    try:
        return _PASSWORD.sub(r"\1", body.decode(encoding)).encode(encoding)
    except UnicodeError:
        # It is in no encoding, so that it will be refused.
        return b""


async def query(call: Call, partner: Partner, desk: Desk) -> Reply:
    """Take a question about a person in and answer it."""

    async def answering(parsed: Parsed) -> Answered:
        told = _told(parsed, partner, desk.now() // 1000)
        return Answered(told.body, {"persons": told.persons})

    inbound = _said(call, partner)
    if call.content_type not in ("text/xml", "application/xml"):
        wrong = Violation("call.media-type", "SOAP 1.1 is taken", expected="text/xml")
        return _refused(await desk.refuse(inbound, "unsupported", [wrong]))
    outcome, answered = await desk.answer(inbound, answering)
    return _refused(outcome) if answered is None else Reply(200, answered.body, XML)


def _told(parsed: Parsed, partner: Partner, now: int) -> Told:
    code, product = field(parsed.document, "Henkilotunnus"), product_of(parsed.document)
    life = look_up(code, now).life
    if life is None:
        return Told(_envelope(_failed("", NOT_FOUND)), [])
    return Told(_envelope(message(life, code, product, now, sees_restricted(partner))), [code])


def field(wrapper: etree._Element, name: str) -> str:
    """A field of a question, without white space around it; empty when it is not there."""
    return wrapper.findtext(f"{{{NAMESPACE}}}request/{{{NAMESPACE}}}{name}", "").strip()


def product_of(wrapper: etree._Element) -> str:
    """The product that is asked for, as `PRODUCTS` has it; empty when there is no such."""
    name = " ".join(field(wrapper, "SoSoNimi").upper().split())
    return name if name in PRODUCTS else ""


def _failed(code: str, text: str) -> str:
    return f"<faultCode>{escape(code)}</faultCode><faultString>{escape(text)}</faultString>"


def _refused(outcome: Outcome) -> Reply:
    """A refused question: its code, and in words everything that was found and where."""
    found = outcome.violations
    code = next((CODES[each.rule] for each in found if each.rule in CODES), NOT_BY_SCHEMA)
    texts = [
        f"{each.rule}: {each.message}"
        + (f" ({each.path}, line {each.line}, column {each.column})" if each.line else "")
        + (f"; expected {each.expected}" if each.expected else "")
        for each in found
    ]
    return Reply(200, _envelope(_failed(code, " | ".join(texts) or outcome.reason)), XML)


def _envelope(response: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<s:Envelope xmlns:s="{_SOAP}"><s:Body>'
        f'<HenkilonTunnusKyselyResponse xmlns="{NAMESPACE}"><response>{response}</response>'
        "</HenkilonTunnusKyselyResponse></s:Body></s:Envelope>"
    ).encode()


ENDPOINTS = (
    Endpoint(
        "POST",
        PATH,
        "What the register has of a person (VTJkysely, SOAP)",
        query,
        takes_messages=True,
        said=_said,
        interface=interface.PERSON,
    ),
)

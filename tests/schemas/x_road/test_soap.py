"""What SOAP requests may be of: the charsets that a document may state, and no other that Python
knows; elements with few inside them.
"""

from __future__ import annotations

import pytest

from exchange.schemas.x_road import soap
from exchange.schemas.x_road.faults import Fault
from exchange.schemas.x_road.identifiers import IDENTIFIERS, XROAD

ENVELOPE = (
    f'<s:Envelope xmlns:s="{soap.SOAP}" xmlns:x="{XROAD}" xmlns:id="{IDENTIFIERS}">{{}}'
    "</s:Envelope>"
)
HEADER_WITH = '<s:Header><x:client id:objectType="MEMBER">{}</x:client></s:Header>'


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "utf-7", "hex", "none"])
def test_a_charset_of_no_document_is_refused_unread(charset: str) -> None:
    headers = {"Content-Type": f"text/xml; charset={charset}"}
    with pytest.raises(Fault, match="the charset is one of utf-8"):
        soap.read("POST", headers, b"a-" * 400_000)


@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_a_second_byte_order_mark_is_refused(charset: str) -> None:
    for marks, said in (("\ufeff", "the root is an Envelope"), ("\ufeff\ufeff", "two byte order")):
        body = f"{marks}<a/>".encode(charset.replace("16", "16-le"))
        with pytest.raises(Fault, match=said):
            soap.read("POST", {"Content-Type": f"text/xml; charset={charset}"}, body)


def test_a_charset_of_documents_is_read() -> None:
    body = '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16")
    with pytest.raises(Fault, match="an Envelope"):
        soap.read("POST", {"Content-Type": "text/xml; charset=utf-16"}, body)


@pytest.mark.parametrize("around", ["{}", "<s:Header>{}</s:Header>", HEADER_WITH])
def test_very_many_elements_are_refused_without_a_look_at_each(around: str) -> None:
    def found(count: int) -> str:
        inside = around.format("<x/>" * count)
        with pytest.raises(Fault) as refused:
            soap.read("POST", {"Content-Type": "text/xml"}, ENVELOPE.format(inside).encode())
        return str(refused.value)

    assert "more than" not in found(soap.CHILDREN_MAX)
    assert f"more than {soap.CHILDREN_MAX} elements" in found(soap.CHILDREN_MAX + 1)


@pytest.mark.parametrize("named", ["", "; boundary=", '; boundary=""', "; boundary=other"])
def test_parts_are_parted_by_a_boundary_that_is_named(named: str) -> None:
    body = b"--\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n----\r\n"
    with pytest.raises(Fault, match="no parts"):
        soap.read("POST", {"Content-Type": f"multipart/related{named}"}, body)

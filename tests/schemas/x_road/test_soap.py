"""Charsets of SOAP requests: those that a document may state, and no other that Python knows."""

from __future__ import annotations

import pytest

from exchange.schemas.x_road import soap
from exchange.schemas.x_road.faults import Fault


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "utf-7", "hex", "none"])
def test_a_charset_of_no_document_is_refused_unread(charset: str) -> None:
    headers = {"Content-Type": f"text/xml; charset={charset}"}
    with pytest.raises(Fault, match="the charset is one of utf-8"):
        soap.read("POST", headers, b"a-" * 400_000)


def test_a_charset_of_documents_is_read() -> None:
    body = '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16")
    with pytest.raises(Fault, match="an Envelope"):
        soap.read("POST", {"Content-Type": "text/xml; charset=utf-16"}, body)

"""Deliveries signed in numbers are what a general verifier accepts."""

from __future__ import annotations

from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from exchange.benchmarks.signing import SignedTemplate


def test_a_general_verifier_accepts_what_was_signed_in_numbers() -> None:
    template = SignedTemplate(b'<r xmlns="urn:r"><id>0000</id><empty/></r>', b"0000")
    config = SignatureConfiguration(require_x509=False)
    signed = etree.fromstring(template.signed(b"1234"))
    verified = XMLVerifier().verify(signed, require_x509=False, expect_config=config)
    assert verified.signed_xml is not None
    assert verified.signed_xml.findtext("{urn:r}id") == "1234"

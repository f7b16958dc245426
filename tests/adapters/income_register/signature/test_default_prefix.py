"""Lists of prefixes that name the default namespace: it is then a part of what is signed wherever
it is in scope. The canonical forms are written by hand, so that no library judges itself.
"""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from exchange.adapters.income_register.parse import parse
from exchange.adapters.income_register.signature.sign import DS, EXCLUSIVE
from exchange.adapters.income_register.signature.verify import check_signature, verify
from exchange.ports import Inbound
from tests.adapters.income_register.clients import key_and_certificate
from tests.adapters.income_register.signature.test_verify import (
    SOMEBODY,
    findings,
    in_soap,
    unsigned,
)

PREFIXES = '<ec:InclusiveNamespaces xmlns:ec="%s" PrefixList="%s"></ec:InclusiveNamespaces>'


def listed(prefixes: str) -> str:
    return PREFIXES % (EXCLUSIVE, prefixes) if prefixes else ""


def signed_by_hand(of_document: str, of_info: str) -> bytes:
    """A delivery under a default namespace that no element of it has, signed by these lists."""
    plain = etree.tostring(unsigned(), method="c14n", exclusive=True)
    scoped = plain.replace(b" xmlns:r=", b' xmlns="urn:kept" xmlns:r=', 1)
    scoped = scoped.replace(b"<DeliveryData>", b'<DeliveryData xmlns="">', 1)
    digested = scoped if "#default" in of_document else plain
    digest = base64.b64encode(hashlib.sha256(digested).digest()).decode()
    inside = (
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}">{listed(of_info)}'
        "</ds:CanonicalizationMethod>"
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256">'
        '</ds:SignatureMethod><ds:Reference URI=""><ds:Transforms>'
        f'<ds:Transform Algorithm="{DS}enveloped-signature"></ds:Transform>'
        f'<ds:Transform Algorithm="{EXCLUSIVE}">{listed(of_document)}</ds:Transform>'
        "</ds:Transforms>"
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
    default = ' xmlns="urn:kept"' if "#default" in of_info else ""
    canonical = f'<ds:SignedInfo{default} xmlns:ds="{DS}">{inside}'.encode()
    pem, certificate = key_and_certificate()
    key = cast("RSAPrivateKey", load_pem_private_key(pem, None))
    value = base64.b64encode(key.sign(canonical, PKCS1v15(), hashes.SHA256())).decode()
    der = "".join(certificate.decode().splitlines()[1:-1])
    signature = (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{inside}'
        f"<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>"
        f"<ds:X509Certificate>{der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )
    end = scoped.rindex(b"</")
    return scoped[:end] + signature.encode() + scoped[end:]


@pytest.mark.parametrize(
    ("of_document", "of_info"),
    [("#default", "#default"), ("#default", ""), ("", "nowhere #default"), ("r", ""), ("", "")],
)
def test_a_list_that_names_the_default_namespace_is_applied(of_document: str, of_info: str) -> None:
    document = signed_by_hand(of_document, of_info)
    around = in_soap(document).replace(b"xmlns:other=", b'xmlns="urn:envelope" xmlns:other=')
    for body in (document, in_soap(document), around):
        assert findings(body) == []
        root = etree.fromstring(body)
        inside = root if body is document else root[0][0]
        assert verify(root, inside, pieces=lambda _, piece=inside: [piece])
    # What is listed is signed, what is not is not.
    changed = document.replace(b"urn:kept", b"urn:else")
    is_signed = "#default" in of_document + of_info
    assert [rule for rule, _ in findings(changed)] == ["ir.signature"] * is_signed
    unlisted = document.replace(b"#default", b"otherwise")
    assert [rule for rule, _ in findings(unlisted)] == ["ir.signature"] * is_signed


def test_it_is_applied_to_what_another_thread_has_read() -> None:
    body = signed_by_hand("#default", "#default")
    with ThreadPoolExecutor(1) as other:
        parsed = other.submit(parse, Inbound(SOMEBODY, body, "text/xml", "real-time")).result()
        assert check_signature(parsed, demanded=True) == []
        here = parse(Inbound(SOMEBODY, body, "text/xml", "real-time"))
        assert other.submit(check_signature, here, demanded=True).result() == []

"""Signs what the stubs send, each partner under a certificate of its own business id; shares no code
with the channel.

A general signer takes several milliseconds a delivery; what is sent here is made in canonical form
or brought into it once (Exclusive XML Canonicalization 1.0 and XML-Signature, W3C).
"""

from __future__ import annotations

import base64
import datetime
import hashlib
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

_DS = "http://www.w3.org/2000/09/xmldsig#"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)
_INFO = (
    f'<ds:SignedInfo xmlns:ds="{_DS}"><ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}">'
    '</ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/'
    'xmldsig-more#rsa-sha256"></ds:SignatureMethod><ds:Reference URI=""><ds:Transforms>'
    f'<ds:Transform Algorithm="{_DS}enveloped-signature"></ds:Transform><ds:Transform Algorithm="'
    f'{_EXCLUSIVE}"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/'
    '2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>%s</ds:DigestValue></ds:Reference>'
    "</ds:SignedInfo>"
)
#: The register's hold for two years; the stubs' do in every year that may be simulated.
_SINCE, _UNTIL = datetime.datetime(2019, 1, 1), datetime.datetime(2119, 1, 1)


def signed(document: bytes, business_id: str) -> bytes:
    """The document in canonical form with an enveloped signature as its last element, under a
    certificate of that business id.

    Raises:
        lxml.etree.XMLSyntaxError: when it is no XML.
    """
    root = etree.fromstring(document, _PARSER)
    canonical = etree.tostring(root, method="c14n", exclusive=True, with_comments=False)
    info = _INFO % base64.b64encode(hashlib.sha256(canonical).digest()).decode()
    value = base64.b64encode(_key().sign(info.encode(), padding.PKCS1v15(), hashes.SHA256()))
    signature = (
        f'<ds:Signature xmlns:ds="{_DS}">{info}<ds:SignatureValue>{value.decode()}'
        "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>"
        f"{_certificate(business_id)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )
    inside, slash, end = canonical.rpartition(b"</")
    return b"".join((inside, signature.encode(), slash, end))


def is_xml(document: bytes) -> bool:
    """Whether it can be read at all."""
    try:
        etree.fromstring(document, _PARSER)
    except etree.XMLSyntaxError:
        return False
    return True


@cache
def _key() -> rsa.RSAPrivateKey:
    """The key of all stubs, made at first use, in memory alone."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _certificate(business_id: str) -> str:
    """The certificate of a partner (DER in base64)."""
    names = [x509.NameAttribute(NameOID.COUNTRY_NAME, "FI")]
    names += [x509.NameAttribute(NameOID.COMMON_NAME, business_id or "Stub of a partner")]
    builder = (
        x509.CertificateBuilder(x509.Name(names), x509.Name(names), _key().public_key(), 1)
        .not_valid_before(_SINCE)
        .not_valid_after(_UNTIL)
    )
    made = builder.sign(_key(), hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()

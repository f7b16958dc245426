"""Signs the register's replies (XML signature, enveloped) given a key; verifies nothing and keeps
no key in a file.

RSA-SHA256 over exclusive canonical XML, enveloped-signature and exc-c14n transforms,
X509Certificate: the form of the register's own replies. The signature is of the document alone, so
a receiver takes it out of the SOAP envelope first. Source: XML-Signature Syntax and Processing
(W3C); exclusive XML canonicalization 1.0 (W3C).
"""

from __future__ import annotations

import base64
import datetime
import hashlib
from dataclasses import dataclass
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_NAME = "Exchange simulator, Incomes Register"
_VALID_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its certificate (DER, base64)."""

    private: rsa.RSAPrivateKey
    certificate: str


def make_key(bits: int = 2048) -> SigningKey:
    """A new key with a self-signed certificate from 2020; lives in memory only."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FI"),
            x509.NameAttribute(NameOID.COMMON_NAME, _NAME),
        ]
    )
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=_VALID_DAYS))
        .sign(private, hashes.SHA256())
    )
    return SigningKey(
        private, base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    )


@cache
def signing_key() -> SigningKey:
    """The key that this process signs with: made at first use, kept in memory."""
    return make_key()


def sign(document: bytes, key: SigningKey) -> bytes:
    """The document with a ds:Signature as the last child of its root; in canonical form, without
    XML declaration.
    """
    return sign_canonical(
        etree.tostring(
            etree.fromstring(document), method="c14n", exclusive=True, with_comments=False
        ),
        key,
    )


def sign_canonical(canonical: bytes, key: SigningKey) -> bytes:
    """The same of a document that is in canonical form already."""
    digest = base64.b64encode(hashlib.sha256(canonical).digest()).decode()
    inside = (
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256">'
        "</ds:SignatureMethod>"
        '<ds:Reference URI=""><ds:Transforms><ds:Transform '
        f'Algorithm="{DS}enveloped-signature"></ds:Transform>'
        f'<ds:Transform Algorithm="{EXCLUSIVE}"></ds:Transform></ds:Transforms>'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
    # What is signed is SignedInfo in canonical form, which carries the namespace itself; in the
    # document its parent does.
    signed = f'<ds:SignedInfo xmlns:ds="{DS}">{inside}'.encode()
    value = base64.b64encode(key.private.sign(signed, padding.PKCS1v15(), hashes.SHA256())).decode()
    signature = (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{inside}<ds:SignatureValue>'
        f"{value}</ds:SignatureValue><ds:KeyInfo>"
        f"<ds:X509Data><ds:X509Certificate>{key.certificate}</ds:X509Certificate></ds:X509Data>"
        "</ds:KeyInfo></ds:Signature>"
    ).encode()
    end = canonical.rindex(b"</")
    return b"".join((canonical[:end], signature, canonical[end:]))

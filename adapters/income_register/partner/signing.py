"""Signs what the stubs send, by a program that is not the exchange's, each partner under a
certificate of its own business id; shares no code with the channel.
"""

from __future__ import annotations

import datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)
#: The register's hold for two years; the stubs' do in every year that may be simulated.
_SINCE, _UNTIL = datetime.datetime(2019, 1, 1), datetime.datetime(2119, 1, 1)


def signed(document: bytes, business_id: str) -> bytes:
    """The document with an enveloped signature as its last element, under a certificate of that
    business id.

    Raises:
        lxml.etree.XMLSyntaxError: when it is no XML.
    """
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    root = etree.fromstring(document, _PARSER)
    certificate = _certificate(business_id)
    made = signer.sign(root, key=_key(), cert=certificate, always_add_key_value=False)
    # In UTF-8: the register forbids character references.
    return bytes(etree.tostring(made, encoding="utf-8"))


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
    """The certificate of a partner (PEM)."""
    names = [x509.NameAttribute(NameOID.COUNTRY_NAME, "FI")]
    names += [x509.NameAttribute(NameOID.COMMON_NAME, business_id or "Stub of a partner")]
    builder = (
        x509.CertificateBuilder(x509.Name(names), x509.Name(names), _key().public_key(), 1)
        .not_valid_before(_SINCE)
        .not_valid_after(_UNTIL)
    )
    made = builder.sign(_key(), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()

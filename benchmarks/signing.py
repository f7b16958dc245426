"""Signed deliveries in numbers: one document, its ids exchanged and signed anew each time; nothing
that a partner needs.

A general signer takes milliseconds a document, mostly for the canonical form. Here that form is
made once, since only ids of one length change in it (Exclusive XML Canonicalization 1.0 and
XML-Signature, W3C).
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
SIGNED_INFO = (
    '<ds:SignedInfo{declared}><ds:CanonicalizationMethod Algorithm="'
    + EXCLUSIVE
    + '"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256">'
    "</ds:SignatureMethod>"
    '<ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="'
    + DS
    + 'enveloped-signature"></ds:Transform>'
    '<ds:Transform Algorithm="' + EXCLUSIVE + '"></ds:Transform></ds:Transforms>'
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


class SignedTemplate:
    """A document in which `marker` stands wherever the id goes that makes each copy a message of
    its own.
    """

    def __init__(self, document: bytes, marker: bytes) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = self._key.public_key().public_numbers()
        parts = ((number.bit_length() + 7) // 8 for number in (numbers.n, numbers.e))
        modulus, exponent = (
            _text(number.to_bytes(length, "big"))
            for number, length in zip((numbers.n, numbers.e), parts, strict=True)
        )
        self._key_info = (
            f"<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus>"
            f"<ds:Exponent>{exponent}</ds:Exponent>"
            "</ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>"
        )
        self._marker = marker
        self._document = document
        self._canonical = etree.tostring(etree.fromstring(document), method="c14n", exclusive=True)

    def signed(self, mark: bytes) -> bytes:
        """The document with `mark` in place of the marker (as long as it), signed."""
        assert len(mark) == len(self._marker), "ids of one length"
        digest = _text(hashlib.sha256(self._canonical.replace(self._marker, mark)).digest())
        info = SIGNED_INFO.format(declared=f' xmlns:ds="{DS}"', digest=digest)
        value = _text(self._key.sign(info.encode(), padding.PKCS1v15(), hashes.SHA256()))
        signature = (
            f'<ds:Signature xmlns:ds="{DS}">{SIGNED_INFO.format(declared="", digest=digest)}'
            f"<ds:SignatureValue>{value}</ds:SignatureValue>{self._key_info}</ds:Signature>"
        )
        body, slash, root = self._document.replace(self._marker, mark).rpartition(b"</")
        return b"".join((body, signature.encode(), slash, root))

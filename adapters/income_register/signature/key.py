"""Reads the public key that a signature names: an RSA key as RSAKeyValue or X509Certificate; whose
it is is not asked.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.signature.errors import Refused
from exchange.adapters.income_register.signature.sign import DS

KEY_BITS_MIN, KEY_BITS_MAX = 2048, 8192
#: Longest certificate, modulus or exponent in base64; a certificate has some 2,000 characters.
KEY_CHARACTERS_MAX = 32_768
#: Longest text of any part of a signature, white space included.
TEXT_CHARACTERS_MAX = 2 * KEY_CHARACTERS_MAX
_EXPONENT_MAX = 1 << 32
_OF_KEYS = [
    f"{{*}}{name}"
    for name in ("RSAKeyValue", "X509Certificate", "RetrievalMethod", "KeyInfoReference")
]


def public_key(key_info: Element) -> rsa.RSAPublicKey:
    """The public key in KeyInfo; when several forms of it are given they must be the same key.

    Raises:
        Refused: when there is none, or one that is not taken.
    """
    keys: list[tuple[Element, rsa.RSAPublicKey | str]] = []
    for child in key_info.iter(*_OF_KEYS):
        name = child.tag.rpartition("}")[2]
        if name == "RSAKeyValue":
            modulus, exponent = (
                _base64_of(child, child.findtext(f"{{{DS}}}{part}"))
                for part in ("Modulus", "Exponent")
            )
            keys.append((child, _key_of_value(modulus, exponent)))
        elif name == "X509Certificate":
            keys.append((child, _key_of_certificate(_base64_of(child, child.text))))
        else:
            raise Refused(child, "the key itself, not where it is")
    if not keys:
        raise Refused(key_info, "RSAKeyValue or X509Certificate")
    first = keys[0][1]
    for element, key in keys:
        if isinstance(key, str):
            raise Refused(element, key)
        if (
            key is not first
            and isinstance(first, rsa.RSAPublicKey)
            and key.public_numbers() != first.public_numbers()
        ):
            raise Refused(element, "the same key in every form of it, and one certificate")
    assert isinstance(first, rsa.RSAPublicKey), "a text was refused above"
    return first


def _base64_of(element: Element, text: str | None) -> str:
    """A part of a key without white space. Keys are kept by their texts, so these are short."""
    found = "".join((text or "")[: TEXT_CHARACTERS_MAX + 1].split())
    if len(found) > KEY_CHARACTERS_MAX or len(text or "") > TEXT_CHARACTERS_MAX:
        raise Refused(element, f"at most {KEY_CHARACTERS_MAX} characters")
    return found


_SIZE = f"an RSA key of {KEY_BITS_MIN}-{KEY_BITS_MAX} bits"


@lru_cache(maxsize=512)
def _key_of_value(modulus: str, exponent: str) -> rsa.RSAPublicKey | str:
    try:
        n, e = (
            int.from_bytes(base64.b64decode(text, validate=True), "big")
            for text in (modulus, exponent)
        )
        if not KEY_BITS_MIN <= n.bit_length() <= KEY_BITS_MAX or not 3 <= e < _EXPONENT_MAX:
            return _SIZE
        return rsa.RSAPublicNumbers(e, n).public_key()
    except (binascii.Error, ValueError):
        return "a modulus and an exponent in base64"


@lru_cache(maxsize=512)
def _key_of_certificate(text: str) -> rsa.RSAPublicKey | str:
    try:
        key = x509.load_der_x509_certificate(base64.b64decode(text, validate=True)).public_key()
    except (binascii.Error, ValueError):
        return "an X.509 certificate (DER in base64)"
    if not isinstance(key, rsa.RSAPublicKey) or not KEY_BITS_MIN <= key.key_size <= KEY_BITS_MAX:
        return _SIZE
    return key

"""Judges who signs: whether a document must be signed, and whether the signing certificate holds
today and is its creator's; no cryptography.

Sources (vero.fi): a delivery over the web services is signed ("Tietojen toimittaminen - Skeemat -
Palkkatietoilmoitukset 2022", 2.1); the business id in the certificate is the creator's (release
note 22.1.2020); a certificate holds for two years, and the interface is closed to one that has
ended ("Varmenteen uusiminen"). The business id is the subject's common name, as in the certificates
of the register's own signed examples. A certificate without one, and a bare key, tell no business
id: then only the signature is judged, for there is no certificate authority here. A document that
is only checked is warned: those examples are signed under a test company's certificate that has
ended.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from functools import lru_cache
from typing import NamedTuple

from cryptography import x509
from cryptography.x509.oid import NameOID

from exchange.adapters.income_register.document import (
    CHECK_ENDPOINT,
    FILE_ENDPOINT,
    QUERY_ENDPOINT,
    Element,
    delivery_data,
    text_of,
)
from exchange.adapters.income_register.signature.sign import DS
from exchange.adapters.income_register.signature.verify import check_signature
from exchange.ports import Context, Parsed
from exchange.schemas.income_register.codes import ERRORS
from exchange.schemas.violation import Finding, Severity

_CERTIFICATE = f"{{{DS}}}Signature/{{{DS}}}KeyInfo//{{{DS}}}X509Certificate"

_BUSINESS_ID = re.compile("[0-9]{7}-[0-9]")


class Holder(NamedTuple):
    """What a certificate tells: the business id of its holder (empty: none), and from when until
    when it holds.
    """

    business_id: str
    since: datetime.datetime
    until: datetime.datetime


def check_signer(parsed: Parsed, context: Context) -> list[Finding]:
    """What is wrong with the signature, or with who signed."""
    found = check_signature(parsed, _must_sign(parsed, context))
    certificate = parsed.document.find(_CERTIFICATE)
    if found or certificate is None:
        return found
    holder = _holder_of("".join((certificate.text or "").split()))
    if holder is None:
        return found
    checked = parsed.inbound.endpoint == CHECK_ENDPOINT
    severity: Severity = "warning" if checked else "error"
    now = datetime.datetime.fromtimestamp(context.now / 1000, datetime.UTC)
    if not holder.since <= now <= holder.until:
        wanted = f"a certificate that holds on {now:%Y-%m-%d}"
        held = f"{holder.since:%Y-%m-%d} to {holder.until:%Y-%m-%d}"
        found.append(_finding("certificate-ended", certificate, wanted, held, severity))
    creator = text_of(delivery_data(parsed.document), "DeliveryDataCreator/Code")
    if holder.business_id and creator and holder.business_id != creator:
        wanted = "a certificate of DeliveryDataCreator"
        told = holder.business_id
        found.append(_finding("certificate-not-creator", certificate, wanted, told, severity))
    return found


def _must_sign(parsed: Parsed, context: Context) -> bool:
    endpoint = parsed.inbound.endpoint
    if endpoint == QUERY_ENDPOINT:
        return True
    if endpoint == CHECK_ENDPOINT:
        return False
    over_services = endpoint != FILE_ENDPOINT and context.strictness.unsigned_deliveries == "refuse"
    return over_services or "signature" in parsed.inbound.partner.demands


@lru_cache(maxsize=512)
def _holder_of(text: str) -> Holder | None:
    """The holder of a certificate (DER in base64); None when it can't be read."""
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
        told = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (binascii.Error, ValueError):
        return None
    ids = [str(each.value) for each in told if _BUSINESS_ID.fullmatch(str(each.value))]
    return Holder(ids[0] if len(ids) == 1 else "", since, until)


def _finding(rule: str, at: Element, expected: str, found: str, severity: Severity) -> Finding:
    error = ERRORS[rule]
    return Finding(
        rule=f"ir.{rule}",
        message=error.message,
        at=at,
        expected=expected,
        found=found,
        severity=severity,
        code=error.code,
    )

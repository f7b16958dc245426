"""What the certificate of a TLS client tells of it."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """`sha256` of the certificate's DER, in hexadecimal; the one common name of its subject (empty:
    there is none, or there are several); until when it holds, in seconds since 1970 UTC.
    """

    sha256: str
    common_name: str
    holds_until: float


def client_certificate(tls: ssl.SSLObject | None) -> ClientCertificate | None:
    """The certificate that a client showed, and that the handshake trusted; None: none."""
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    if tls is None or der is None:
        return None
    told: dict[str, Any] = tls.getpeercert() or {}
    names = [value for part in told["subject"] for name, value in part if name == "commonName"]
    return ClientCertificate(
        sha256=hashlib.sha256(der).hexdigest(),
        common_name=names[0] if len(names) == 1 else "",
        holds_until=ssl.cert_time_to_seconds(told["notAfter"]),
    )

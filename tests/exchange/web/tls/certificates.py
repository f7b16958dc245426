"""Certificates of a test: an authority, a server's, partners', and clients that show them; no test."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from exchange.web.access.new_certificates import Authority, Issued

NOW = datetime.datetime.now(datetime.UTC)


@cache
def _authority(number: int) -> Authority:
    return Authority.new(NOW)


def authority(number: int = 0) -> Authority:
    """One of several authorities."""
    return _authority(number)


@cache
def server() -> Issued:
    """The server's, by the first authority."""
    return authority().server(["localhost", "127.0.0.1"], NOW, 30)


@cache
def client(common_name: str, days: int = 30, by: int = 0) -> Issued:
    """A client's, by one of the authorities; ended where `days` is less than 0."""
    return authority(by).client(common_name, NOW, days)


@cache
def usable(purpose: x509.ObjectIdentifier | None, signs: bool = True) -> Issued:
    """A certificate of the partner `one` by the first authority for a purpose (None: it names
    none), and to sign a handshake with or not.
    """
    above, own = authority().issued, client("one")
    names = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "one")])
    usage = dict.fromkeys(
        (
            *("content_commitment", "data_encipherment", "key_agreement", "key_cert_sign"),
            *("crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(names)
        .issuer_name(above.certificate.subject)
        .public_key(own.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(hours=1))
        .not_valid_after(NOW + datetime.timedelta(days=1))
        .add_extension(
            x509.KeyUsage(digital_signature=signs, key_encipherment=True, **usage), critical=True
        )
    )
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return Issued(builder.sign(above.key, hashes.SHA256()), own.key)


class Folder:
    """A folder with the files of a listener."""

    def __init__(self, path: Path) -> None:
        self.path = path
        authority().issued.write(path / "authority.pem", path / "authority.key")
        server().write(path / "server.pem", path / "server.key")
        self.listener = {
            "certificate": path / "server.pem",
            "key": path / "server.key",
            "client_authority": path / "authority.pem",
        }

    def files(self, issued: Issued) -> tuple[str, str]:
        """The names of the files of a certificate and its key."""
        at = self.path / issued.sha256
        issued.write(at.with_suffix(".pem"), at.with_suffix(".key"))
        return str(at.with_suffix(".pem")), str(at.with_suffix(".key"))

    def shows(
        self, issued: Issued | None, change: Callable[[ssl.SSLContext], None] | None = None
    ) -> ssl.SSLContext:
        """A client's context: it trusts the authority, and shows the certificate."""
        context = ssl.create_default_context(cafile=str(self.path / "authority.pem"))
        if issued is not None:
            context.load_cert_chain(*self.files(issued))
        if change is not None:
            change(context)
        return context

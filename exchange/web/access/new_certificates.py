"""A development authority, and certificates by it for a server and for clients; nothing that a real
authority would sign by.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from exchange.web.access.new_keys import write_private

#: As many as the Incomes Register's signatures need at least, so that one key serves both.
KEY_BITS = 2048
AUTHORITY_DAYS = 3650
#: Clocks may differ by so much.
BEFORE = datetime.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: RSAPrivateKey

    @property
    def sha256(self) -> str:
        """The SHA-256 of the certificate, in hexadecimal: `certificate_sha256` of a partner."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def write(self, certificate: Path, key: Path) -> None:
        """Write both, in PEM; only their owner may read them."""
        private = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_private(key, private)
        write_private(certificate, self.certificate.public_bytes(serialization.Encoding.PEM))


def read(certificate: Path, key: Path) -> Issued:
    """What `Issued.write` wrote.

    Raises:
        ValueError: when they are no certificate and key.
        OSError: when they can't be read.
    """
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    if not isinstance(loaded, RSAPrivateKey):
        raise ValueError(f"{key}: no RSA key")
    return Issued(x509.load_pem_x509_certificate(certificate.read_bytes()), loaded)


class Authority:
    """Issues certificates that hold from `now` on."""

    def __init__(self, issued: Issued) -> None:
        self.issued = issued

    @classmethod
    def new(cls, now: datetime.datetime) -> Authority:
        """One with a key of its own, for ten years."""
        key = generate_private_key(65537, KEY_BITS)
        name = _name("Development authority of an exchange")
        until = now + datetime.timedelta(days=AUTHORITY_DAYS)
        builder = (
            _builder(name, name, key, now, until)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
        )
        return cls(Issued(builder.sign(key, hashes.SHA256()), key))

    def server(self, hosts: Sequence[str], now: datetime.datetime, days: int) -> Issued:
        """A server's certificate for host names and addresses."""
        names = x509.SubjectAlternativeName([_host(each) for each in hosts])
        return self._issue(hosts[0], now, days, ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, common_name: str, now: datetime.datetime, days: int) -> Issued:
        """A client's certificate."""
        return self._issue(common_name, now, days, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(
        self,
        common_name: str,
        now: datetime.datetime,
        days: int,
        purpose: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None = None,
    ) -> Issued:
        key, above = generate_private_key(65537, KEY_BITS), self.issued
        until = now + datetime.timedelta(days=days)
        builder = (
            _builder(_name(common_name), above.certificate.subject, key, now, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key()),
                critical=False,
            )
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return Issued(builder.sign(above.key, hashes.SHA256()), key)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FI"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: RSAPrivateKey,
    now: datetime.datetime,
    until: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, until) - BEFORE)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_encipherment=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )

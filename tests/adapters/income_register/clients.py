"""A real SOAP client (zeep) of the register's services, built from their served WSDLs, and an
independent signer (signxml); no assertion but on the replies' schemas and signatures.
"""

from __future__ import annotations

import asyncio
import datetime
from functools import cache
from typing import Any

import requests
import zeep
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.signer import XMLSigner
from signxml.verifier import XMLVerifier
from zeep.cache import InMemoryCache
from zeep.plugins import HistoryPlugin
from zeep.transports import Transport

from exchange.schemas import xml
from exchange.schemas.catalogue import Catalogue
from tests.journeys.running import Running

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
PREFIX = "/income-register/20170526"
#: The rules of an exchange that takes unsigned deliveries: signatures have tests of their own.
UNSIGNED = {"unsigned_deliveries": "take"}


@cache
def key_and_certificate() -> tuple[bytes, bytes]:
    """A key and its self-signed certificate (PEM), of the test's own sender."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sender of a test")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, private.public_key(), 7, start, start + datetime.timedelta(days=36_500)
        )
        .sign(private, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, certificate


def raw(document: Any) -> bytes:
    """The document's bytes in UTF-8 without a declaration, so that they fit into an envelope."""
    return etree.tostring(document, encoding="utf-8", with_tail=False)


def signed(document: Any, by: tuple[bytes, bytes] | None = None) -> Any:
    """The document with an enveloped signature as its last child, made by signxml by a key and its
    certificate (PEM).
    """
    pem, certificate = by or key_and_certificate()
    alone = etree.fromstring(etree.tostring(document, method="c14n", exclusive=True))
    for old in alone.findall(f"{DS}Signature"):
        alone.remove(old)
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256,
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )
    return signer.sign(alone, key=pem, cert=certificate.decode(), always_add_key_value=False)


def document_in(envelope: Any) -> Any:
    """The document in a SOAP envelope, as a document of its own."""
    body = envelope.find(f"{SOAP}Body")
    return etree.fromstring(etree.tostring(body[0], method="c14n", exclusive=True))


def check_reply(document: Any) -> str:
    """The reply is valid by the product's schemas and its signature verifies by signxml; its
    message type.
    """
    message_type = Catalogue.load().of_root(document.tag)
    assert message_type is not None, document.tag
    findings = Catalogue.load().schema(message_type.name).check(document)
    assert not findings, [(finding.rule, finding.message, finding.found) for finding in findings]
    signature = document.find(f"{DS}Signature")
    assert signature is document[-1], "the signature is the last child"
    certificate = signature.findtext(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")
    pem = f"-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n"
    verified = XMLVerifier().verify(document, x509_cert=pem)
    assert verified.signed_xml.tag == document.tag
    return message_type.name


class Signing(zeep.Plugin):
    """Signs each request's document before it goes out."""

    def __init__(self, by: tuple[bytes, bytes] | None = None) -> None:
        self._by = by

    def egress(self, envelope: Any, http_headers: Any, operation: Any, binding_options: Any) -> Any:
        """The envelope with its document signed."""
        body = envelope.find(f"{SOAP}Body")
        body[:] = [signed(body[0], self._by)]
        return envelope, http_headers


class RegisterClient:
    """One partner's client of one service below an address."""

    def __init__(
        self, address: str, service: str, session: requests.Session, signing: Signing | None
    ) -> None:
        self._history = HistoryPlugin()
        transport = Transport(cache=InMemoryCache(), session=session)
        plugins = [signing, self._history] if signing else [self._history]
        self.zeep = zeep.Client(
            f"{address}/{service}.svc?wsdl", transport=transport, plugins=plugins
        )

    def values(self, document: bytes) -> Any:
        """A generated document as zeep's own values, typed by the served schemas; the signature is
        left to the plugin.
        """
        root = etree.fromstring(document)
        for old in root.findall(f"{DS}Signature"):
            root.remove(old)
        value = self.zeep.get_element(root.tag).parse(root, self.zeep.wsdl.types)
        if "Signature" in value:
            value["Signature"] = zeep.xsd.SkipValue
        return value

    def call(self, operation: str, value: Any) -> Any:
        """Call an operation; the reply's document, checked."""
        with self.zeep.settings(strict=True):
            self.zeep.service[operation](**{name: value[name] for name in value})
        document = document_in(self._history.last_received["envelope"])
        check_reply(document)
        return document


async def client(running: Running, service: str, partner: str, sign: bool = True) -> RegisterClient:
    """A client of a service, built in a thread from its WSDL."""
    session = requests.Session()
    session.headers["X-API-Key"] = running.key(partner)["X-API-Key"]
    session.trust_env = False
    address, signing = running.url + PREFIX, Signing() if sign else None
    return await asyncio.to_thread(RegisterClient, address, service, session, signing)


def parsed(body: bytes) -> Any:
    """The document of a raw SOAP reply."""
    return document_in(xml.parse(body))

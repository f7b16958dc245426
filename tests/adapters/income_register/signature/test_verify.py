"""Signatures of what comes in: those that hold, and every attack that we know of, refused by name;
signxml signs, the product verifies.
"""

from __future__ import annotations

import base64
import copy
import datetime
import os
import random
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.parse import parse
from exchange.adapters.income_register.signature.errors import Refused
from exchange.adapters.income_register.signature.sign import EXCLUSIVE, make_key, sign
from exchange.adapters.income_register.signature.verify import (
    ATTRIBUTES_MAX,
    check_signature,
    verify,
)
from exchange.ports import Inbound
from exchange.schemas.directory import Partner
from tests.adapters.income_register.clients import DS, key_and_certificate, raw, signed
from tests.adapters.income_register.endpoints.test_services import EMPLOYER, status_of
from tests.adapters.income_register.register.test_versions import delivery, send
from tests.journeys.running import Running, running

SOMEBODY = Partner("somebody", "Somebody", "employer")
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
DAY = datetime.date(2026, 3, 2)


def unsigned() -> Any:
    """A delivery without a signature."""
    batch = generate.Batch("2900101-5", "2900101-5", DAY, "S-1")
    return etree.fromstring(generate.wage_delivery(random.Random(1), batch))


def findings(document: bytes, demanded: bool = True) -> list[tuple[str, str]]:
    """(rule, what was expected) of what is wrong with the signature."""
    parsed = parse(Inbound(SOMEBODY, document, "text/xml", "real-time"))
    return [(finding.rule, finding.expected) for finding in check_signature(parsed, demanded)]


def in_soap(document: Any, more: bytes = b"", header: bytes = b"") -> bytes:
    """The document in an envelope with declarations of its own."""
    inside = document if isinstance(document, bytes) else raw(document)
    start = f'<s:Envelope xmlns:s="{SOAP}" xmlns:other="urn:other">'.encode()
    return start + header + b"<s:Body>" + inside + more + b"</s:Body></s:Envelope>"


@pytest.mark.parametrize("way", ["exclusive", "inclusive"])
@pytest.mark.parametrize("key", ["certificate", "value"])
def test_what_signxml_signs_verifies_alone_and_in_a_soap_envelope(way: str, key: str) -> None:
    algorithm = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    if way == "inclusive":
        algorithm = CanonicalizationMethod.CANONICAL_XML_1_0
    signer = XMLSigner(signature_algorithm=SignatureMethod.RSA_SHA256, c14n_algorithm=algorithm)
    pem, certificate = key_and_certificate()
    document = signer.sign(
        unsigned(), key=pem, cert=certificate.decode() if key == "certificate" else None
    )
    assert findings(raw(document)) == []
    assert findings(in_soap(document)) == []
    document.find("DeliveryData/Source").text = "somebody else"
    assert [rule for rule, _ in findings(in_soap(document))] == ["ir.signature"]


class ListingSigner(XMLSigner):
    """signxml digests an enveloped document by the list of prefixes, but names it in SignedInfo's
    CanonicalizationMethod alone; this one names it in the transform too.
    """

    def _build_transforms_for_reference(self, **given: Any) -> None:
        super()._build_transforms_for_reference(**given)
        if prefixes := given["reference"].inclusive_ns_prefixes:
            name = f"{{{EXCLUSIVE}}}InclusiveNamespaces"
            etree.SubElement(given["transforms_node"][-1], name, PrefixList=" ".join(prefixes))


def with_prefixes(signer: type[XMLSigner], *prefixes: str) -> bytes:
    """A delivery with a namespace that nothing uses, signed by a list of prefixes."""
    pem, certificate = key_and_certificate()
    made = raw(unsigned()).replace(b" xmlns:r=", b' xmlns:kept="urn:kept" xmlns:r=', 1)
    algorithm = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    return raw(
        signer(signature_algorithm=SignatureMethod.RSA_SHA256, c14n_algorithm=algorithm).sign(
            etree.fromstring(made),
            key=pem,
            cert=certificate.decode(),
            inclusive_ns_prefixes=list(prefixes),
        )
    )


@pytest.mark.parametrize("prefixes", [["r"], ["kept"], ["r", "kept", "nowhere"], ["s", "other"]])
def test_what_is_signed_by_a_list_of_prefixes_verifies_alone_and_in_an_envelope(
    prefixes: list[str],
) -> None:
    document = with_prefixes(ListingSigner, *prefixes)
    assert document.count(f'PrefixList="{" ".join(prefixes)}"'.encode()) == 2
    assert (findings(document), findings(in_soap(document))) == ([], [])
    root = etree.fromstring(in_soap(document))
    assert verify(root, root[0][0], pieces=lambda _: [root[0][0]])
    changed = document.replace(b"urn:kept", b"urn:else")
    assert [rule for rule, _ in findings(changed)] == ["ir.signature"] * ("kept" in prefixes)


def test_a_list_of_prefixes_is_a_part_of_what_is_signed() -> None:
    document = with_prefixes(ListingSigner, "r")
    other = document.replace(b'PrefixList="r"', b'PrefixList="x"')
    assert [rule for rule, _ in findings(other)] == ["ir.signature"]


def test_a_digest_by_prefixes_that_its_transform_does_not_list_is_refused() -> None:
    found = findings(with_prefixes(XMLSigner, "kept"))
    assert found == [("ir.signature", "the digest of the document as it is")]


def test_what_the_register_signs_verifies() -> None:
    document = sign(raw(unsigned()), make_key())
    assert findings(document) == findings(in_soap(document)) == []


def test_space_before_the_signature_is_a_part_of_what_is_signed() -> None:
    document = unsigned()
    document[-1].tail = "\n  "
    done = signed(document)
    done[-1].tail = "\n"
    assert [rule for rule, _ in findings(raw(done))] == ["ir.signature"]
    assert findings(raw(signed(document))) == []


def test_an_unsigned_document_is_fine_unless_a_signature_is_demanded() -> None:
    assert findings(raw(unsigned()), demanded=False) == []
    assert [rule for rule, _ in findings(raw(unsigned()))] == ["ir.signature-missing"]


def set_algorithm(path: str, value: str) -> Any:
    """A change of one algorithm."""

    def change(document: Any) -> None:
        document.find(f".//{DS}{path}").set("Algorithm", value)

    return change


def moved(document: Any) -> None:
    """The signed content moved aside, other content in its place."""
    data = document[0]
    other = copy.deepcopy(data)
    other.find("DeliveryId").text = "evil"
    document.insert(0, other)


def second_signature(document: Any) -> None:
    document.append(copy.deepcopy(document[-1]))


def foreign_uri(document: Any) -> None:
    document.find(f".//{DS}Reference").set("URI", "http://example.org/other.xml")


def by_id(document: Any) -> None:
    document[0].set("Id", "wanted")
    document.find(f".//{DS}Reference").set("URI", "#wanted")


def no_uri(document: Any) -> None:
    del document.find(f".//{DS}Reference").attrib["URI"]


def xpath_transform(document: Any) -> None:
    transforms = document.find(f".//{DS}Transforms")
    each = etree.SubElement(
        transforms, f"{DS}Transform", Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"
    )
    etree.SubElement(each, f"{DS}XPath").text = "self::nothing"


def xslt_first(document: Any) -> None:
    document.find(f".//{DS}Transform").set(
        "Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116"
    )


def object_inside(document: Any) -> None:
    inside = etree.SubElement(document[-1], f"{DS}Object")
    inside.append(copy.deepcopy(document[0]))


def two_references(document: Any) -> None:
    info = document.find(f".//{DS}SignedInfo")
    info.append(copy.deepcopy(info[-1]))


def not_last(document: Any) -> None:
    document.append(document[0])


def inside_data(document: Any) -> None:
    document[0].append(document[-1])


def truncated(document: Any) -> None:
    method = document.find(f".//{DS}SignatureMethod")
    etree.SubElement(method, f"{DS}HMACOutputLength").text = "1"


def key_elsewhere(document: Any) -> None:
    info = document.find(f".//{DS}KeyInfo")
    info.clear()
    etree.SubElement(info, f"{DS}RetrievalMethod", URI="http://example.org/key")


def no_key(document: Any) -> None:
    document.find(f".//{DS}KeyInfo").clear()


def other_key(document: Any) -> None:
    numbers = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key().public_numbers()
    )
    info = document.find(f".//{DS}KeyInfo")
    value = etree.SubElement(etree.SubElement(info, f"{DS}KeyValue"), f"{DS}RSAKeyValue")
    for name, number in (("Modulus", numbers.n), ("Exponent", numbers.e)):
        etree.SubElement(value, f"{DS}{name}").text = base64.b64encode(
            number.to_bytes((number.bit_length() + 7) // 8, "big")
        ).decode()


def swapped_key(document: Any) -> None:
    other_key(document)
    info = document.find(f".//{DS}KeyInfo")
    info.remove(info.find(f"{DS}X509Data"))


def tiny_key(document: Any) -> None:
    info = document.find(f".//{DS}KeyInfo")
    info.clear()
    value = etree.SubElement(etree.SubElement(info, f"{DS}KeyValue"), f"{DS}RSAKeyValue")
    etree.SubElement(value, f"{DS}Modulus").text = base64.b64encode(b"\xff" * 64).decode()
    etree.SubElement(value, f"{DS}Exponent").text = "AQAB"


def endless_certificate(document: Any) -> None:
    document.find(f".//{DS}X509Certificate").text = "A" * 100_000


def endless_attributes(document: Any) -> None:
    for number in range(ATTRIBUTES_MAX + 1):
        document.set(f"a{number}", "1")


def relative_namespace(document: Any) -> None:
    document.insert(0, etree.Element("x", nsmap={"p": "u1"}))


def no_base64(document: Any) -> None:
    document.find(f".//{DS}SignatureValue").text = "!!"


ATTACKS = {
    "digest of the document": moved,
    "one signature": second_signature,
    "whole document": foreign_uri,
    "whole document#": by_id,
    "whole document?": no_uri,
    "at most one canonicalization": xpath_transform,
    "enveloped-signature, then": xslt_first,
    "and nothing else": object_inside,
    "one Reference": two_references,
    "last element": not_last,
    "last element of the document's root": inside_data,
    "rsa-sha256 without parameters": truncated,
    "SHA-256 without": set_algorithm("DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1"),
    "rsa-sha256": set_algorithm("SignatureMethod", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
    "rsa-sha256 ": set_algorithm("SignatureMethod", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
    "without comments": set_algorithm(
        "CanonicalizationMethod", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
    ),
    "the key itself": key_elsewhere,
    "RSAKeyValue or X509Certificate": no_key,
    "the same key in every form": other_key,
    "signature of SignedInfo": swapped_key,
    "an RSA key of 2048": tiny_key,
    "base64": no_base64,
    "at most 32768 characters": endless_certificate,
    "at most 64 attributes of an element": endless_attributes,
    "absolute URIs as the names of namespaces": relative_namespace,
}


@pytest.mark.parametrize("expected", ATTACKS)
def test_an_attack_on_a_signature_is_refused_by_name(expected: str) -> None:
    document = signed(unsigned())
    ATTACKS[expected](document)
    found = findings(in_soap(document))
    assert [rule for rule, _ in found] == ["ir.signature"]
    assert expected.rstrip("#? ") in found[0][1]


def test_a_signed_document_beside_another_is_refused() -> None:
    evil = raw(unsigned())
    good = raw(signed(unsigned()))
    assert "one document" in findings(in_soap(evil, good))[0][1]
    assert "one document" in findings(in_soap(good, evil))[0][1]
    header = b"<s:Header>" + good + b"</s:Header>"
    assert "last element of the document's root" in findings(in_soap(evil, b"", header))[0][1]
    second_body = (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body>'.encode()
        + evil
        + b"</s:Body><s:Body>"
        + good
        + b"</s:Body></s:Envelope>"
    )
    assert "one body" in findings(second_body)[0][1]


def test_verifying_leaves_the_document_as_it_was() -> None:
    document = etree.fromstring(in_soap(signed(unsigned())))
    before = raw(document)
    assert verify(document, document[0][0])
    assert raw(document) == before


@pytest.mark.reference
def test_the_signatures_of_the_registers_own_examples() -> None:
    """What was found of each example, so that a change is seen."""
    folder = Path(os.environ["EXCHANGE_REFERENCE"]) / "income-register" / "examples"
    seen = {}
    for path in sorted(folder.glob("*.xml")):
        root = etree.parse(str(path)).getroot()
        try:
            seen[path.stem] = "verifies" if verify(root, root) else "unsigned"
        except Refused as refused:
            seen[path.stem] = refused.expected
    assert len(seen) == 3
    assert set(seen.values()) == {"verifies"}, seen


async def test_a_forged_delivery_is_refused_over_sockets(gateway: Running) -> None:
    document = signed(delivery(gateway, "F-1"))
    assert (
        status_of(await send(gateway, "WageReportService", "SendWageReport", raw(document))) == "3"
    )
    forged = signed(delivery(gateway, "F-2"))
    forged.find("DeliveryData/Reports/Report//Amount").text = "9999999.00"
    reply = await send(gateway, "WageReportService", "SendWageReport", raw(forged))
    assert (status_of(reply), [each.text for each in reply.iter("ErrorCode")]) == ("4", ["IR1011"])
    assert reply.find("StatusResponse/MessageErrors") is not None


async def test_a_partner_whose_profile_demands_a_signature_is_refused_without_one(
    tmp_path: Path,
) -> None:
    from exchange.schemas.directory import DEFAULT_PATH

    own = tmp_path / "directory.toml"
    text = DEFAULT_PATH.read_text(encoding="utf-8")
    own.write_text(
        text.replace(f'id = "{EMPLOYER}"', f'id = "{EMPLOYER}"\ndemands = ["signature"]'),
        encoding="utf-8",
    )
    async with running(tmp_path, partners={"directory": own}) as gateway:
        document = delivery(gateway, "D-1")
        reply = await send(gateway, "WageReportService", "SendWageReport", raw(document))
        assert (status_of(reply), [each.text for each in reply.iter("ErrorCode")]) == (
            "4",
            ["IR1010"],
        )
        assert (
            status_of(
                await send(gateway, "WageReportService", "SendWageReport", raw(signed(document)))
            )
            == "3"
        )

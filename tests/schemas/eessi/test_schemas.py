"""The XSDs of header and SEDs: what they accept and what they refuse, value by value."""

from __future__ import annotations

import copy
import datetime
import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange import schemas
from exchange.adapters.eessi import header
from exchange.adapters.eessi.generate.messages import AUTHORITY, GENERATORS, SBDH, history, write
from exchange.adapters.eessi.generate.seds import CONTENTS
from exchange.schemas import xml
from exchange.schemas.catalogue import Catalogue

CATALOGUE = Catalogue.load()
ENVELOPE = xml.XmlSchema(Path(schemas.__file__).parent / "eessi" / "sbdh.xsd")
DAY = datetime.date(2026, 3, 2)
TYPES = sorted(GENERATORS)


def made(type_name: str, seed: int = 1) -> Any:
    """The root of a generated message of that type."""
    return etree.fromstring(GENERATORS[type_name](random.Random(seed), DAY, seed).body)


def rules(type_name: str, sed: Any) -> set[str]:
    """The rules that the type's schema finds broken."""
    return {finding.rule for finding in CATALOGUE.schema(type_name).check(sed)}


def test_there_is_a_type_for_every_sed_that_is_generated() -> None:
    assert {each.name for each in CATALOGUE if each.family == "eessi"} == {
        f"eessi.{sed.lower()}" for sed in CONTENTS
    }
    assert {each.basis for each in CATALOGUE if each.family == "eessi"} == {"modelled"}


@pytest.mark.parametrize("type_name", TYPES)
def test_what_is_generated_is_accepted(type_name: str) -> None:
    for seed in range(10):
        root = made(type_name, seed)
        assert ENVELOPE.check(root) == []
        assert CATALOGUE.schema(type_name).check(root[1]) == []


@pytest.mark.parametrize("type_name", TYPES)
def test_a_sed_without_its_person_or_its_own_content_is_refused(type_name: str) -> None:
    root = made(type_name)
    person = next(child for child in root[1] if child.tag in ("Person", "CaseContext"))
    own = person.getnext()
    for gone in (person, own):
        broken = copy.deepcopy(root)
        child = broken[1].find(gone.tag)
        broken[1].remove(child)
        assert rules(type_name, broken[1]) <= {"xsd.element-missing", "xsd.element-unexpected"}
        assert rules(type_name, broken[1])


@pytest.mark.parametrize("type_name", TYPES)
def test_every_coded_value_has_a_list_or_a_form(type_name: str) -> None:
    sed = made(type_name)[1]
    for value in sed.iter("value"):
        original, value.text = value.text, "no such code"
        assert rules(type_name, sed) <= {"xsd.enumeration", "xsd.pattern"}
        assert rules(type_name, sed), sed.getroottree().getpath(value)
        value.text = original


@pytest.mark.parametrize("type_name", TYPES)
def test_every_date_is_a_day(type_name: str) -> None:
    sed = made(type_name)[1]
    dates = [
        element
        for element in sed.iter()
        if not len(element) and (element.text or "")[4:5] == "-" == (element.text or "")[7:8]
    ]
    assert dates
    for element in dates:
        original, element.text = element.text, "2026-02-30"
        assert rules(type_name, sed) == {"xsd.type"}
        element.text = original


@pytest.mark.parametrize("type_name", TYPES)
@pytest.mark.parametrize("attribute", ["sedPackage", "sedGVer", "sedVer"])
def test_every_sed_states_its_package_and_version(type_name: str, attribute: str) -> None:
    sed = made(type_name)[1]
    del sed.attrib[attribute]
    assert rules(type_name, sed) == {"xsd.attribute-missing"}
    sed.set(attribute, "")
    assert rules(type_name, sed)


HEADER_VALUES = [
    ("HeaderVersion", "1.0", "xsd.enumeration"),
    ("Sender/Identifier", "Kela", "xsd.pattern"),
    ("Receiver/ContactTypeIdentifier", "CounterParty", "xsd.enumeration"),
    ("DocumentIdentification/CreationDateAndTime", "2026-03-02", "xsd.type"),
    ("DocumentIdentification/CaseAction", "Create", "xsd.enumeration"),
    ("DocumentIdentification/Type", "p2000", "xsd.pattern"),
    ("DocumentIdentification/InstanceIdentifier", "A" * 32, "xsd.pattern"),
    ("DocumentIdentification/TypeVersion", "4.2.1", "xsd.pattern"),
    ("BusinessScope/DocumentVersion", "0", "xsd."),
    ("BusinessScope/DocumentVersion", "10000", "xsd."),
    ("BusinessScope/SetId", "0" * 31, "xsd.pattern"),
    ("BusinessScope/CaseId/InstanceIdentifier", "", "xsd.pattern"),
    ("BusinessScope/CaseId/BusinessServiceName", "P_BUC_01", "xsd.pattern"),
]


@pytest.mark.parametrize(
    "path, value, rule",
    HEADER_VALUES,
    ids=[f"{path}={value[:8]}" for path, value, _ in HEADER_VALUES],
)
def test_a_wrong_value_in_the_header_is_refused(path: str, value: str, rule: str) -> None:
    root = made("eessi.p2000")
    element = root[0].find("/".join(f"{{{SBDH}}}{name}" for name in path.split("/")))
    element.text = value
    (finding,) = ENVELOPE.check(root)
    assert (finding.at, finding.found) == (element, value)
    assert finding.rule.startswith(rule)
    assert finding.expected


@pytest.mark.parametrize("count", [60, 61])
def test_a_message_has_sixty_receivers_at_most(count: int) -> None:
    letter, _ = history(random.Random(1), DAY, "H001")[0]
    receivers = tuple(f"FI:{number:010d}" for number in range(count))
    root = etree.fromstring(write(replace(letter, receivers=receivers), ()))
    assert bool(ENVELOPE.check(root)) == (count > 60)


REFERENCE = Path(os.environ.get("EXCHANGE_REFERENCE", ".")) / "eessi" / "examples"


@pytest.mark.reference
def test_the_person_block_of_a_published_sed_is_accepted() -> None:
    """U018 of CDM 4.0: its case numbers and its person stand in a P2000 as they are, its
    placeholders made values.
    """
    published = etree.parse(str(REFERENCE / "U018-4.0.xml")).getroot()
    root = made("eessi.p2000")
    for name in ("LocalCaseNumbers", "Person"):
        ours, theirs = root[1].find(name), copy.deepcopy(published.find(name))
        assert theirs is not None
        root[1].replace(ours, theirs)
    findings = CATALOGUE.schema("eessi.p2000").check(root[1])
    assert {finding.rule for finding in findings} <= {"xsd.pattern"}, [
        finding.message for finding in findings
    ]
    assert {finding.found for finding in findings} <= {"string"}, (
        "only placeholders for ids do not fit"
    )


@pytest.mark.reference
def test_a_published_header_with_attachments_says_the_same_as_xml() -> None:
    """The JSON form of a header of P_BUC_01 with two receivers and two attachments, written as XML
    and read again.
    """
    told = json.loads((REFERENCE / "sbdh-with-attachments.json").read_text())
    document, case = told["documentIdentification"], told["caseIdentification"]
    root = etree.Element(f"{{{SBDH}}}StandardBusinessDocument")
    top = etree.SubElement(root, f"{{{SBDH}}}StandardBusinessDocumentHeader")

    def add(parent: Any, name: str, text: str = "", authority: str = "") -> Any:
        element = etree.SubElement(
            parent, f"{{{SBDH}}}{name}", {"Authority": authority} if authority else {}
        )
        element.text = text or None
        return element

    def hexadecimal(text: str) -> str:
        """Ids were made unreal by hand: one has a letter that is no hexadecimal digit."""
        return "".join(sign if sign in "0123456789abcdef" else "a" for sign in text)

    add(top, "HeaderVersion", told["headerVersion"])
    for name, contact in (
        ("Sender", told["sender"]),
        *(("Receiver", each) for each in told["receivers"]),
    ):
        assert contact["authority"] == AUTHORITY
        element = add(top, name)
        add(element, "Identifier", contact["identifier"], contact["authority"])
        add(element, "ContactTypeIdentifier", contact["contactTypeIdentifier"])
    identification = add(top, "DocumentIdentification")
    for name, key in (
        ("CreationDateAndTime", "creationDate"),
        ("CaseAction", "action"),
        ("Type", "type"),
    ):
        add(identification, name, document[key])
    add(identification, "InstanceIdentifier", hexadecimal(document["identifier"]))
    add(identification, "TypeVersion", document["schemaVersion"])
    scope = add(top, "BusinessScope")
    add(scope, "DocumentVersion", document["version"])
    add(scope, "SetId", document["setIdentifier"])
    identified = add(scope, "CaseId")
    add(identified, "InstanceIdentifier", case["identifier"])
    add(identified, "BusinessServiceName", f"{case['type']}:{case['version']}")
    add(identified, "IsProtectedPerson", str(case["isProtectedPerson"]).lower())
    for attachment in told["attachments"]:
        element = add(scope, "Attachment")
        add(element, "InstanceIdentifier", attachment["identifier"])
        add(element, "FileName", attachment["fileName"])
        add(element, "IsMedical", str(attachment["isMedical"]).lower())
        add(element, "InternetMediaTypeCode", attachment["internetMediaTypeCode"])
    root.append(made("eessi.p2000")[1])
    assert [finding.message for finding in ENVELOPE.check(root)] == []
    read = header.read(root)
    assert (read.sed, read.action, read.attachments, read.process) == (
        "P2000",
        "Start",
        2,
        "P_BUC_01",
    )
    assert [contact.institution for contact in read.receivers] == [
        each["identifier"] for each in told["receivers"]
    ]
    assert (read.case_id, read.set_id) == (case["identifier"], document["setIdentifier"])

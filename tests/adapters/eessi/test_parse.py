"""Bytes to a parsed message and its header: what is read, what is refused, what hostile documents
come to.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from exchange.adapters.eessi import header
from exchange.adapters.eessi.generate.messages import KELA, SBDH
from exchange.adapters.eessi.parse import header_in, parse
from exchange.ports import Inbound
from exchange.schemas.violation import Malformed
from tests.adapters.eessi.access_point import DIRECTORY, ESTONIA, Play

KELA_PARTNER = DIRECTORY.by_eessi_id(KELA)
assert KELA_PARTNER is not None


def inbound(body: bytes) -> Inbound:
    """The bytes as Kela's."""
    assert KELA_PARTNER is not None
    return Inbound(KELA_PARTNER, body, "text/xml", "api")


def claim() -> Play:
    """A claim of Estonia's."""
    return Play("P_BUC_01", "P2000", rng=random.Random(3))


def test_a_message_is_its_sed_its_header_and_no_finding() -> None:
    play = claim()
    parsed = parse(inbound(play.opening_bytes))
    assert (parsed.message_type, parsed.format, parsed.findings) == ("eessi.p2000", "xml", [])
    assert parsed.document.tag == "{http://ec.europa.eu/eessi/ns/4_2/P2000}P2000"
    assert parsed.root.tag == header.ROOT
    read = header_in(parsed)
    assert (read.message_id, read.set_id, read.case_id) == (
        play.opening.message_id,
        play.opening.set_id,
        play.opening.case_id,
    )
    assert (read.process, read.process_version, read.sed, read.sed_version) == (
        "P_BUC_01",
        "4.2",
        "P2000",
        "4.2",
    )
    assert (read.action, read.version, read.related_set_id, read.attachments) == ("Start", 1, "", 0)
    assert (read.sender.institution, read.sender.contact_type) == (ESTONIA, "CaseOwner")
    assert [(contact.institution, contact.contact_type) for contact in read.receivers] == [
        (KELA, "Counterparty")
    ]
    assert read.at("CaseId").getparent().tag == f"{{{SBDH}}}CaseId"
    assert read.at("RelatedSetId") is None


def test_every_receiver_and_attachment_is_seen() -> None:
    play = Play("H_BUC_01", "H001", counterparties=(KELA, "SE:1001"))
    attachment = (
        "<sbdh:Attachment><sbdh:InstanceIdentifier>"
        + "0" * 32
        + "</sbdh:InstanceIdentifier><sbdh:FileName>a.pdf"
        "</sbdh:FileName><sbdh:IsMedical>true</sbdh:IsMedical><sbdh:InternetMediaTypeCode>"
        "application/pdf"
        "</sbdh:InternetMediaTypeCode></sbdh:Attachment>"
    )
    body = play.opening_bytes.replace(
        b"</sbdh:CaseId>", b"</sbdh:CaseId>" + attachment.encode() * 2
    )
    parsed = parse(inbound(body))
    assert parsed.findings == []
    assert header_in(parsed).attachments == 2
    assert len(header_in(parsed).receivers) == 2


def test_a_comment_inside_a_value_does_not_cut_it_short() -> None:
    play = claim()
    half = play.opening.case_id[:7].encode()
    body = play.opening_bytes.replace(half, half + b"<!-- half -->", 1)
    assert header_in(parse(inbound(body))).case_id == play.opening.case_id


@pytest.mark.parametrize(
    "body, rule",
    [
        (b"", "xml.empty"),
        (b"{}", "xml.malformed"),
        (b"<a>", "xml.malformed"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "xml.doctype"),
        (b"<a>" * 100 + b"</a>" * 100, "xml.depth"),
        (b"<?xml version='1.0' encoding='UTF-7'?><a/>", "xml.encoding"),
    ],
    ids=["empty", "json", "open", "entity", "deep", "encoding"],
)
def test_what_is_no_document_is_refused(body: bytes, rule: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(inbound(body))
    assert [violation.rule for violation in refused.value.violations] == [rule]


@pytest.mark.parametrize(
    "body, message",
    [
        (b"<a/>", "The root is no EESSI document"),
        (b'<P2000 xmlns="http://ec.europa.eu/eessi/ns/4_2/P2000"/>', "A SED stands alone"),
        (
            b'<P2000 xmlns="http://ec.europa.eu/eessi/ns/4_4/P2000"/>',
            "The root is no EESSI document",
        ),
    ],
    ids=["anything", "SED", "SED of another version"],
)
def test_a_document_without_header_is_told_what_it_lacks(body: bytes, message: str) -> None:
    parsed = parse(inbound(body))
    (finding,) = parsed.findings
    assert (finding.rule, finding.code, finding.expected) == (
        "eessi.sbdh.root",
        "EBMS:0009",
        header.ROOT,
    )
    assert finding.message.startswith(message)


@pytest.mark.parametrize(
    "inside", ["", "<x/>", '<Envelope xmlns="urn:x"/>'], ids=["nothing", "no namespace", "another"]
)
def test_a_header_is_followed_by_a_sed(inside: str) -> None:
    play = claim()
    root = etree.fromstring(play.opening_bytes)
    root.remove(root[1])
    if inside:
        root.append(etree.fromstring(inside))
    parsed = parse(inbound(etree.tostring(root)))
    assert parsed.message_type == ""
    assert parsed.findings
    assert all(finding.code in ("EBMS:0009", "EBMS:0001") for finding in parsed.findings)


SECTIONS = ("Sender", "Receiver", "DocumentIdentification", "BusinessScope")


@pytest.mark.parametrize("gone", SECTIONS)
def test_a_header_without_a_section_is_read_as_far_as_it_goes(gone: str) -> None:
    root = etree.fromstring(claim().opening_bytes)
    section = root[0].find(f"{{{SBDH}}}{gone}")
    assert section is not None
    root[0].remove(section)
    judgement = claim().point.take(etree.tostring(root), ESTONIA)
    assert not judgement.verdict.accepted
    assert "xsd.element-missing" in {violation.rule for violation in judgement.violations}


@given(st.data())
def test_no_broken_document_gets_past_or_breaks_the_judge(data: st.DataObject) -> None:
    """Elements taken away, doubled, renamed or emptied anywhere: never an exception, and never
    accepted with an error.
    """
    root = etree.fromstring(claim().opening_bytes)
    elements = list(root.iter("*"))[1:]
    for _ in range(data.draw(st.integers(1, 3))):
        element = data.draw(st.sampled_from(elements))
        parent = element.getparent()
        if parent is None:
            continue
        match data.draw(
            st.sampled_from(("remove", "double", "rename", "empty", "text", "comment"))
        ):
            case "remove":
                parent.remove(element)
            case "double":
                element.addnext(etree.fromstring(etree.tostring(element)))
            case "rename":
                element.tag = "renamed"
            case "empty":
                element.clear()
            case "text":
                element.text = data.draw(
                    st.text(
                        st.characters(
                            exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"
                        )
                    )
                )
            case _:
                element.append(etree.Comment("aside"))
    judgement = claim().point.take(etree.tostring(root), ESTONIA)
    errors = [violation for violation in judgement.violations if violation.severity == "error"]
    assert judgement.verdict.accepted == (not errors)

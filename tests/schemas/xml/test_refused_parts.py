"""What is explained is what libxml2 refused, and nothing of it is missed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange import discovery
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.violation import Finding
from exchange.schemas.xml import XmlSchema, explanation, many_errors
from exchange.schemas.xml.refused_parts import SIGNATURES, refused_parts
from tests.schemas.xml.test_many_errors import ROWS


def drop(element: etree._Element, _: random.Random) -> None:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def double(element: etree._Element, _: random.Random) -> None:
    element.addnext(copy.deepcopy(element))


def rename(element: etree._Element, _: random.Random) -> None:
    element.tag = f"{element.tag}x"


def move_on(element: etree._Element, _: random.Random) -> None:
    if (after := element.getnext()) is not None:
        after.addnext(element)


def revalue(element: etree._Element, rng: random.Random) -> None:
    element.text = rng.choice(["", "x", "-1", "2026-02-30", "9" * 40, "Ä" * 300])


def attribute(element: etree._Element, rng: random.Random) -> None:
    element.set(rng.choice(["Id", "foreign"]), "a")


CHANGES: tuple[Callable[[etree._Element, random.Random], None], ...] = (
    drop, double, rename, move_on, revalue, revalue, attribute,
)  # fmt: skip


def changed(root: etree._Element, rng: random.Random) -> etree._Element:
    root = copy.deepcopy(root)
    for _ in range(rng.choice([1, 1, 2, 3, 6])):
        inner = list(root.iter("*"))[1:]
        if inner:
            rng.choice(CHANGES)(rng.choice(inner), rng)
    return root


def told(findings: list[Finding]) -> list[tuple[str, ...]]:
    return [
        (
            each.rule,
            each.message,
            each.at.getroottree().getpath(each.at),
            each.expected,
            each.found,
            each.attribute,
        )
        for each in findings
    ]


def boxed(element: etree._Element) -> etree._Element:
    """The element inside another document, behind a comment."""
    box = etree.Element("{urn:test}box")
    box.append(etree.Comment("row"))
    box.append(element)
    return element


@pytest.mark.parametrize(
    "name",
    [
        "income-register.wage-reports",
        # Signed.
        "income-register.status-response",
        "eessi.x009",
        "bilateral.circumstance-changes",
        # With what is there once.
        "unemployment.earnings-data",
    ],
)
def test_parts_are_explained_as_the_whole_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message_type = Catalogue.load().get(name)
    assert message_type is not None
    schema = XmlSchema(message_type.folder / message_type.schema)
    whole = etree.parse(str(discovery.samples()[name])).getroot()
    sample = next(each for each in whole.iter("*") if schema.accepts(each))
    some: list[bool] = []
    for seed in range(20):
        wrong = boxed(changed(sample, random.Random(f"{name} {seed}")))
        some.append(has_the_same_in_parts(schema, wrong, monkeypatch))
    assert any(some) or name == "unemployment.earnings-data"


def has_the_same_in_parts(
    schema: XmlSchema, wrong: etree._Element, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Whether less than the whole was explained, with the same findings."""
    some = False

    def noted(element: etree._Element, log: Sequence[Any]) -> set[etree._Element] | None:
        nonlocal some
        parts = refused_parts(element, log)
        some = parts is not None and len(parts) < len(list(element.iter("*")))
        return parts

    with monkeypatch.context() as patched:
        patched.setattr(explanation, "refused_parts", noted)
        in_parts = told(schema.check(wrong))
        patched.setattr(explanation, "refused_parts", lambda *_: None)
        assert in_parts == told(schema.check(wrong)), etree.tostring(wrong)
    return some


OBJECT = f"""
<ds:Object xmlns:ds="{SIGNATURES}"><ds:SignatureProperties>
<ds:SignatureProperty Id="a" Target="b"><other xmlns="urn:test"/></ds:SignatureProperty>
</ds:SignatureProperties></ds:Object>
"""
TWICE = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="groups"><xs:complexType><xs:sequence>
    <xs:element name="group" maxOccurs="9"><xs:complexType><xs:sequence>
      <xs:element name="row" maxOccurs="9"><xs:complexType>
        <xs:attribute name="no" type="xs:integer"/>
      </xs:complexType></xs:element>
    </xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType>
  <xs:unique name="once"><xs:selector xpath="group/row"/><xs:field xpath="@no"/></xs:unique>
  </xs:element>
</xs:schema>
"""


def test_what_is_there_twice_is_told_beside_other_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "twice.xsd").write_text(TWICE, encoding="utf-8")
    rows = ("<row no='1'/>", "<row no='2'/>", "<row no='1'/>", "<row no='x'/>")
    wrong = etree.fromstring(f"<groups>{''.join(f'<group>{row}</group>' for row in rows)}</groups>")
    schema = XmlSchema(tmp_path / "twice.xsd")
    has_the_same_in_parts(schema, wrong, monkeypatch)
    assert len(told(schema.check(wrong))) == 2


def test_an_id_that_is_there_twice_is_told_beside_other_faults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message_type = Catalogue.load().get("income-register.status-response")
    assert message_type is not None
    wrong = etree.parse(str(discovery.samples()[message_type.name])).getroot()
    schema = XmlSchema(message_type.folder / message_type.schema)
    next(wrong.iter(f"{{{SIGNATURES}}}SignatureValue")).set("Id", "a")
    next(each for each in wrong.iterfind("*/*/*") if not len(each)).tag = "wrong"
    next(wrong.iter(f"{{{SIGNATURES}}}Signature")).append(etree.fromstring(OBJECT))
    assert has_the_same_in_parts(schema, wrong, monkeypatch)
    assert any("ID" in message for _, message, *_ in told(schema.check(wrong)))


def test_places_in_a_cut_copy_are_places_in_the_document(tmp_path: Path) -> None:
    (tmp_path / "rows.xsd").write_text(ROWS, encoding="utf-8")
    schema = XmlSchema(tmp_path / "rows.xsd")
    wrong = 2 * many_errors.ERRORS_MAX * "<row><sum>one</sum><day>2024-02-29</day></row>"
    right = many_errors.LARGE_NODES * "<row><sum>1</sum><day>2024-02-29</day></row>"
    element = boxed(etree.fromstring(f"<rows>{right}{wrong}</rows>"))
    assert many_errors.judged_part(element, schema._schema) is not element
    first = many_errors.LARGE_NODES + 1
    places = [place for _, _, place, *_ in told(schema.check(element))]
    assert places[:2] == [f"/ns0:box/rows/row[{first}]/sum", f"/ns0:box/rows/row[{first + 1}]/sum"]

"""A large document in which very much is wrong is refused for what comes first, as it would be if
all of it were judged; and so much of it is judged alone.
"""

from __future__ import annotations

from pathlib import Path
from xml.parsers.expat import XMLParserType

import pytest
from lxml import etree

from exchange.schemas import large_bytes, xml
from exchange.schemas.violation import Finding
from exchange.schemas.xml import XmlSchema, explanation, many_errors

SIGNATURE = '<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#">{}</d:Signature>'
ROWS = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="rows"><xs:complexType><xs:sequence>
    <xs:element name="row" maxOccurs="unbounded"><xs:complexType>
      <xs:sequence minOccurs="0">
        <xs:element name="sum" type="xs:integer"/><xs:element name="day" type="xs:date"/>
      </xs:sequence>
      <xs:attribute name="no" type="xs:integer"/>
    </xs:complexType></xs:element>
    <xs:any namespace="##other" processContents="skip" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""
RIGHT = "<row no='1'><sum>1</sum><day>2024-02-29</day></row>"
WRONG = {
    "values": "<row><sum>one</sum><day>2024-02-30</day></row>",
    "values on lines": "\n<!-- a\nrow -->\n<row>\n<sum>o\nne</sum>\n<day>2024-02-29</day></row>",
    "an attribute": "<row no='&lt;one&gt;'/>",
    "an element missing": "<row><sum>1</sum></row>",
    "an element too many": "<row><sum>1</sum><day>2024-02-29</day><day>2024-02-29</day></row>",
    "texts": "<row>x</row>",
    "instructions": "<?row sum?><row><sum>1&#13;2</sum><day/></row>",
}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> XmlSchema:
    path = tmp_path_factory.mktemp("rows") / "rows.xsd"
    path.write_text(ROWS, encoding="utf-8")
    return XmlSchema(path)


def document(rows: str) -> etree._Element:
    return etree.fromstring(f"<rows>{rows}</rows>")


def told(schema: XmlSchema, element: etree._Element) -> list[tuple[str, str, str, str]]:
    tree = element.getroottree()
    return [
        (each.rule, each.message, tree.getpath(each.at), each.attribute)
        for each in schema.check(element)
    ]


@pytest.mark.parametrize("first", [0, 100], ids=["from the start", "after what is right"])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_first_errors_are_those_of_the_whole(
    schema: XmlSchema, wrong: str, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    element = document(RIGHT * first + wrong * 600 + RIGHT * 1_000)
    part = many_errors.judged_part(element, schema._schema)
    assert sum(1 for _ in part.iter()) < sum(1 for _ in element.iter())
    found = told(schema, element)
    assert not schema.accepts(element)
    monkeypatch.setattr(xml, "judged_part", lambda element, schema: element)
    assert found == told(schema, element)
    assert len(found) == xml.FINDINGS_MAX


def test_few_errors_are_told_however_large_the_document(schema: XmlSchema) -> None:
    element = document(RIGHT * 1_000 + WRONG["values"])
    assert many_errors.judged_part(element, schema._schema) is element
    assert [each[2] for each in told(schema, element)] == [
        "/rows/row[1001]/sum",
        "/rows/row[1001]/day",
    ]
    assert schema.accepts(document(RIGHT * 1_000))


def test_what_is_judged_of_very_many_errors_does_not_grow(schema: XmlSchema) -> None:
    small, large = (
        many_errors.judged_part(document(WRONG["values"] * many), schema._schema)
        for many in (2_000, 50_000)
    )
    assert etree.tostring(small) == etree.tostring(large)


def test_ids_that_are_repeated_are_refused_and_bounded() -> None:
    echo = XmlSchema(Path(xml.__file__).parent.parent / "income_register" / "echo.xsd")
    objects = "<d:Object Id='a'/>" * 6_000
    element = etree.fromstring(SIGNATURE.format(objects))
    part = many_errors.judged_part(element, echo._schema)
    assert len(part.findall("*[@Id='a']")) == many_errors.ERRORS_MAX + 1
    assert len(element.findall("*[@Id='a']")) == 6_000, "the document itself stays as it is"


@pytest.mark.parametrize("wrong", ["<sum>{}</sum><day>2024-02-29</day>", "<sum a='{}'/>"])
def test_a_very_long_value_is_asked_of_no_regular_expression(
    schema: XmlSchema, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    long, longer = (
        document(f"<row>{wrong.format('x' * characters)}</row>")
        for characters in (explanation.EXPLAINED_CHARACTERS_MAX, 250_000)
    )
    assert told(schema, long)
    # (What libxml2 said alone is left.)
    monkeypatch.delattr(explanation.Explainer, "_errors")
    with pytest.raises(AttributeError):
        told(schema, long)
    assert told(schema, longer)[0][0].startswith("xsd.")


def test_what_stands_behind_the_last_finding_is_not_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed, reached = large_bytes.feed, []

    def noted(parser: XMLParserType, data: bytes) -> None:
        try:
            feed(parser, data)
        finally:
            reached.append(parser.CurrentByteIndex)

    monkeypatch.setattr(large_bytes, "feed", noted)
    body = b"<a><b/>" + b"".join(b"<c%d/>" % number for number in range(1_000)) + b"</a>"
    (found,) = xml.locate(body, [Finding("test.wrong", "wrong", etree.fromstring(body)[0])])
    assert (found.line, found.column, reached) == (1, 4, [len(b"<a><b/>")])

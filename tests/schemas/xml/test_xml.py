"""XML: what the parser refuses and where, and that every finding stands at the very character that
it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from exchange.schemas import xml
from exchange.schemas.violation import Finding, Malformed
from exchange.schemas.xml import XmlLimits, XmlSchema
from tests.schemas.places import place
from tests.schemas.xml.xml_documents import PREFIXED, Drawn, documents

LIMITS = XmlLimits(200_000, 10)
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"

#: How bytes are made of a text, and the declaration that is true for them.
ENCODINGS: dict[str, tuple[str, str]] = {
    "UTF-8, nothing said": ("utf-8", ""),
    "UTF-8, said": ("utf-8", '<?xml version="1.0" encoding="UTF-8"?>'),
    "UTF-8 with mark": ("utf-8-sig", '<?xml version="1.0"?>'),
    "UTF-16 with mark": ("utf-16", '<?xml version="1.0" encoding="UTF-16"?>\n'),
    "UTF-16, big end first": ("utf-16-be", "<?xml version='1.0' encoding='utf-16'?>"),
    "UTF-16, small end first": (
        "utf-16-le",
        "<?xml version='1.0' encoding='utf-16le' standalone='yes'?>",
    ),
    "a byte a character": ("iso-8859-15", '<?xml version="1.0" encoding="ISO-8859-15"?>\r\n'),
}


def qualified(attribute: str) -> str:
    """The name of an attribute as lxml has it."""
    prefix, _, local = attribute.rpartition(":")
    namespace = {"p": PREFIXED, "xml": XML_NAMESPACE}.get(prefix)
    return f"{{{namespace}}}{local}" if namespace else local


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=30)
@given(st.data())
def test_a_finding_stands_at_its_tag_or_attribute_in_any_document(
    encoding: str, data: st.DataObject
) -> None:
    codec, declaration = ENCODINGS[encoding]
    drawn: Drawn = data.draw(documents(declaration))
    text = drawn.text
    if codec == "iso-8859-15":
        assert len(text) == len(text.encode(codec, "replace"))
        text = text.encode(codec, "replace").decode(codec)
    body = text.encode(codec)
    elements = list(xml.parse(body).iter("*"))
    assert len(elements) == len(drawn.tags)
    chosen = data.draw(st.lists(st.integers(0, len(elements) - 1), min_size=1, max_size=4))
    findings = [Finding("r", "m", elements[number]) for number in chosen]
    wanted = [(drawn.tags[number].offset, drawn.tags[number].path) for number in chosen]
    for number in chosen:
        for attribute, offset in drawn.tags[number].attributes.items():
            findings.append(Finding("r", "m", elements[number], attribute=qualified(attribute)))
            wanted.append((offset, f"{drawn.tags[number].path}/@{attribute}"))
    for violation, (offset, path) in zip(xml.locate(body, findings), wanted, strict=True):
        line, column, source = place(text, offset)
        assert (violation.line, violation.column, violation.path) == (line, column, path)
        assert violation.source[violation.source_column - 1] == text[offset]
        if len(source) <= 200:
            assert violation.source == source


@pytest.mark.parametrize(
    "gap", ["\n", "\r\n", "\r", "", "\t"], ids=["LF", "CR LF", "CR", "one line", "tabs"]
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_a_finding_beyond_line_65535(gap: str, codec: str) -> None:
    text = "<Å>" + f"{gap}<b>ä</b>" * 70_000 + "</Å>"
    body = text.encode(codec)
    elements = list(xml.parse(body))
    numbers = (0, 65_534, 65_535, 65_536, 69_999)
    found = xml.locate(body, [Finding("r", "m", elements[number]) for number in numbers])
    step = len(f"{gap}<b>ä</b>")
    for number, violation in zip(numbers, found, strict=True):
        line = number + 2 if gap in ("\n", "\r\n", "\r") else 1
        column = 1 if line > 1 else 4 + number * step + len(gap)
        assert (violation.line, violation.column, violation.path) == (
            line,
            column,
            f"/Å/b[{number + 1}]",
        )
        assert len(violation.source) <= 202


DEEP = "<a>" * 11 + "</a>" * 11
REFUSED: dict[str, tuple[bytes, str, int, int]] = {
    "nothing": (b"", "xml.empty", 1, 1),
    "white space": (b" \r\n\t", "xml.empty", 1, 1),
    "too large": (b"<a>" + b" " * 200_000 + b"</a>", "xml.size", 1, 1),
    "no XML": (b"hello", "xml.malformed", 1, 1),
    "JSON": (b'{"a":1}', "xml.malformed", 1, 1),
    "not closed": (b"<a>\n<b></a>", "xml.malformed", 2, 6),
    "a sign": (b"<a>\r\n\tx & y</a>", "xml.malformed", 2, 5),
    "an unknown entity": (b"<a>\r&nbsp;</a>", "xml.malformed", 2, 1),
    "an unknown prefix": (b"<a>\n <p:b/></a>", "xml.malformed", 2, 2),
    "an attribute twice": (b'<a x="1"\n x="2"/>', "xml.malformed", 2, 2),
    "two roots": (b"<a/>\n<b/>", "xml.malformed", 2, 1),
    "a control character": (b"<a>\x01</a>", "xml.malformed", 1, 4),
    "too deep": (DEEP.encode(), "xml.depth", 1, 31),
    "a document type": (b"<!-- -->\n<!DOCTYPE a><a/>", "xml.doctype", 2, 1),
    "a bomb": (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "xml.doctype", 1, 1),
    "a byte that is none": (b"<a>\n\xe4\xb8</a>", "xml.encoding", 2, 1),
    "UTF-16 said, UTF-8 sent": (
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        "xml.encoding",
        1,
        31,
    ),
    "an unknown encoding": (b'<?xml version="1.0" encoding="EBCDIC"?><a/>', "xml.encoding", 1, 31),
    "UTF-8 said, UTF-16 sent": (
        '<?xml version="1.0" encoding="UTF-8"?><a/>'.encode("utf-16"),
        "xml.encoding",
        1,
        31,
    ),
    "two byte order marks": ("\ufeff\ufeff<a/>".encode(), "xml.malformed", 1, 1),
    "two of UTF-16": ("\ufeff<a/>".encode("utf-16"), "xml.malformed", 1, 1),
    "UTF-32": ("<a/>".encode("utf-32"), "xml.encoding", 1, 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_document_is_refused_where_it_goes_wrong(name: str) -> None:
    body, rule, line, column = REFUSED[name]
    with pytest.raises(Malformed) as refused:
        xml.parse(body, LIMITS)
    assert [(each.rule, each.line, each.column) for each in refused.value.violations] == [
        (rule, line, column)
    ]
    assert all(each.message for each in refused.value.violations)


@pytest.mark.parametrize(
    "body",
    [
        b"<a>" * 10 + b"</a>" * 10,
        b"<a><!-- <!DOCTYPE a> --></a>",
        b"<a><![CDATA[<!DOCTYPE a>]]></a>",
        b"\n <a/>",
        b"<?xml version='1.0' encoding='windows-1252'?><a>\x80</a>",
    ],
)
def test_what_only_looks_like_it_is_taken(body: bytes) -> None:
    assert xml.parse(body, LIMITS).tag == "a"


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            [*"<>/&\"'=![]-? a\n\x00\xe4", "<a>", "</a>", "<!--", "<!DOCTYPE", "<?xml", "&#1;"]
        ),
        max_size=12,
    )
)
def test_any_text_is_a_tree_or_violations_with_a_place(pieces: list[str]) -> None:
    for body in ("".join(pieces).encode(), ("<a>" + "".join(pieces)).encode("latin-1")):
        try:
            xml.parse(body, LIMITS)
            continue
        except Malformed as error:
            violations = error.violations
        assert violations
        assert all(each.line >= 1 and each.column >= 1 for each in violations)


XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" xmlns="urn:t" elementFormDefault="qualified">
<xs:element name="Pay"><xs:complexType><xs:sequence>
 <xs:element name="Row" maxOccurs="unbounded"><xs:complexType><xs:sequence>
  <xs:element name="Code"><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="A"/><xs:enumeration value="B"/>
   </xs:restriction></xs:simpleType></xs:element>
  <xs:element name="Amount"><xs:simpleType><xs:restriction base="xs:decimal"><xs:fractionDigits value="2"/>
   <xs:maxInclusive value="1000"/></xs:restriction></xs:simpleType></xs:element>
  <xs:element name="Day" type="xs:date" minOccurs="0"/>
 </xs:sequence><xs:attribute name="id" type="xs:int" use="required"/></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""
ROW = '<Row id="1"><Code>A</Code>{gap}<Amount>10.00</Amount><Day>2026-01-31</Day></Row>'


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> XmlSchema:
    """The test's own schema."""
    path = tmp_path_factory.mktemp("xsd") / "pay.xsd"
    path.write_text(XSD)
    return XmlSchema(path)


Break = Callable[[str], tuple[str, int]]


def swap(old: str, new: str, at: str = "") -> Break:
    """Replace `old` and say where in the row the violation is to stand (`at` in the new row, else
    the new text).
    """
    return lambda row: (row.replace(old, new, 1), row.replace(old, new, 1).index(at or new))


#: How a row is broken, and the rule, path within the row, expected and found that are to be told of
#: it.
BROKEN: dict[str, tuple[Break, tuple[str, str, str, str]]] = {
    "a code": (swap("<Code>A", "<Code>C"), ("xsd.enumeration", "/Code", "A, B", "C")),
    "an amount": (swap("10.00", "ten", "<Amount>"), ("xsd.type", "/Amount", "decimal", "ten")),
    "too many decimals": (
        swap("10.00", "10.001", "<Amount>"),
        ("xsd.digits", "/Amount", "at most 2 decimals", "10.001"),
    ),
    "too much": (
        swap("10.00", "1000.01", "<Amount>"),
        ("xsd.range", "/Amount", "at most 1000", "1000.01"),
    ),
    "no such day": (
        swap("2026-01-31", "2026-02-31", "<Day>"),
        ("xsd.type", "/Day", "date", "2026-02-31"),
    ),
    "none at its place": (
        swap("<Code>A</Code>", "", "<Amount>"),
        ("xsd.element-missing", "/Amount", "Code", "Amount"),
    ),
    "none at the end": (
        swap("<Amount>10.00</Amount><Day>2026-01-31</Day>", "", "<Row"),
        ("xsd.element-missing", "", "Amount", ""),
    ),
    "one too many": (
        swap("</Row>", "<More/></Row>", "<More"),
        ("xsd.element-unexpected", "/More", "", "More"),
    ),
    "an attribute's value": (swap('id="1"', 'id="x"', "id="), ("xsd.type", "/@id", "int", "x")),
    "no attribute": (swap(' id="1"', "", "<Row"), ("xsd.attribute-missing", "/@id", "id", "")),
    "another attribute": (
        swap(' id="1"', ' id="1" no="2"', "no="),
        ("xsd.attribute-unexpected", "/@no", "", "no"),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
@settings(max_examples=15)
@given(
    rows=st.integers(1, 12),
    gap=st.sampled_from(["", "\n", "\r\n", "\r", "\t", "<!-- <Row> -->", "<?x?>"]),
    encoding=st.sampled_from(["UTF-8, nothing said", "UTF-16 with mark", "a byte a character"]),
    data=st.data(),
)
def test_what_does_not_fit_the_schema_stands_where_it_was_broken(
    schema: XmlSchema, name: str, rows: int, gap: str, encoding: str, data: st.DataObject
) -> None:
    breaks, (rule, path, expected, found) = BROKEN[name]
    broken = data.draw(st.integers(0, rows - 1))
    codec, declaration = ENCODINGS[encoding]
    row, inside = breaks(ROW.format(gap=gap))
    before = f'{declaration}<Pay xmlns="urn:t">{gap}' + ROW.format(gap=gap) * broken
    text = before + row + ROW.format(gap=gap) * (rows - broken - 1) + "</Pay>"
    body = text.encode(codec)
    (violation,) = xml.locate(body, schema.check(xml.parse(body)))
    line, column, _ = place(text, len(before) + inside)
    number = f"[{broken + 1}]" if rows > 1 else ""
    assert (violation.rule, violation.path) == (rule, f"/Pay/Row{number}{path}")
    assert (violation.line, violation.column) == (line, column)
    assert (violation.expected, violation.found) == (expected, found)


def test_every_violation_is_told_and_not_the_first(schema: XmlSchema) -> None:
    rows = "\n".join(breaks(ROW.format(gap=""))[0] for breaks, _ in BROKEN.values())
    findings = schema.check(xml.parse(f'<Pay xmlns="urn:t">\n{rows}</Pay>'.encode()))
    assert [finding.rule for finding in findings] == [rule for _, (rule, *_) in BROKEN.values()]


@pytest.mark.parametrize("name", ["nothing", *BROKEN])
def test_bytes_are_accepted_when_their_tree_is(schema: XmlSchema, name: str) -> None:
    row = ROW.format(gap="")
    body = f'<Pay xmlns="urn:t">{row}{BROKEN[name][0](row)[0] if name in BROKEN else row}{row}</Pay>'.encode()
    for _ in range(2):
        assert schema.accepts_bytes(body) is schema.accepts(xml.parse(body)) is (name == "nothing")
        assert not schema.accepts_bytes(body[:-1]), (
            "what is no XML is not accepted, and spoils nothing for the next"
        )


def test_a_file_that_is_no_schema_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.xsd"
    path.write_text("<a/>")
    with pytest.raises(ValueError, match=r"none\.xsd"):
        XmlSchema(path)


def test_a_finding_about_no_element_has_no_place() -> None:
    (violation,) = xml.locate(b"<a/>", [Finding("r", "m")])
    assert (violation.line, violation.column, violation.path) == (0, 0, "")
    assert etree.tostring(xml.parse(b"<a/>")) == b"<a/>"


@pytest.mark.parametrize("digits", [400, 5_000])
def test_an_integer_beyond_any_double_is_explained_where_a_few_are_allowed(
    tmp_path: Path, digits: int
) -> None:
    path = tmp_path / "few.xsd"
    path.write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element '
        'name="a"><xs:complexType><xs:sequence>'
        '<xs:element name="b" maxOccurs="2"><xs:simpleType><xs:restriction '
        'base="xs:integer"><xs:enumeration value="1"/>'
        "</xs:restriction></xs:simpleType></xs:element></xs:sequence></xs:complexType></xs:element>"
        "</xs:schema>"
    )
    findings = XmlSchema(path).check(xml.parse(f"<a><b>{'9' * digits}</b><b>x</b></a>".encode()))
    found = {(finding.rule, finding.at.getparent().index(finding.at)) for finding in findings}
    # An integer of more than 4,300 digits is none to Python.
    assert found == {("xsd.enumeration" if digits < 4_300 else "xsd.type", 0), ("xsd.type", 1)}, (
        findings
    )


@pytest.mark.parametrize("innermost", ["<b/>", "<b></b>"])
@pytest.mark.parametrize("depth", [1, 9, 10, 11, 30])
def test_depth_is_counted_to_the_innermost_element(depth: int, innermost: str) -> None:
    document = ("<a>" * (depth - 1) + innermost + "</a>" * (depth - 1)).encode()
    limits = XmlLimits(depth_max=10)
    if depth <= limits.depth_max:
        assert xml.parse(document, limits).tag in ("a", "b")
        return
    with pytest.raises(Malformed) as refused:
        xml.parse(document, limits)
    assert [violation.rule for violation in refused.value.violations] == ["xml.depth"]

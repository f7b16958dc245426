"""The limits in force where a document is read: JSON has a size of its own, XML a number of
namespaces, both a depth; outside the block the shipped ones hold.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.journey.validate import Judge
from exchange.schemas import json, xml
from exchange.schemas.document_limits import DocumentLimits, in_force, within
from exchange.schemas.json.positions import pointer
from exchange.schemas.positions import Lines
from exchange.schemas.violation import Malformed, excerpt_at

SMALL = DocumentLimits(
    body_bytes_max=3_000,
    json_body_bytes_max=1_000,
    json_members_max=30,
    depth_max=8,
    markup_max=250,
    namespaces_max=20,
    attributes_max=20,
)


def rule_of(read: object, body: bytes) -> str:
    """The rule by which a body is refused; empty when it is not."""
    try:
        read(body)  # type: ignore[operator]
    except Malformed as error:
        return error.violations[0].rule
    return ""


def test_json_and_xml_are_read_by_the_limits_in_force() -> None:
    bodies = (
        (json.parse, b"[" + b" " * 998 + b"]", b"[" + b" " * 999 + b"]", "json.size"),
        (json.parse, b"[" * 8 + b"]" * 8, b"[" * 9 + b"]" * 9, "json.depth"),
        (xml.parse, b"<a>" * 8 + b"</a>" * 8, b"<a>" * 9 + b"</a>" * 9, "xml.depth"),
        (xml.parse, b"<a>" + b" " * 2_993 + b"</a>", b"<a>" + b" " * 2_994 + b"</a>", "xml.size"),
        (xml.parse, _declaring(20), _declaring(21), "xml.namespaces"),
        (xml.parse, _marked(250), _marked(251), "xml.markup"),
        (xml.parse, _wide(20), _wide(21), "xml.attributes"),
        (json.parse, _holding(30), _holding(31), "json.members"),
    )
    for read, sound, wrong, rule in bodies:
        assert rule_of(read, wrong) == "", "the shipped limits are wider"
        with within(SMALL):
            assert rule_of(read, sound) == ""
            assert rule_of(read, wrong) == rule
    assert in_force() == DocumentLimits()
    assert Judge.__init__.__annotations__["limits"], "who judges sets them"


def _marked(count: int) -> bytes:
    """So many tags and attributes."""
    return b"<a>" + b"<b/>" * (count - 4) + b"<b c='1'/></a>"


def _wide(count: int) -> bytes:
    """An element with so many attributes."""
    return b"<a>\n<b%s/></a>" % b"".join(b" c%d=''" % number for number in range(count))


def test_too_many_attributes_are_told_where_they_are() -> None:
    with within(SMALL), pytest.raises(Malformed) as raised:
        xml.parse(_wide(21).decode().replace("<b", "ä<b").encode("utf-16"))
    (violation,) = raised.value.violations
    told = (violation.line, violation.column, violation.expected, violation.found)
    assert told == (2, 2, "at most 20", "21")
    with within(SMALL), pytest.raises(Malformed) as raised:
        xml.parse(_wide(100).replace(b"<b", b"<p:b").replace(b"/>", b" xmlns:p='u'/>"))
    assert raised.value.violations[0].found == "21", "read up to one too many"
    comment = b"<a><!--" + _wide(21) + b"-->"
    with within(SMALL):
        assert rule_of(xml.parse, comment + b"</a>") == "", "no element"
        assert rule_of(xml.parse, comment + _wide(21) + b"</a>") == "xml.attributes"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_a_limit_holds_and_is_told_in_any_encoding(encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n<ä>'
    broken = {
        "xml.depth": ("<a>" * 8 + "</a>" * 8, 4 + 3 * 7),
        "xml.attributes": ("<b" + "".join(f" c{number}=''" for number in range(21)) + "/>", 4),
        "xml.malformed": ("<b></c>", 4 + 5),
    }
    for rule, (rest, column) in broken.items():
        with within(SMALL), pytest.raises(Malformed) as raised:
            xml.parse((head + rest + "</ä>").encode(encoding))
        (violation,) = raised.value.violations
        assert (violation.rule, violation.line, violation.column) == (rule, 2, column)
    with within(SMALL), pytest.raises(Malformed) as raised:
        xml.parse((head + _declaring(21).decode() + "</ä>").encode(encoding))
    assert [each.rule for each in raised.value.violations] == ["xml.namespaces"]


def _holding(count: int) -> bytes:
    """So many arrays, objects and keys."""
    return b"[" + b"[]," * (count - 3) + b'{"a":1}]'


def test_markup_beyond_the_limit_is_told_where_it_begins() -> None:
    with within(SMALL), pytest.raises(Malformed) as refused:
        xml.parse(b"<a>\n" + "ä".encode() * 9 + b"<b/>" * 300 + b"</a>")
    (violation,) = refused.value.violations
    assert (violation.line, violation.column) == (2, 10 + 4 * 249)
    assert violation.source[violation.source_column - 1 :].startswith("<b/><b/>")


def _declaring(count: int) -> bytes:
    """Declarations that are in force at once: half at the root, half at its child."""
    half = b"".join(b' xmlns:p%d="u"' % number for number in range(count // 2))
    rest = b"".join(b' xmlns:q%d="u"' % number for number in range(count - count // 2))
    return b"<a%s><b%s/></a>" % (half, rest)


def test_declarations_that_are_not_in_force_at_once_are_not_too_many() -> None:
    body = b"<a>" + b'<p:b xmlns:p="u"/>' * 100 + b"</a>"
    with within(SMALL):
        assert len(xml.parse(body)) == 100


def test_too_many_declarations_are_told_where_they_are() -> None:
    with within(SMALL), pytest.raises(Malformed) as raised:
        xml.parse(b"<a>\n" + _declaring(21) + b"</a>")
    violation = raised.value.violations[0]
    assert (violation.line, violation.expected, violation.found) == (2, "at most 20", "21")


def test_a_tag_is_read_up_to_one_declaration_too_many() -> None:
    # Beyond it expat's time for a tag grows by more than its size, and the interpreter waits.
    many = b"".join(b" xmlns:p%d='u'" % number for number in range(30))
    text = b'<a> xmlns="u"' * 30 + b"</a>" * 30
    with within(SMALL):
        assert rule_of(xml.parse, b"<a>" + many + b"</a>") == "", "no tag"
        assert rule_of(xml.parse, b"<a" + many + b" b=") == "xml.namespaces"
        assert rule_of(xml.parse, b"<a b='1' b='2'" + many + b"/>") == "xml.malformed"
        assert rule_of(xml.parse, b"<a>" + many + b"</b>") == "xml.malformed"
        assert rule_of(xml.parse, text) == "xml.depth"


@given(st.text("ab\r\n", max_size=900), st.integers(0, 900))
def test_a_source_line_is_cut_as_the_whole_line_would_be(text: str, offset: int) -> None:
    text = text.replace("ab", "x" * 90)
    lines = Lines(text)
    number, column, source = lines.at(min(offset, len(text)))
    whole = text[lines.offset(number, 1) :].splitlines()[:1] if text else []
    line = whole[0] if whole else ""
    assert source == excerpt_at(line, column)


def test_a_key_as_long_as_a_body_is_not_in_every_path() -> None:
    assert len(pointer(("a", "k" * 10_000, 3))) < 250
    assert pointer(("a/b", "c~d", 3)) == "/a~1b/c~0d/3"

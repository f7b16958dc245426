"""What is wrong with bytes that are no XML document, and where: an expat pass made only after the
parser refused them.
"""

from __future__ import annotations

import codecs
import re
from itertools import islice
from xml.parsers import expat

from lxml import etree

from exchange.schemas import large_bytes
from exchange.schemas.out_of_memory import raise_if_out_of_memory
from exchange.schemas.positions import Lines, decoded, malformed
from exchange.schemas.violation import Malformed, Violation

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(r"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
#: Encodings that a document may state, all but the first two with one byte for a character.
ENCODINGS = ("utf-8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252")
#: A start tag and what stands behind it, up to the next tag; a declaration in it.
_START_TAG = re.compile(r"<[^\s<>/!?][^<]*")
_DECLARATION = re.compile(r"""\sxmlns(?::[^\s=]+)?\s*=\s*(?:"[^"<]*"|'[^'<]*')""")
_ATTRIBUTE = re.compile(r"""\s(?!xmlns[:\s=])[^\s=<>"']+\s*=\s*(?:"[^"<]*"|'[^'<]*')""")
#: More than any document has: what is not asked for.
_ANY = 1 << 30
_MARKUP = re.compile(rb"[<=]|(?<=<)[!?]")
_UTF16 = ("utf-16", "utf-16le", "utf-16be", "utf-16-le", "utf-16-be")


class _Stop(Exception):
    """Ends an expat pass early; carries the rule and what to say."""

    def __init__(self, rule: str, message: str, expected: str = "", found: str = "") -> None:
        super().__init__(message)
        self.rule, self.message, self.expected, self.found = rule, message, expected, found


def transcoded(body: bytes) -> bytes:
    """The document in UTF-8, whatever encoding it is truthfully in (its declaration is left as it
    stands).

    Raises:
        Malformed: `xml.encoding` when the encoding is unknown, not the one stated, or a byte does
        not belong to it.
    """
    return large_bytes.encode(xml_text(body), "surrogatepass")


def xml_text(body: bytes) -> str:
    """The document as text without byte order mark, under the same conditions; a second one is a
    character before the document.

    Source: XML 1.0 (fifth edition), 4.3.3: the mark is "not part of either the markup or the
    character data"; it speaks of one. (libxml2 skips another one.)
    """
    mark, actual = next((each for each in _BOMS if body.startswith(each[0])), (b"", None))
    if mark and body.startswith(mark * 2):
        raise malformed(
            "xml.malformed",
            "the document begins with two byte order marks",
            expected="one or none",
            found="U+FEFF U+FEFF",
        )
    if actual is None and b"\0" in body[:4]:
        actual = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(body[:2], "")
        if body[:4].count(0) == 3:
            actual = ""
    if actual == "":
        raise malformed("xml.encoding", "the encoding is not supported", expected="UTF-8 or UTF-16")
    if actual and actual != "utf-8":
        text = decoded(body, actual, "xml.encoding")
        stated = _stated(text)
        if stated and stated not in _UTF16:
            raise _untruthful(text, stated, "UTF-16")
        return text
    head = body[:300].decode("latin-1").removeprefix("\xef\xbb\xbf")
    stated = _stated(head) or "utf-8"
    if stated in _UTF16 or (actual == "utf-8" and stated != "utf-8"):
        raise _untruthful(head, stated, "UTF-8")
    if stated not in ENCODINGS:
        raise _untruthful(head, stated, "")
    return decoded(body, stated, "xml.encoding")


def _stated(text: str) -> str:
    match = _DECLARED.match(text)
    return match[1].lower() if match else ""


def _untruthful(text: str, stated: str, actual: str) -> Malformed:
    message = (
        f"the document says it is {stated}, but it is in {actual}"
        if actual
        else f"the encoding {stated} is not supported"
    )
    match = _DECLARED.match(text)
    offset = match.start(1) if match else 0
    return malformed(
        "xml.encoding", message, text[:300], offset, actual or ", ".join(ENCODINGS), stated
    )


def has_doctype(body: bytes) -> bool:
    """Whether the bytes (one byte for an ASCII character) hold a document type declaration, not
    just those letters.
    """
    try:
        text = xml_text(body)
    except Malformed:
        return True
    return _first_problem(text, _ANY)[0].rule == "xml.doctype"


def has_namespaces(body: bytes, namespaces_max: int) -> bool:
    """Whether more namespace declarations than that are in force at an element."""
    try:
        text = xml_text(body)
    except Malformed:
        return False
    return _first_problem(text, _ANY, namespaces_max)[0].rule == "xml.namespaces"


def excess_markup(body: bytes, markup_max: int) -> Malformed | None:
    """That there are more tags and attributes than that, at the first that is one too many; what
    is counted are `<` and `=` in the bytes (in UTF-8). None: there are not.

    Comments and instructions count twice: they have no end tag, and texts between them take as much
    as they do. (While a tree is freed, nothing else runs: of 10 million nodes for some 0.14 s.)
    """
    left, at = markup_max, 0
    for piece in large_bytes.split(body):
        found = sum(map(piece.count, (b"<", b"=", b"<!", b"<?")))
        if found > left:
            first = next(islice(_MARKUP.finditer(piece), left, None))
            before, beside = body[: at + first.start()], piece[first.start() : first.start() + 80]
            text = large_bytes.decode(before, "utf-8", "replace").removeprefix("\ufeff")
            return malformed(
                "xml.markup",
                "the document has too many tags and attributes",
                text + beside.decode("utf-8", "replace").partition("\n")[0],
                len(text),
                f"at most {markup_max}",
            )
        left, at = left - found, at + len(piece)
    return None


def diagnose(
    body: bytes,
    bytes_max: int,
    depth_max: int,
    error: etree.XMLSyntaxError | None = None,
    namespaces_max: int = _ANY,
    attributes_max: int = _ANY,
) -> Malformed:
    """Why the parser refused the body (`error`, if it said so), as violations with positions."""
    if not body.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        return malformed("xml.empty", "the body is empty", expected="an XML document")
    if len(body) > bytes_max:
        return malformed(
            "xml.size",
            "the body is too large",
            expected=f"at most {bytes_max} bytes",
            found=f"{len(body)} bytes",
        )
    try:
        text = xml_text(body)
    except Malformed as untruthful:
        return untruthful
    stop, offset = _first_problem(text, depth_max, namespaces_max, attributes_max)
    if stop.rule == "xml.malformed" and error is not None:
        line, column = error.position
        said = (error.msg or stop.message).partition(", line ")[0]
        if not stop.message:
            return Malformed([_at_line(text, said, line, column)])
        return Malformed(
            [Lines(text).violation(stop.rule, said, offset, "", stop.expected, stop.found)]
        )
    return Malformed(
        [Lines(text).violation(stop.rule, stop.message, offset, "", stop.expected, stop.found)]
    )


def _at_line(text: str, message: str, line: int, column: int) -> Violation:
    lines = Lines(text)
    return lines.violation("xml.malformed", message, lines.offset(line, column))


def _first_problem(
    text: str, depth_max: int, namespaces_max: int = _ANY, attributes_max: int = _ANY
) -> tuple[_Stop, int]:
    """The first thing that is wrong and the offset of its character; without a message when expat
    finds nothing.
    """
    limits = depth_max, namespaces_max, attributes_max
    try:
        for many, most in ((_DECLARATION, namespaces_max), (_ATTRIBUTE, attributes_max)):
            shorter = _shortened(text, many, most) if most < _ANY else text
            if shorter is not text:
                stop, offset = _stopped(shorter, *limits)
                if stop.rule in ("xml.namespaces", "xml.attributes"):
                    return stop, offset
        return _stopped(text, *limits)
    except large_bytes.TokenTooLong:
        # Whatever is wrong behind it, libxml2 stops here, too.
        return _Stop("xml.malformed", ""), 0


def _shortened(text: str, what: re.Pattern[str], most: int) -> str:
    """The text up to the first tag with more declarations or attributes, which ends behind one too
    many: expat reads a tag in one go, and its time grows with them.
    """
    for tag in _START_TAG.finditer(text):
        found = what.finditer(text, tag.start(), tag.end())
        last = next(islice(found, most, None), None)
        if last is not None:
            return text[: last.end()] + ">"
    return text


def _stopped(
    text: str, depth_max: int, namespaces_max: int, attributes_max: int
) -> tuple[_Stop, int]:
    """The first thing that is wrong and the offset of its character; without a message when expat
    finds nothing.
    """
    # (What declares the prefixes may be cut off with the attributes that are one too many. Names are
    # not kept: there may be millions, and making room for more of them is done at once.)
    parser = expat.ParserCreate("utf-8", "}" if attributes_max == _ANY else None, None)
    depth = index = namespaces = 0

    def declared(*_: object) -> None:
        nonlocal namespaces, index
        namespaces += 1
        if namespaces > namespaces_max:
            index = parser.CurrentByteIndex
            raise _Stop(
                "xml.namespaces",
                "too many namespace declarations are in force at once",
                f"at most {namespaces_max}",
                str(namespaces),
            )

    def undeclared(*_: object) -> None:
        nonlocal namespaces
        namespaces -= 1

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, index
        depth += 1
        problem = _of_start(depth, depth_max, attributes, attributes_max)
        if problem:
            # Asked for later, expat stands behind the tag.
            index = parser.CurrentByteIndex
            raise problem

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise _Stop(
            "xml.doctype",
            "a document type declaration is not allowed",
            "a document without <!DOCTYPE",
            "<!DOCTYPE",
        )

    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = (
        start,
        end,
        doctype,
    )
    if namespaces_max < _ANY:
        parser.StartNamespaceDeclHandler = declared
        parser.EndNamespaceDeclHandler = undeclared
    data = large_bytes.encode(text, "surrogatepass")
    try:
        large_bytes.feed(parser, data)
    except _Stop as stop:
        found, index = stop, index or parser.CurrentByteIndex
    except expat.ExpatError as error:
        raise_if_out_of_memory(error)
        found, index = _Stop("xml.malformed", expat.ErrorString(error.code)), parser.ErrorByteIndex
    else:
        return _Stop("xml.malformed", ""), 0
    index = _doctype_start(data, index) if found.rule == "xml.doctype" else index
    return found, len(large_bytes.decode(data[:index], "utf-8", "replace"))


def _of_start(
    depth: int, depth_max: int, attributes: dict[str, str], attributes_max: int
) -> _Stop | None:
    """What is wrong with a start tag."""
    if depth > depth_max:
        most, found = f"at most {depth_max} levels", f"level {depth}"
        return _Stop("xml.depth", "elements are nested too deep", most, found)
    if len(attributes) > attributes_max:
        count = sum(name.partition(":")[0] != "xmlns" for name in attributes)
        if count <= attributes_max:
            return None
        most, found = f"at most {attributes_max}", str(count)
        return _Stop("xml.attributes", "the element has too many attributes", most, found)
    return None


def _doctype_start(data: bytes, index: int) -> int:
    """Where the declaration begins: expat may stand at its end, at `[` or inside it."""
    return max(data.rfind(b"<!DOCTYPE", 0, index + 9), 0)

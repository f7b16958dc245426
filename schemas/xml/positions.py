"""Where the elements of a findings list stand in the bytes: an expat pass, made only on failure; no
rules.

libxml2 gives column 0 and caps lines at 65,535, so an element is recognised by its number in
document order, and the number's start tag is found in the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from xml.parsers import expat

from lxml import etree

from exchange.schemas import large_bytes
from exchange.schemas.out_of_memory import raise_if_out_of_memory
from exchange.schemas.positions import Lines, placed
from exchange.schemas.violation import Finding, Violation, excerpt
from exchange.schemas.xml.diagnosis import xml_text

_ATTRIBUTE = re.compile(r"""\s+([^\s=/>]+)\s*=\s*("[^"]*"|'[^']*')""")
_TAG_NAME = re.compile(r"<[^\s/>]+")


class _AllFound(Exception):
    """Ends a pass early: what is behind is not looked for."""


def locate(body: bytes, findings: Sequence[Finding]) -> list[Violation]:
    """The findings with their positions in the body that they were found in, in the order given.

    A finding about an element stands at its start tag, about an attribute at the attribute's name
    (when it is there).
    """
    elements = [finding.at for finding in findings if isinstance(finding.at, etree._Element)]
    if not elements:
        return [placed(finding, "", None, None) for finding in findings]
    numbers = _numbers(elements)
    text = xml_text(body)
    lines = Lines(text)
    offsets = _offsets(text, set(numbers.values()))
    paths = Paths(elements)
    violations = []
    for finding in findings:
        number = numbers.get(finding.at) if isinstance(finding.at, etree._Element) else None
        if number is None or number not in offsets:
            violations.append(placed(finding, "", None, None))
            continue
        offset, path = offsets[number], paths.of(finding.at)
        if finding.attribute:
            name = _prefixed(finding.at, finding.attribute)
            offset, path = _attribute_offset(text, offset, name), f"{path}/@{name}"
        violations.append(placed(finding, path, lines, offset))
    return violations


def _numbers(elements: Sequence[etree._Element]) -> dict[etree._Element, int]:
    """Each element's number in document order, counted over the tree that it belongs to."""
    wanted = set(elements)
    root = elements[0].getroottree().getroot()
    return {element: number for number, element in enumerate(root.iter("*")) if element in wanted}


def _offsets(text: str, wanted: set[int]) -> dict[int, int]:
    """The character offset of the start tag of each wanted element."""
    data = large_bytes.encode(text, "surrogatepass")
    # (Names are not kept: there may be as many as elements.)
    parser = expat.ParserCreate("utf-8", intern=None)
    indexes: dict[int, int] = {}
    number = -1

    def start(name: str, attributes: object) -> None:
        nonlocal number
        number += 1
        if number in wanted:
            indexes[number] = parser.CurrentByteIndex
            if len(indexes) == len(wanted):
                raise _AllFound

    parser.StartElementHandler = start
    parser.buffer_text = True
    try:
        large_bytes.feed(parser, data)
    except (_AllFound, large_bytes.TokenTooLong):
        pass  # What was found so far stands.
    except expat.ExpatError as error:
        # The tree came from a more lenient reading; what was found so far stands.
        raise_if_out_of_memory(error)
    if len(data) == len(text):
        return indexes
    offsets, last, characters = {}, 0, 0
    for number, index in sorted(indexes.items(), key=lambda pair: pair[1]):
        characters += len(large_bytes.decode(data[last:index], "utf-8", "surrogatepass"))
        offsets[number], last = characters, index
    return offsets


def _prefixed(element: etree._Element, attribute: str) -> str:
    """The attribute's name as the document writes it."""
    if not attribute.startswith("{"):
        return attribute
    uri, _, local = attribute[1:].partition("}")
    prefix = next(
        (prefix for prefix, bound in element.nsmap.items() if bound == uri and prefix), None
    )
    if prefix is None and uri == "http://www.w3.org/XML/1998/namespace":
        prefix = "xml"
    return f"{prefix}:{local}" if prefix else local


def _attribute_offset(text: str, offset: int, name: str) -> int:
    """Where the attribute's name stands in the start tag at `offset`; the tag itself when it has no
    such attribute.
    """
    if not (tag := _TAG_NAME.match(text, offset)):
        return offset
    at = tag.end()
    while match := _ATTRIBUTE.match(text, at):
        if match[1] == name:
            return match.start(1)
        at = match.end()
    return offset


class Paths:
    """XPaths of some elements with the document's prefixes, and `[n]` only where siblings have the
    same name.
    """

    def __init__(self, elements: Iterable[etree._Element]) -> None:
        self._places: dict[etree._Element, dict[etree._Element, str]] = {}
        #: The elements and all around them: of siblings, which may be millions, only these are
        #: kept, and only those of their names are counted.
        self._wanted = {
            each for element in elements for each in (element, *element.iterancestors())
        }
        self._names: dict[etree._Element | None, set[str]] = {}
        for each in self._wanted:
            self._names.setdefault(each.getparent(), set()).add(str(each.tag))

    def of(self, element: etree._Element) -> str:
        """The path from the root, `/r:Report/Rows/Row[2]`."""
        steps = []
        node: etree._Element | None = element
        while node is not None:
            parent = node.getparent()
            steps.append(_name(node) + (self._place(parent, node) if parent is not None else ""))
            node = parent
        return "/" + "/".join(reversed(steps))

    def _place(self, parent: etree._Element, child: etree._Element) -> str:
        places = self._places.get(parent)
        if places is None:
            numbers = dict.fromkeys(self._names.get(parent, ()), 0)
            placed: dict[etree._Element, int] = {}
            for sibling in parent.iterchildren("*"):
                if (name := str(sibling.tag)) in numbers:
                    numbers[name] += 1
                    if sibling in self._wanted:
                        placed[sibling] = numbers[name]
            places = self._places[parent] = {
                each: f"[{number}]" for each, number in placed.items() if numbers[str(each.tag)] > 1
            }
        return places.get(child, "")


def _name(element: etree._Element) -> str:
    # A name may be 50,000 characters long, and stand in every path.
    local = excerpt(etree.QName(element).localname)
    return f"{excerpt(element.prefix)}:{local}" if element.prefix else local

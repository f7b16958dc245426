"""Which parts of a document libxml2's log speaks of: the elements where something may be wrong.

libxml2 stops judging an element's children at the first that does not fit, and tells that child or
the element itself; all others it judges whatever came before. So what it did not tell of is valid,
except beside the nodes that it told of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lxml import etree

#: The only schema with xs:ID: the first owner of an id that is there twice is told by none.
SIGNATURES = "http://www.w3.org/2000/09/xmldsig#"
#: Of more entries the elements are not looked up: their parts would be most of the document.
ENTRIES_MAX = 400
_FIRST_STEP = re.compile("^/[^/]*")


def told_nodes(element: etree._Element, log: Sequence[Any]) -> list[etree._Element | None]:
    """The element that each entry of the log is about; None where its path leads to none. Paths
    begin with the element itself, also where it stands inside a document.
    """
    namespaces = {
        each.prefix: etree.QName(each).namespace for each in element.iter("*") if each.prefix
    }
    nodes: list[etree._Element | None] = []
    for entry in log:
        path = _FIRST_STEP.sub(".", entry.path or "")
        found = element.xpath(path, namespaces=namespaces) if path else []
        node = found[0] if isinstance(found, list) and found else None
        nodes.append(node if isinstance(node, etree._Element) else None)
    return nodes


def refused_parts(element: etree._Element, log: Sequence[Any]) -> set[etree._Element] | None:
    """The elements of a refused element in which something may be wrong, and those around them;
    None for all.
    """
    if len(log) > ENTRIES_MAX:
        return None
    parts = list(element.iter(f"{{{SIGNATURES}}}Signature"))
    for node in told_nodes(element, log):
        part = node if node is None or node is element else node.getparent()
        if part is None or part is element:
            return None
        parts.append(part)
    within: set[etree._Element] = set()
    around: set[etree._Element] = {element}
    for part in parts:
        if part not in within:
            within.update(part.iter("*"))
        outer: etree._Element | None = part
        while outer is not None and outer not in around:
            around.add(outer)
            outer = outer.getparent()
    return within | around

"""Finding elements of a clinical document by paths of local names."""

from __future__ import annotations

import functools
from typing import Any

from lxml import etree

Element = Any
NAMESPACE = "{urn:hl7-org:v3}"


@functools.cache
def _compiled(path: str) -> Any:
    """The XPath of a path of local names; `find` would go down it in Python, a step at a time."""
    steps = "/".join(f"p:{name}" for name in path.split("/"))
    return etree.XPath(steps, namespaces={"p": NAMESPACE[1:-1]})


def at(element: Element | None, path: str) -> Element | None:
    """The first element down a path of local names, None when there is none."""
    if element is None:
        return None
    found = _compiled(path)(element)
    return found[0] if found else None

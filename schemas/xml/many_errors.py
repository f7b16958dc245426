"""What of a large document a schema judges: where very much is wrong, what comes first.

lxml keeps each error that libxml2 finds in a tree with the path of its node, for which libxml2
counts the nodes beside it: n errors among n siblings would take time by n squared, and memory for n
paths. While a document is read, errors have no path, and reading can stop.
"""

from __future__ import annotations

import threading

from lxml import etree

from exchange.schemas import large_bytes
from exchange.schemas.out_of_memory import raise_if_out_of_memory
from exchange.schemas.xml.refused_parts import SIGNATURES

#: Elements with fewer nodes are judged as they are: all may be wrong, and the paths cost little.
LARGE_NODES = 5_000
#: So many errors are sought: more than are ever told.
ERRORS_MAX = 400
#: So much is read between two looks at the errors.
LOOK_BYTES = 4_096


class _Nothing:
    """What a parser builds that only looks."""

    def close(self) -> None:
        """Nothing was built."""


def looking(schema: etree.XMLSchema | None = None, large: bool = False) -> etree.XMLParser:
    """A parser that tells whether a document is XML (and `large`: also one with longer texts than
    libxml2 takes from strangers) and builds no tree: in a third of the time. Not hardened.
    """
    # The stubs ask for every method of a target, lxml for one.
    return etree.XMLParser(
        target=_Nothing(),  # type: ignore[arg-type]
        schema=schema,
        resolve_entities=False,
        no_network=True,
        huge_tree=large,
    )


class _Question(threading.local):
    """Each thread's own: lxml locks a path while it is in use."""

    def __init__(self) -> None:
        self.is_large = etree.XPath(f"boolean(descendant::node()[{LARGE_NODES}])")


_QUESTION = _Question()


def judged_part(element: etree._Element, schema: etree.XMLSchema) -> etree._Element:
    """The element, or one that the schema refuses for the same first errors: its beginning, when it
    has more than `ERRORS_MAX`, or a copy without the ids that are repeated beyond so many. The
    paths of errors in it are paths of the element.

    Raises:
        MemoryError: when there is no memory to tell.
    """
    try:
        if not _QUESTION.is_large(element):
            return element
    except etree.XPathEvalError as error:
        raise_if_out_of_memory(error)
        raise
    body = etree.tostring(element, encoding="utf-8", with_tail=False)
    if end := _end_of_many_errors(body, schema):
        return _parsed(body[:end])
    if len(_owners_of_repeated_ids(element)) <= ERRORS_MAX:
        return element
    part = _parsed(body)
    for owner in _owners_of_repeated_ids(part)[ERRORS_MAX:]:
        del owner.attrib["Id"]
    return part


def _end_of_many_errors(body: bytes, schema: etree.XMLSchema) -> int:
    """Where more errors than are sought have been read, in bytes; 0 when there are fewer."""
    reader, read = looking(schema, large=True), 0
    for piece in large_bytes.split(body, LOOK_BYTES):
        reader.feed(piece)
        read += len(piece)
        if len(reader.feed_error_log) > ERRORS_MAX:
            return read
    return 0


def _parsed(body: bytes) -> etree._Element:
    """Our own rendering of a tree, or its beginning: what is open where it ends is closed."""
    parser = etree.XMLParser(recover=True, huge_tree=True, resolve_entities=False, no_network=True)
    return etree.fromstring(body, parser)


def _owners_of_repeated_ids(element: etree._Element) -> list[etree._Element]:
    """The elements of signatures whose id an earlier one has."""
    seen: set[str] = set()
    owners = []
    for owner in element.iter(f"{{{SIGNATURES}}}*"):
        identifier = owner.get("Id")
        if identifier is None:
            continue
        if identifier in seen:
            owners.append(owner)
        seen.add(identifier)
    return owners

"""XML: bytes to a tree by one hardened parser, and a tree against an XSD; positions and
explanations live beside it.

Hardened means: no document type definition (so no entities and no defaults from outside), no
network, bounded size and depth, UTF-8 or another encoding that the document states truthfully.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from exchange.schemas import large_bytes
from exchange.schemas.document_limits import NotAtOnce, can_wait, in_force
from exchange.schemas.out_of_memory import raise_if_out_of_memory, told_in
from exchange.schemas.violation import Finding
from exchange.schemas.xml import thread_names
from exchange.schemas.xml.diagnosis import (
    diagnose,
    excess_markup,
    has_doctype,
    has_namespaces,
    transcoded,
)
from exchange.schemas.xml.many_errors import judged_part, looking
from exchange.schemas.xml.positions import locate

if TYPE_CHECKING:
    from exchange.schemas.xml.explanation import Explainer

__all__ = ["FINDINGS_MAX", "XmlLimits", "XmlSchema", "locate", "looking", "parse"]

#: At most so many findings are reported of one check.
FINDINGS_MAX = 200

#: Bytes of documents after which a thread lets go of the names that they had.
NAMES_BYTES_MAX = 33_554_432

#: A document that needs no second look at its encoding: ASCII-like from the first byte, UTF-8
#: stated or nothing stated.
_PLAIN_START = re.compile(
    rb"""<(?:\?xml\s+version\s*=\s*["']1\.[0-9]["'](?:\s+encoding\s*=\s*["'][Uu][Tt][Ff]-8["'])?[^>]*\?>|[A-Za-z_!])"""
)


class _Tools(threading.local):
    """What a thread reads with: lxml locks a parser and a path while they are in use, and a large
    document would hold up all others.
    """

    def __init__(self) -> None:
        self.parser = _parser()
        self.utf8_parser = _parser("utf-8")
        self._paths: dict[str, etree.XPath] = {}
        self._bytes = 0

    def finds(self, path: str, root: etree._Element) -> bool:
        """Whether a path finds anything: one of many steps costs a few microseconds, since it ends
        with the tree.
        """
        compiled = self._paths.get(path)
        if compiled is None:
            compiled = self._paths[path] = etree.XPath(path)
        try:
            return bool(compiled(root))
        except etree.XPathEvalError as error:
            raise_if_out_of_memory(error)
            raise

    def reads(self, size: int) -> None:
        """So many bytes are about to be read. When there were many, what names they had is let go
        of: senders choose them.
        """
        self._bytes += size
        if self._bytes > NAMES_BYTES_MAX:
            self._bytes = size
            thread_names.forget()
            self.parser, self.utf8_parser = _parser(), _parser("utf-8")
            etree.fromstring(b"<first/>", self.parser)


def _parser(encoding: str | None = None) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=False,
        encoding=encoding,
    )


_TOOLS = _Tools()


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """What a body may be at most: its length in bytes, the depth of its elements (libxml2 itself
    stops at 256), the namespace declarations in force at one, its tags and attributes, and the
    attributes of one element.
    """

    body_bytes_max: int = 52_428_800
    depth_max: int = 64
    namespaces_max: int = 256
    markup_max: int = 5_000_000
    attributes_max: int = 256


def parse(body: bytes, limits: XmlLimits | None = None) -> etree._Element:
    """The root element of the document; by the limits in force, or those given.

    Raises:
        Malformed: with line, column and source line. Rules: `xml.empty`, `xml.size`,
        `xml.encoding`, `xml.doctype`,
            `xml.depth`, `xml.markup`, `xml.namespaces`, `xml.attributes`, `xml.malformed`.
        MemoryError: when there is no memory for it, which is no fault of the document.
    """
    if limits is None:
        general = in_force()
        limits = XmlLimits(
            body_bytes_max=general.body_bytes_max,
            depth_max=general.depth_max,
            namespaces_max=general.namespaces_max,
            markup_max=general.markup_max,
            attributes_max=general.attributes_max,
        )
    if len(body) > limits.body_bytes_max or not body:
        raise diagnose(body, limits.body_bytes_max, limits.depth_max)
    _TOOLS.reads(len(body))
    # What is wrong is told of the bytes that came, which say in which encoding they are.
    parser, given = _TOOLS.parser, body
    start = _PLAIN_START.match(body)
    if start is None or (
        start.end() > 2 and b"encoding" in body[: start.end()] and not _states_utf8(start[0])
    ):
        body, parser = transcoded(body), _TOOLS.utf8_parser
    if b"!" in body and b"<!DOCTYPE" in body and has_doctype(given):
        raise diagnose(given, limits.body_bytes_max, limits.depth_max)
    if len(body) > limits.markup_max and (excess := excess_markup(body, limits.markup_max)):
        raise excess
    # So many may be in force at one element only when there are so many: what has fewer isn't
    # asked.
    if large_bytes.count(body, b"xmlns") > limits.namespaces_max and has_namespaces(
        given, limits.namespaces_max
    ):
        raise diagnose(given, limits.body_bytes_max, limits.depth_max, None, limits.namespaces_max)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise_if_out_of_memory(error)
        raise diagnose(given, limits.body_bytes_max, limits.depth_max, error) from None
    # An element inside so many others needs their tags: what has fewer isn't asked.
    if large_bytes.count(body, b"<") > 2 * limits.depth_max and _TOOLS.finds(
        f"boolean({'/*' * (limits.depth_max + 1)})", root
    ):
        raise diagnose(given, limits.body_bytes_max, limits.depth_max)
    if large_bytes.count(body, b"=") > limits.attributes_max and _TOOLS.finds(
        f"boolean(//*[@*[{limits.attributes_max + 1}]])", root
    ):
        sizes = limits.body_bytes_max, limits.depth_max
        raise diagnose(given, *sizes, attributes_max=limits.attributes_max)
    return root


def _states_utf8(declaration: bytes) -> bool:
    return bool(re.search(rb"""\sencoding\s*=\s*["']utf-8["']""", declaration, re.IGNORECASE))


class XmlSchema:
    """A compiled XSD. libxml2 gives the verdict; when it is bad, every violation is sought out and
    explained.

    Raises:
        ValueError: when the file is no XSD.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._schema = _compiled(path)
        except (etree.XMLSchemaParseError, etree.XMLSyntaxError) as error:
            raise ValueError(f"{path.name}: {error}") from error
        self._explainer: Explainer | None = None
        self._explaining = threading.Lock()
        #: Each thread's own: while another one validates, its errors would be in the log, too.
        self._validating = threading.local()
        #: Each thread's parser that validates while it reads.
        self._reading = threading.local()

    def accepts(self, element: etree._Element) -> bool:
        """Whether the element is valid; explains nothing."""
        return bool(self._schema.validate(judged_part(element, self._schema)))

    def accepts_bytes(self, body: bytes) -> bool:
        """Whether a document of our own making is XML and valid, told without a tree. Nothing is
        hardened.

        In less time than parsing and validating take. What it can't tell is whether an xs:ID (of a
        signature's elements) is there twice.
        """
        if not hasattr(self._reading, "parser"):
            self._reading.parser = looking(self._schema)
        try:
            etree.fromstring(body, self._reading.parser)
        except etree.XMLSyntaxError:
            return False
        # A parser with a target raises nothing for what the schema says.
        return not self._reading.parser.error_log

    def check(self, element: etree._Element) -> list[Finding]:
        """What is wrong with the element (a root, or a message inside one), in document order;
        empty when it is valid.

        Raises:
            NotAtOnce: when it is invalid, the first of its type, and whoever asks can't wait.
            MemoryError: when there is no memory to tell.
        """
        judged = judged_part(element, self._schema)
        if self._schema.validate(judged):
            return []
        explainer = self._made_explainer()
        if not hasattr(self._validating, "schema"):
            self._validating.schema = _compiled(self.path)
        schema: etree.XMLSchema = self._validating.schema
        valid = schema.validate(judged)
        log = list(schema.error_log)  # type: ignore[call-overload]  # the stubs don't know that it can be iterated
        if valid or told_in(log):
            raise MemoryError
        return explainer.explain(element, log, FINDINGS_MAX)

    def _made_explainer(self) -> Explainer:
        """What explains, made for the first invalid message of its type: importing xmlschema and
        compiling for it take up to a third of a second.
        """
        if self._explainer is None:
            if not can_wait():
                raise NotAtOnce
            with self._explaining:
                if self._explainer is None:
                    from exchange.schemas.xml.explanation import Explainer

                    self._explainer = Explainer(self.path)
        return self._explainer


def _compiled(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(
        etree.parse(str(path), etree.XMLParser(no_network=True, resolve_entities=False))
    )

"""Rules of the document as a whole: its encoding and the strings that the register forbids; nothing
of its fields.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapter 1.2 (vero.fi). The
register's own examples carry comments, so it is values in which the strings are forbidden.
"""

from __future__ import annotations

import re

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import Book
from exchange.schemas import large_bytes

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ASIDE = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)
_DECLARED = re.compile(rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_START_TAG = re.compile(rb"<[A-Za-z_]")


def check_document(book: Book, body: bytes, root: Element, clean: bool = False) -> None:
    """UTF-8 without a byte order mark, and none of the forbidden strings in a value (`clean`: it is
    known that there is none).
    """
    if body.startswith(_BYTE_ORDER_MARK):
        book.add("byte-order-mark", root, "no byte order mark")
    elif not body.startswith(b"<"):
        book.add("encoding", root, "UTF-8")
        return
    if (declared := _DECLARED.match(body)) and declared[1].lower() != b"utf-8":
        book.add("encoding", root, "UTF-8", declared[1].decode("ascii", "replace"))
    if clean:
        return
    # Every comment has `--` twice; whatever is beyond that stands elsewhere. (Where a piece ends
    # within one, it may count thrice; then values are looked at for nothing.)
    comments = large_bytes.count(body, b"<!--")
    if large_bytes.count(body, b"--") != 2 * comments or large_bytes.find(body, b"/*") >= 0:
        _check_values(book, root)
    if large_bytes.find(body, b"&#") >= 0:
        _check_references(book, body, root)


def _check_values(book: Book, root: Element) -> None:
    for element in root.iter("*"):
        for value in (element.text, element.tail, *element.attrib.values()):
            if value and (found := "--" if "--" in value else "/*" if "/*" in value else ""):
                book.add("forbidden-string", element, "a value without -- and /*", found)


def _check_references(book: Book, body: bytes, root: Element) -> None:
    """Character references: the tree does not show them, so the start tags before each tell the
    element that it is in.
    """
    plain = _ASIDE.sub(lambda match: b" " * len(match[0]), body)
    elements: list[Element] = []
    offset = index = told = 0
    while (offset_next := plain.find(b"&#", offset)) >= 0:
        # (In Python, both, since one call into C for millions of them would stop everybody.)
        elements = elements or [each for each in root.iter("*")]  # noqa: C416
        index += sum(1 for _ in _START_TAG.finditer(plain, offset, offset_next))
        # Once for an element: a value may hold a reference for every five bytes.
        if told != (told := max(index, 1)):
            at = elements[min(told, len(elements)) - 1]
            book.add("forbidden-string", at, "a value without &#", "&#")
        offset = offset_next + 2

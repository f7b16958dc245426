"""The guard against real persons: finds personal identity codes that a living person could have; stores, logs and repeats nothing.

A code counts when its date is valid for its century character, its check character is right, its individual number is
002-899 and no ASCII letter or digit is glued to it. 900-999 are artificial and pass. What an XML or JSON reader would
read as a code is found too: character references, CDATA sections, comments and processing instructions inside a value,
JSON escapes, UTF-16, percent-encoding, typographic hyphens and full-width digits. Codes inside base64, compressed or
encrypted data are not looked for.
"""

from __future__ import annotations

import datetime
import html
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote

from schemas.identifiers import CENTURIES, CHECK_CHARACTERS

# Begins with a set of characters, so that the search skips at full speed; what stands before is looked at afterwards.
# 900-999 can't match at all.
_FORM = (
    r"[0-3](?<![0-9A-Za-z][0-3])[0-9][01][0-9]{3}[-+A-FU-Ya-fu-y](?:00[2-9]|0[1-9][0-9]|[1-8][0-9]{2})"
    r"[0-9A-FHJ-NPR-Ya-fhj-npr-y](?![0-9A-Za-z])"
)
_IN_BYTES = re.compile(_FORM.encode())
_IN_TEXT = re.compile(_FORM)

# U+00AD, U+200B-U+2015, U+2212, U+FE58-U+FF5E and U+FEFF in UTF-8: hidden characters, hyphens, full-width forms.
_ODD_FORMS = re.compile(rb"\xc2\xad|\xe2\x80[\x8b-\x95]|\xe2\x81\xa0|\xe2\x88\x92|\xef\xb9\xa3|\xef\xbb\xbf|\xef\xbc")
_HYPHENS = dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), "-")
_HIDDEN = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF))
_ASIDE = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_REFERENCE = re.compile(r"&#(?:[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6});")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")


def real_person_in(body: bytes) -> bool:
    """Whether the body, in XML, JSON or any text, holds a personal identity code that could be a living person's.

    Costs about 1 microsecond per KB when nothing in it could hide a code.
    """
    if _any_real(_IN_BYTES.findall(body)):
        return True
    if not _could_hide(body):
        return False
    return _hidden_in(_decode(body))


def in_text(text: str) -> bool:
    """The same for a header, an id or a part of an address."""
    if _any_real(_IN_TEXT.findall(text)):
        return True
    if text.isascii() and not any(marker in text for marker in "%&\\<"):
        return False
    return _hidden_in(text)


def in_texts(texts: Iterable[str]) -> bool:
    """Whether any of them holds such a code."""
    return any(map(in_text, texts))


def _any_real(found: Iterable[bytes] | Iterable[str]) -> bool:
    """Whether one of these, each in the form of a code, has a right check character and a date that exists."""
    for code in found:
        text = (code.decode("ascii") if isinstance(code, bytes) else code).upper()
        if CHECK_CHARACTERS[int(text[:6] + text[7:10]) % 31] != text[10]:
            continue
        try:
            datetime.date(CENTURIES[text[6]] + int(text[4:6]), int(text[2:4]), int(text[:2]))
        except ValueError:
            continue
        return True
    return False


def _could_hide(body: bytes) -> bool:
    """Whether the bytes hold anything that a reader resolves; single bytes first, because memchr is many times faster."""
    if b"&" in body and b"&#" in body:
        return True
    if b"\\" in body and b"\\u" in body:
        return True
    if b"!" in body and b"<!" in body:
        return True
    if b"?" in body and body.find(b"<?", 1) > 0:
        return True
    if b"%" in body or b"\0" in body:
        return True
    return not body.isascii() and bool(_ODD_FORMS.search(body))


def _hidden_in(text: str) -> bool:
    """Whether the text as a reader would resolve it, or any step on the way there, holds such a code."""
    for step in (_without_asides, _resolve, _resolve, _plain):
        changed = step(text)
        if changed != text and _any_real(_IN_TEXT.findall(changed)):
            return True
        text = changed
    return False


def _without_asides(text: str) -> str:
    return _CDATA.sub(r"\1", _ASIDE.sub("", text)) if "<" in text else text


def _resolve(text: str) -> str:
    """Character references, JSON escapes and percent-encoding replaced by what they stand for."""
    if "&" in text:
        text = _REFERENCE.sub(lambda match: html.unescape(match[0]), text).replace("&amp;", "&")
    if "\\" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    if "%" in text:
        text = unquote(text, errors="replace")
    return text


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_HIDDEN | _HYPHENS)) if not text.isascii() else text


def _decode(body: bytes) -> str:
    """The text of the body: UTF-16 by its mark or its zero bytes, otherwise UTF-8 with what is wrong replaced."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", errors="replace")
    if b"\0" in body[:64]:
        even, odd = body[:64:2].count(0), body[1:64:2].count(0)
        return body.decode("utf-16-be" if even > odd else "utf-16-le", errors="replace")
    return body.decode("utf-8", errors="replace")

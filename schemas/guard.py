"""The guard against real persons: finds personal identity codes that a living person could have,
and those of artificial ones; stores, logs and repeats nothing.

A code counts when its date is valid for its century character, its check character is right, its
individual number is 002-899 and no ASCII letter or digit is glued to it. 900-999 are artificial and
pass. What an XML or JSON reader would read as a code is found too: character references, CDATA
sections, comments and processing instructions inside a value, JSON escapes, UTF-16 and UTF-32,
percent-encoding, typographic hyphens and full-width digits. Codes inside base64, compressed or
encrypted data are not looked for.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from exchange.schemas import large_bytes
from exchange.schemas.identifiers import (
    CENTURIES,
    CHECK_CHARACTERS,
    is_personal_identity_code,
)

_DIGITS = b"0123456789"
_CENTURY_CHARACTERS = b"-+ABCDEFUVWXYabcdefuvwxy"
_LETTERS_AND_DIGITS = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_SHAPES = bytes(
    48 if byte in _DIGITS else 45 if byte in _CENTURY_CHARACTERS else 32 for byte in range(256)
)
_SHAPE = b"000000-000"
_NINE, _LESS = ord("9"), ord("<")
_LOOKED_AT_MAX = 16
#: So much of a body is reduced to its shapes at once: a second copy of 50 MB would be most of what
#: judging it takes.
_WINDOW_BYTES = 1 << 20

# How hidden characters, hyphens and full-width forms begin in UTF-8: U+00AD, U+2000-U+203F, U+2060,
# U+2212, U+FE40-U+FEFF, U+FF00-U+FFFF.
_ODD_FORMS = (
    b"\xc2\xad",
    b"\xe2\x80",
    b"\xe2\x81\xa0",
    b"\xe2\x88\x92",
    b"\xef\xb9",
    b"\xef\xbb",
    b"\xef\xbc",
    b"\xef\xbd",
)
_ODD_FIRST = frozenset(form[:1] for form in _ODD_FORMS)
#: Characters that are read at once: what reads them holds the interpreter for some milliseconds.
_PIECE_CHARACTERS = 1 << 17
#: Where a text may be cut without cutting a reference, an escape, percent-encoded UTF-8 or a
#: character and its marks in two.
_CUT = re.compile(r"[\x00-\x22$&-/:<-@G-TV-WY-`g-tv-wy-\x7f]|%(?=[0-7C-Fc-f])")
#: Combining marks in a row that say something; languages use a few (UAX #15 allows 30).
_MARKS_MAX = 30
_HYPHEN = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63]")
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_ASIDE_ENDS = {"<?": "?>", "<!--": "-->", "<![CDATA[": "]]>"}
#: Leading zeros, of which a reference may have any number, are left out of the groups.
_REFERENCE = re.compile(r"&#(?:0*+([0-9]{0,7})|[xX]0*+([0-9A-Fa-f]{0,6}));")
_NO_ZERO = re.compile("[^0]")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")

#: Persons of one message that are told; a file of more is not found by the others.
PERSONS_MAX = 10_000
_CODE_BYTES = len("010203-900X")


def real_person_in(body: bytes) -> bool:
    """Whether the body, in XML, JSON or any text, holds a personal identity code that could be a
    living person's.

    Costs about 1 microsecond per KB when nothing in it could hide a code.
    """
    return _plainly_in(body) or _hidden_in_bytes(body)


def artificial_persons_in(body: bytes, most: int = PERSONS_MAX) -> tuple[str, ...] | None:
    """The artificial ones of `named_persons` in a body without a `real_person_in` it, in one go;
    None when there is one.
    """
    found: dict[bytes, None] = {}
    for place in code_places(body):
        if body[place + 7] == _NINE:
            if len(found) < most:
                found.setdefault(body[place : place + _CODE_BYTES])
        elif _could_be_real_at(body, place):
            return None
    return None if _hidden_in_bytes(body) else _valid(found)


def named_persons(body: bytes, most: int = PERSONS_MAX) -> tuple[str, ...]:
    """The valid personal identity codes that stand in the bytes as they are, each once, in the
    order of their first places; codes that are written in another way are not told.
    """
    found: dict[bytes, None] = {}
    for place in code_places(body):
        found.setdefault(body[place : place + _CODE_BYTES])
        if len(found) == most:
            break
    return _valid(found)


def _valid(found: Iterable[bytes]) -> tuple[str, ...]:
    texts = (each.decode("latin-1").upper() for each in found)
    return tuple(dict.fromkeys(text for text in texts if is_personal_identity_code(text)))


def _hidden_in_bytes(body: bytes) -> bool:
    """Whether what a reader makes of the bytes holds such a code."""
    if not _could_hide(body):
        return False
    if b"\0" in body:
        # UTF-16 or UTF-32: no reader takes zero characters, so what is ASCII is seen without them
        # in any of their orders.
        bare = b"".join(piece.replace(b"\0", b"") for piece in large_bytes.split(body))
        if _plainly_in(bare) or _hidden_in(large_bytes.decode(bare, "utf-8", "replace")):
            return True
    return _hidden_in(_decode(body))


def in_text(text: str) -> bool:
    """The same for a header, an id or a part of an address."""
    return _plainly_in(text.encode("utf-8", "replace")) or (
        not _hides_nothing(text) and _hidden_in(text)
    )


def storable(text: str) -> str:
    """A text of somebody else's as every database can keep it: without the character 0 and halves
    of one; empty where it may name a living person.
    """
    return "" if in_text(text) else text.replace("\0", "").encode(errors="replace").decode()


def in_texts(texts: Iterable[str]) -> bool:
    """Whether any of them holds such a code; texts that hide nothing are looked at in one go, for
    most do.
    """
    texts = tuple(texts)
    whole = "\n".join(texts)
    return _plainly_in(whole.encode("ascii")) if _hides_nothing(whole) else any(map(in_text, texts))


def _hides_nothing(text: str) -> bool:
    """Whether the text means what it says: ASCII without the first character of anything that a
    reader resolves.
    """
    return (
        text.isascii()
        and "%" not in text
        and "&" not in text
        and "\\" not in text
        and "<" not in text
    )


def _plainly_in(body: bytes) -> bool:
    """Whether such a code stands in the bytes as they are."""
    return any(
        body[place + 7] != _NINE and _could_be_real_at(body, place) for place in code_places(body)
    )


def _could_be_real_at(body: bytes, place: int) -> bool:
    # What is glued to a letter or a digit before it is part of something longer: most are numbers
    # of reports and days.
    glued = place > 0 and body[place - 1] in _LETTERS_AND_DIGITS
    return not glued and _could_be_real(body[place : place + 12])


def code_places(body: bytes) -> Iterator[int]:
    """Where something of the shape of a personal identity code without its last character begins.

    The bytes are first reduced to their shapes (digit, century character, other), because a
    translation and a search for a fixed string take a fifth of the time of the regular expression
    that says the same.
    """
    for start in range(0, len(body), _WINDOW_BYTES):
        # A window reaches into the next one, so that no code is cut in two.
        shapes = body[start : start + _WINDOW_BYTES + len(_SHAPE) - 1].translate(_SHAPES)
        at = shapes.find(_SHAPE)
        while at >= 0:
            yield start + at
            # The next one begins behind this one's century character.
            at = shapes.find(_SHAPE, at + 7)


def _could_be_real(found: bytes) -> bool:
    """Whether the first eleven bytes are a code with a number below 900, and nothing is glued to
    its end.
    """
    code, after = found[:11].decode("latin-1").upper(), found[11:]
    if len(code) < 11 or (after and after[0] in _LETTERS_AND_DIGITS) or code[7:10] < "002":
        return False
    if CHECK_CHARACTERS[int(code[:6] + code[7:10]) % 31] != code[10]:
        return False
    try:
        datetime.date(CENTURIES[code[6]] + int(code[4:6]), int(code[2:4]), int(code[:2]))
    except ValueError:
        return False
    return True


def _could_hide(body: bytes) -> bool:
    """Whether the bytes hold anything that a reader resolves; single bytes first, because memchr is
    many times faster.
    """
    if b"&" in body and (
        large_bytes.find(body, b"&#") >= 0 or large_bytes.find(body, b"&amp;#") >= 0
    ):
        return True
    if b"\\" in body and large_bytes.find(body, b"\\u") >= 0:
        return True
    if b"!" in body and large_bytes.find(body, b"<!") >= 0:
        return True
    if b"?" in body and _holds_instruction(body):
        return True
    if b"%" in body or b"\0" in body:
        return True
    return (
        not body.isascii()
        and any(first in body for first in _ODD_FIRST)
        and any(large_bytes.find(body, form) >= 0 for form in _ODD_FORMS)
    )


def _holds_instruction(body: bytes) -> bool:
    """Whether a processing instruction begins after the first byte. Few question marks are looked
    at one by one: as a rule they are those of the declaration, and two bytes are looked for many
    times as slowly as one.
    """
    at = body.find(b"?", 2)
    for _ in range(_LOOKED_AT_MAX):
        if at < 0 or body[at - 1] == _LESS:
            return at > 0
        at = body.find(b"?", at + 1)
    return at > 0 and large_bytes.find(body, b"<?", at - 1) > 0


def _hidden_in(text: str) -> bool:
    """Whether the text as a reader would resolve it, or any step on the way there, holds such a
    code.

    It is read with asides and without: in JSON, or inside a CDATA section, the mark of a comment is
    text like any other.
    """
    bare = _without_asides(text)
    return (
        bare != text and (_plainly_in(large_bytes.encode(bare, "replace")) or _resolved_in(bare))
    ) or _resolved_in(text)


def _resolved_in(text: str) -> bool:
    for step in (_resolve, _resolve, _plain):
        changed = "".join(map(step, _pieces(text)))
        if changed != text and _plainly_in(large_bytes.encode(changed, "replace")):
            return True
        text = changed
    return False


def _without_asides(text: str) -> str:
    """The text without comments and processing instructions, CDATA sections opened; in one pass,
    however many never end.
    """
    kept, start, at = [], 0, 0
    endless: set[str] = set()
    # Where the next of each beginning stands: a search for both at once takes many times as long.
    ahead = {"<!": text.find("<!"), "<?": text.find("<?")}
    while opening := sorted((place, sign) for sign, place in ahead.items() if place >= 0):
        at, sign = opening[0]
        mark = next((mark for mark in _ASIDE_ENDS if text.startswith(mark, at)), "")
        inside = at + len(mark or sign)
        end = -1 if not mark or mark in endless else text.find(_ASIDE_ENDS[mark], inside)
        if end >= 0:
            kept.append(text[start:at])
            if mark == "<![CDATA[":
                kept.append(text[inside:end])
            start = inside = end + len(_ASIDE_ENDS[mark])
        elif mark:
            endless.add(mark)
        for sign, place in ahead.items():
            if 0 <= place < inside:
                ahead[sign] = text.find(sign, inside)
    return "".join((*kept, text[start:]))


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces, cut where nothing is cut in two; together they are the text, but for the
    zeros of a reference that has more of them than a piece holds.
    """
    start = 0
    while len(text) - start > 2 * _PIECE_CHARACTERS:
        end = start + _PIECE_CHARACTERS
        cut = _CUT.search(text, end, end + _PIECE_CHARACTERS)
        if cut is not None:
            end = cut.start()
        elif text.count("0", end, end + _PIECE_CHARACTERS) < _PIECE_CHARACTERS:
            end += _PIECE_CHARACTERS
        yield text[start:end]
        start = end
        if cut is None and text[start] == "0":
            # Whoever reads the text again meets the reference without them.
            other = _NO_ZERO.search(text, start)
            start = other.start() if other else len(text)
    yield text[start:]


def _resolve(text: str) -> str:
    """Character references, JSON escapes and percent-encoding replaced by what they stand for."""
    if "&" in text:
        text = _REFERENCE.sub(_character, text).replace("&amp;", "&")
    if "\\" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    if "%" in text:
        text = _PERCENT.sub(
            lambda match: bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace"), text
        )
    return text


def _character(reference: re.Match[str]) -> str:
    """What a character reference stands for; itself when it stands for none."""
    decimal, hexadecimal = reference.groups()
    number = int(decimal or "0") if decimal is not None else int(hexadecimal or "0", 16)
    return chr(number) if number < 0x110000 else reference[0]


def _plain(text: str) -> str:
    """Typographic hyphens as the plain one, hidden characters left out, full-width and other digits
    as ASCII.
    """
    if text.isascii():
        return text
    text = _HYPHEN.sub("-", _HIDDEN.sub("", text))
    # Putting marks in order takes time by the square of how many stand in a row, and the
    # interpreter is held meanwhile (python/cpython#149079).
    run, beginning = _marks()
    if beginning.search(text):
        text = run.sub(_first_marks, text)
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


#: Beyond it stand ideographs, tags and private characters, of which none is combined.
_MARKS_END = 0x20000


@cache
def _marks() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """More marks in a row than mean anything: characters that are combined with the one before, or
    become such ones. And what one may begin with, which is found 20 times as fast: a mark, or any
    character beyond U+FFFF, where marks stand in many ranges.
    """
    marks = [
        character
        for character in map(chr, range(0x300, _MARKS_END))
        if unicodedata.combining(unicodedata.normalize("NFKD", character)[0])
    ]
    run = f"[{''.join(marks)}]{{{_MARKS_MAX + 1},}}"
    beginning = "".join(mark for mark in marks if mark < "\U00010000")
    return re.compile(run), re.compile(f"[{beginning}\U00010000-\U0010ffff]")


def _first_marks(run: re.Match[str]) -> str:
    return run[0][:_MARKS_MAX]


def _decode(body: bytes) -> str:
    """The text of the body: UTF-32 and UTF-16 by their marks, UTF-16 by its zero bytes, otherwise
    UTF-8 with what is wrong replaced.
    """
    if body[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return large_bytes.decode(body, "utf-32", "replace")
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return large_bytes.decode(body, "utf-16", "replace")
    if b"\0" in body[:64]:
        even, odd = body[:64:2].count(0), body[1:64:2].count(0)
        return large_bytes.decode(body, "utf-16-be" if even > odd else "utf-16-le", "replace")
    return large_bytes.decode(body, "utf-8", "replace")

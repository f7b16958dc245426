"""The guard against real persons: every code in every hiding that a reader would undo, and no alarm
where there is none.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
import unicodedata
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exchange.schemas import guard
from exchange.schemas.identifiers import ARTIFICIAL_NUMBERS, CHECK_CHARACTERS, REAL_NUMBERS
from tests.schemas.codes import codes

Hiding = Callable[[str, int], str]

#: How a code may stand in a document so that a reader still finds it; the number says which
#: character is hidden.
HIDINGS: dict[str, Hiding] = {
    "plain": lambda code, at: code,
    "lower case": lambda code, at: code.lower(),
    "decimal reference": lambda code, at: f"{code[:at]}&#{ord(code[at])};{code[at + 1 :]}",
    "reference with many zeros": lambda code, at: (
        f"{code[:at]}&#{'0' * 5_000}{ord(code[at])};{code[at + 1 :]}"
    ),
    "hexadecimal reference": lambda code, at: f"{code[:at]}&#x{ord(code[at]):X};{code[at + 1 :]}",
    "every character a reference": lambda code, at: "".join(
        f"&#x{ord(character):x};" for character in code
    ),
    "reference in a reference": lambda code, at: (
        f"{code[:at]}&amp;#{ord(code[at])};{code[at + 1 :]}"
    ),
    "comment inside": lambda code, at: f"{code[:at]}<!-- - -->{code[at:]}",
    "instruction inside": lambda code, at: f"{code[:at]}<?x 1?>{code[at:]}",
    "CDATA section": lambda code, at: f"{code[:at]}<![CDATA[{code[at:]}]]>",
    "CDATA sections, a comment and a reference": lambda code, at: (
        f"<![CDATA[{code[:at]}]]><!--]]>--><![CDATA[{code[at]}]]>"
        f"{code[at + 1 :].replace(code[-1], f'&#{ord(code[-1])};')}"
    ),
    "JSON escape": lambda code, at: f"{code[:at]}\\u{ord(code[at]):04x}{code[at + 1 :]}",
    "every character a JSON escape": lambda code, at: "".join(
        f"\\u{ord(character):04X}" for character in code
    ),
    "percent": lambda code, at: f"{code[:at]}%{ord(code[at]):02X}{code[at + 1 :]}",
    "percent twice": lambda code, at: quote(f"{code[:at]}%{ord(code[at]):02x}{code[at + 1 :]}"),
    "soft hyphen inside": lambda code, at: f"{code[:at]}\u00ad{code[at:]}",
    "no-width space inside": lambda code, at: f"{code[:at]}\u200b{code[at:]}",
    "mark inside": lambda code, at: f"{code[:at]}\ufeff{code[at:]}",
    "full-width": lambda code, at: "".join(chr(ord(character) + 0xFEE0) for character in code),
    "one full-width": lambda code, at: code[:at] + chr(ord(code[at]) + 0xFEE0) + code[at + 1 :],
}
#: What may stand around it in the same document, before and after; where there is no XML, no XML
#: hides anything.
SURROUNDINGS = {
    "alone": ("", ""),
    "XML": ("<a>", "</a>"),
    "XML, declared": ('<?xml version="1.0"?>\n<a b="', '"/>'),
    "JSON": ('{"a":"', '"}'),
    "JSON with what looks like comments": ('{"<!--":"', '","-->":"<? ?>"}'),
    "CDATA with what looks like comments": ("<a><![CDATA[<!--]]>", "<![CDATA[-->]]></a>"),
    "a comment that never ends": ("<a><!-- <? <![CDATA[ ", " "),
    "text": ("Asiakas ", ", käsitelty."),
}
XML_SURROUNDINGS = ("alone", "XML", "XML, declared", "CDATA with what looks like comments", "text")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


@pytest.mark.parametrize("hiding", HIDINGS)
@settings(max_examples=20)
@given(code=codes(REAL_NUMBERS), at=st.integers(0, 9), around=st.sampled_from(sorted(SURROUNDINGS)))
def test_a_real_code_is_found_in_every_hiding(hiding: str, code: str, at: int, around: str) -> None:
    hidden = HIDINGS[hiding](code, at)
    before, after = SURROUNDINGS[
        "XML" if "<" in hidden and around not in XML_SURROUNDINGS else around
    ]
    text = before + hidden + after
    assert guard.in_text(text)
    assert guard.real_person_in(text.encode())


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=20)
@given(code=codes(REAL_NUMBERS), hiding=st.sampled_from(sorted(HIDINGS)), at=st.integers(0, 9))
def test_a_real_code_is_found_in_every_encoding(
    encoding: str, code: str, hiding: str, at: int
) -> None:
    assert guard.real_person_in(f"<a>{HIDINGS[hiding](code, at)}</a>".encode(encoding))


@settings(max_examples=40)
@given(
    code=codes(REAL_NUMBERS),
    hyphen=st.sampled_from("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"),
)
def test_a_typographic_hyphen_is_a_hyphen(code: str, hyphen: str) -> None:
    changed = code[:6] + hyphen + code[7:]
    if code[6] == "-":
        assert guard.real_person_in(f'{{"a":"{changed}"}}'.encode())
        assert guard.in_text(changed)


@settings(max_examples=40)
@given(
    code=codes(ARTIFICIAL_NUMBERS),
    hiding=st.sampled_from(sorted(HIDINGS)),
    at=st.integers(0, 9),
    encoding=st.sampled_from(ENCODINGS),
)
def test_an_artificial_code_is_never_one(code: str, hiding: str, at: int, encoding: str) -> None:
    text = f"<a>{HIDINGS[hiding](code, at)}</a>"
    assert not guard.real_person_in(text.encode(encoding))
    assert not guard.in_text(text)


@settings(max_examples=40)
@given(
    code=codes(REAL_NUMBERS), wrong=st.sampled_from(CHECK_CHARACTERS), glued=st.sampled_from("aZ09")
)
def test_what_is_no_code_raises_no_alarm(code: str, wrong: str, glued: str) -> None:
    if wrong != code[-1]:
        assert not guard.in_text(code[:-1] + wrong)
    digits = "99" + code[2:6] + code[7:10]
    impossible = f"99{code[2:10]}{CHECK_CHARACTERS[int(digits) % 31]}"
    for text in (
        impossible,
        glued + code,
        code + glued,
        code[:6] + code[7:],
        code[:6] + " " + code[7:],
        code[:-1],
    ):
        assert not guard.real_person_in(f"<a>{text}</a>".encode()), "not a code"


@given(st.integers(0, 1))
def test_the_numbers_that_nobody_has_raise_no_alarm(number: int) -> None:
    digits = f"010190{number:03d}"
    assert not guard.in_text(f"010190-{number:03d}{CHECK_CHARACTERS[int(digits) % 31]}")


@settings(max_examples=40)
@given(st.binary(max_size=300))
@example(b"\xff\xfe\0")
@example(b"&#99999999;&#xFFFFFF;&#;&#xD800;\\uD800%")
def test_any_bytes_are_read(body: bytes) -> None:
    assert guard.real_person_in(body) in (True, False)
    assert guard.in_text(body.decode("utf-8", "replace")) in (True, False)


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner),
        max_leaves=20,
    )
)
def test_ordinary_documents_raise_no_alarm(data: object) -> None:
    """A code by chance would need eleven characters in a row; none of what is drawn here
    has them.
    """
    assert not guard.real_person_in(json.dumps(data).encode())


@pytest.mark.parametrize(
    "unit",
    [
        b"<!--",
        b"<?",
        b"<![CDATA[",
        b"&#",
        b"&#0",
        b"%",
        b"\\u",
        b"<!-- -->",
        b"010190-",
        b"\0",
        b"&amp;",
        "０".encode(),
    ],
)
def test_the_guard_takes_bounded_time(unit: bytes) -> None:
    """Two hundred kilobytes; openings without end once took minutes."""
    body = unit * (200_000 // len(unit))
    began = time.process_time()
    assert not guard.real_person_in(body)
    assert time.process_time() - began < 3


def test_a_code_anywhere_in_a_large_body() -> None:
    rng = random.Random(1)
    digits = "010190" + "123"
    code = f"010190-123{CHECK_CHARACTERS[int(digits) % 31]}"
    body = bytes(rng.choices(b"0123456789-<>a ", k=200_000))
    assert not guard.real_person_in(body)
    at = rng.randrange(len(body))
    assert guard.real_person_in(body[:at] + b" " + code.encode() + b" " + body[at:])


@given(
    st.lists(st.sampled_from([b"<", b"?", b">", b"<?", b"???????", b"x"]), max_size=30).map(
        b"".join
    )
)
def test_an_instruction_is_found_wherever_it_begins_after_the_first_byte(body: bytes) -> None:
    assert guard._holds_instruction(body) is (body.find(b"<?", 1) > 0)


def _plain_by_the_whole(text: str) -> str:
    """What the guard reads a text as, by Unicode's own rule for the whole of it (in time by the
    square of marks in a row).
    """
    return unicodedata.normalize("NFKC", re.sub("[\u00ad\u200b-\u200f\u2060\ufeff]", "", text))


#: Characters that become ASCII, that combine with others, or that are cut at. No percent sign:
#: escapes are resolved before the text is normalised.
ODD = "019A-\uff10\uff19\uff21\uff0d\u0661\u2460\u24b6\U0001d7ce\u1d43\u0301\u0327\u0344\u0f73\u00ad\u200b\ufdfaä\u1100\u1161 &\\<"


@settings(max_examples=300)
@given(
    code=codes(REAL_NUMBERS),
    at=st.integers(0, 11),
    odd=st.text(ODD, max_size=40),
    before=st.text(ODD, max_size=8),
    wide=st.booleans(),
)
def test_nothing_is_missed_that_the_whole_normalisation_shows(
    code: str, at: int, odd: str, before: str, wide: bool
) -> None:
    if wide:
        code = "".join(chr(ord(character) + 0xFEE0) for character in code)
    text = before + code[:at] + odd + code[at:]
    if guard.in_text(_plain_by_the_whole(text)):
        assert guard.in_text(text)


@pytest.mark.parametrize("place", [-12, -5, 0])
@pytest.mark.parametrize("unit", ["0", "\u0301", "%80", "ä"])
def test_a_code_is_found_wherever_a_long_text_is_cut(unit: str, place: int) -> None:
    whole = unit * (guard._PIECE_CHARACTERS // len(unit) + 1)
    code = "131052-308T"
    for hidden in (
        "".join(chr(ord(character) + 0xFEE0) for character in code),
        "".join(quote(chr(ord(character) + 0xFEE0)) for character in code),
        "".join(f"&#x{ord(character):x};" for character in code),
    ):
        text = whole[: guard._PIECE_CHARACTERS + place] + " " + hidden + " " + 3 * whole
        assert guard.in_text(text)


def test_a_reference_of_more_zeros_than_are_read_at_once_is_one() -> None:
    zeros = "0" * (5 * guard._PIECE_CHARACTERS)
    assert guard.in_text(f"<a>131052&#{zeros}45;308T</a>")


def test_no_character_beyond_those_looked_at_is_combined_with_the_one_before() -> None:
    assert not [
        number
        for number in range(guard._MARKS_END, sys.maxunicode + 1)
        if unicodedata.combining(unicodedata.normalize("NFKD", chr(number))[0])
    ]


def test_marks_in_a_row_are_read_in_no_time_by_their_square() -> None:
    marks = "\u0301\u0327\u0323\u0300" * 50_000
    started = time.process_time()
    assert not guard.in_text(f"a\u200b{marks}")
    # By the square, these take minutes.
    assert time.process_time() - started < 5


@settings(max_examples=3)
@given(code=codes(REAL_NUMBERS))
def test_a_code_over_the_edge_of_a_window_is_found(code: str) -> None:
    edge = guard._WINDOW_BYTES
    for before in range(len(code) + 1):
        body = b" " * (edge - before) + code.encode() + b" " * 20
        assert guard.real_person_in(body), f"{before} bytes before the edge"


def test_valid_codes_are_told_once_in_their_order() -> None:
    body = (
        b'{"a":"140890-9445","b":["140890-9423","140890-9445","140890-9424"],'
        b'"c":"990890-9423","d":"220984V9880"} 010190-90'
    )
    assert guard.named_persons(body) == ("140890-9445", "140890-9423", "220984V9880")
    assert guard.named_persons(b"<p>140890-942\n3</p>") == ()
    assert guard.named_persons(b"140890-9445 140890-9423", most=1) == ("140890-9445",)


@settings(max_examples=5)
@given(code=codes(REAL_NUMBERS))
def test_artificial_persons_are_told_only_where_no_real_one_is(code: str) -> None:
    body = b'{"a":"140890-9445","b":["140890-9423","140890-9445","140890-9424"]} 010190-90'
    assert guard.artificial_persons_in(body) == ("140890-9445", "140890-9423")
    assert guard.artificial_persons_in(body, most=1) == ("140890-9445",)
    assert guard.artificial_persons_in(b"<p>none</p>") == ()
    for real in (code.encode(), f"&#{ord(code[0])};{code[1:]}".encode()):
        assert guard.artificial_persons_in(body + b" " + real) is None
        assert guard.artificial_persons_in(body + b" " + real, most=1) is None

"""Large bytes and texts are worked on in pieces, with the same outcome as in one; what a document
is told to be wrong with holds the interpreter for a small part of the time that it takes.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable

import pytest

from exchange.adapters.income_register.endpoints.request import operation_of
from exchange.assembly import checking
from exchange.schemas import guard, large_bytes, xml
from exchange.schemas.call import Call
from exchange.schemas.positions import Lines
from exchange.schemas.violation import Malformed
from tests.held_interpreter import longest_hold

#: Longer than two pieces, with no character's bytes at a multiple of the others'.
TEXT = "aä€\U0001f600\n" * 300_000
ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_in_pieces_is_the_text(encoding: str) -> None:
    body = TEXT.encode(encoding)
    assert len(body) > 2 * large_bytes.PIECE_BYTES
    assert large_bytes.decode(body, encoding) == TEXT
    assert large_bytes.encode(TEXT) == TEXT.encode()
    broken = body[: len(body) // 2] + b"\xff" * 7 + body[len(body) // 2 :]
    assert large_bytes.decode(broken, encoding, "replace") == broken.decode(encoding, "replace")


@pytest.mark.parametrize("at", [0, 3, large_bytes.PIECE_BYTES - 1, large_bytes.PIECE_BYTES + 1, -1])
def test_a_wrong_byte_is_told_at_its_place(at: int) -> None:
    # (No piece ends where a character does.)
    body = bytearray(b"a" + b"\xc3\xa4" * large_bytes.PIECE_BYTES)
    body[at] = 0xFF
    with pytest.raises(UnicodeDecodeError) as whole:
        bytes(body).decode()
    with pytest.raises(UnicodeDecodeError) as found:
        large_bytes.decode(bytes(body), "utf-8")
    assert (found.value.start, found.value.end) == (whole.value.start, whole.value.end)


def test_what_is_counted_in_pieces_is_what_there_is() -> None:
    body = b"<a xmlns='u'>" * 200_000
    assert len(body) > 2 * large_bytes.PIECE_BYTES
    for what in (b"<", b"xmlns", b"'u'>"):
        assert large_bytes.count(body, what) == body.count(what) == 200_000
    assert large_bytes.count(body, b"<", 27) == 3


def test_what_is_looked_for_in_pieces_is_found_where_it_is() -> None:
    cut = large_bytes.PIECE_BYTES
    for at in (0, 5, cut - 2, cut - 1, cut, 2 * cut - 1, 3 * cut - 3):
        body = b"x" * at + b"<!-" + b"x" * (3 * cut - 3 - at) + b"<!-"
        for start in (0, 5, cut - 1, cut, 2 * cut):
            assert large_bytes.find(body, b"<!-", start) == body.find(b"<!-", start)
    assert large_bytes.find(b"x" * 3 * cut, b"<!-") == large_bytes.find(b"x", b"<!-") == -1


def test_lines_of_a_long_text_begin_where_they_begin() -> None:
    cut = large_bytes.PIECE_BYTES
    text = "a" * (cut - 1) + "\r\n" + "b" * cut + "\r" + "c"
    lines = Lines(text)
    found = [lines.at(offset)[:2] for offset in (0, cut + 1, 2 * cut + 2)]
    assert found == [(1, 1), (2, 1), (3, 1)]


def test_a_comment_longer_than_any_is_not_read_to_its_end() -> None:
    with pytest.raises(Malformed) as refused:
        xml.parse(b"<a>\n<!--" + b"x" * 11_000_000 + b"--></b>")
    (violation,) = refused.value.violations
    assert violation.rule == "xml.malformed"
    assert (violation.line, violation.column < 10_500_000) == (2, True)


#: Of processor time, in one go; generous, since the collector counts too.
HELD_SECONDS_MAX = 0.2
SIGNS = b"x" * 20_000_000 + b"!&"
#: Work, and how small a part of it is held at once in pieces; as a whole it is more.
HELD: dict[str, tuple[Callable[[], object], int]] = {
    "broken at its end": (lambda: xml.parse(b"<a>" + b"x" * 9_000_000 + b"\n</b>"), 4),
    "signs and nothing behind them": (lambda: guard.real_person_in(SIGNS), 6),
    "no UTF-8 at all": (lambda: guard.real_person_in(b"&#" + b"\xff" * 6_000_000), 10),
}


@pytest.mark.parametrize("name", HELD)
def test_what_takes_long_lets_others_go_on(name: str) -> None:
    does, parts = HELD[name]

    def work() -> None:
        with contextlib.suppress(Malformed):
            does()

    rounds = [longest_hold(work) for _ in range(3)]
    assert min(held / spent for held, spent in rounds) < 1 / parts


def test_many_elements_are_refused_or_explained_without_holding_anybody() -> None:
    judge = checking()
    body = b'<EarningsData xmlns="urn:exchange:unemployment:1">%s</EarningsData>'
    judge.check(body % b"<x/>", "unemployment.earnings-data")
    many = body % (b"<x/>" * 1_000_000)
    # (Here the collector would go through what all earlier tests made, which no worker has.)
    gc.disable()
    try:
        held = [
            longest_hold(lambda: judge.check(many, "unemployment.earnings-data"))[0]
            for _ in range(3)
        ]
    finally:
        gc.enable()
    # What else the machine does only adds to it.
    assert min(held) < HELD_SECONDS_MAX, held


def test_the_root_of_an_endless_name_is_not_looked_for_to_its_end() -> None:
    def seconds(size: int) -> float:
        call = Call("POST", "/", {}, b"<" + b"a" * size)
        return min(longest_hold(lambda: operation_of(call, ()))[1] for _ in range(3))

    assert seconds(32_000_000) < 4 * seconds(2_000_000)

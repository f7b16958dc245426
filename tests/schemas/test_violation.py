"""How a violation is told: as JSON, as a line, with its source line and a caret; excerpts that keep
to their bounds; what a problem and a call are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.schemas.call import Call, Reply, problem, retry_after_seconds
from exchange.schemas.positions import Lines
from exchange.schemas.violation import (
    EXCERPT_CHARACTERS_MAX,
    Finding,
    Violation,
    excerpt,
    excerpt_at,
    has_errors,
)
from tests.schemas.places import place

texts = st.text(st.sampled_from("ab ä\t\r\n€\U0001f600"), max_size=60)


@given(texts, st.data())
def test_every_character_stands_where_the_plain_way_finds_it(
    text: str, data: st.DataObject
) -> None:
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] == "\r\n":
        offset -= 1
    lines = Lines(text)
    line, column, (source, source_column) = lines.at(offset)
    assert (line, column, source) == place(text, offset)
    assert source_column == column
    assert lines.offset(line, column) == offset


@given(st.integers(-5, 100), st.integers(-5, 100), texts)
def test_an_offset_is_kept_within_the_text(line: int, column: int, text: str) -> None:
    assert 0 <= Lines(text).offset(line, column) <= len(text)


@given(st.integers(1, 2000), st.data())
def test_an_excerpt_holds_the_column_and_keeps_its_bounds(length: int, data: st.DataObject) -> None:
    text = "".join(chr(0x4E00 + number) for number in range(length))
    column = data.draw(st.integers(1, length))
    cut, at = excerpt_at(text, column)
    assert cut[at - 1] == text[column - 1]
    assert len(cut) <= EXCERPT_CHARACTERS_MAX + 2
    assert cut.strip("…") in text
    assert (cut == text) == (length <= EXCERPT_CHARACTERS_MAX)
    assert excerpt(text) == excerpt_at(text, 1)[0]


@given(st.text(st.sampled_from("ab \t"), min_size=1, max_size=300), st.data())
def test_the_caret_stands_under_the_column(text: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(1, len(text)))
    violation = Lines(text).violation("r", "m", column - 1)
    lines = violation.as_lines()
    assert lines[0].startswith(f"1:{column} error: m (r")
    if text[column - 1] in "ab":
        assert lines[1][lines[2].index("^")] == text[column - 1]


def test_a_violation_as_json_says_what_there_is_to_say() -> None:
    always = {"rule": "r", "message": "m", "path": "", "line": 0, "column": 0, "severity": "error"}
    assert Violation("r", "m").as_dict() == always
    full = Violation("r", "m", "/a", 1, 2, "x", "y", "<a>", "warning", "E1", 0, 3)
    told = {"path": "/a", "line": 1, "column": 2, "severity": "warning"}
    assert full.as_dict() == always | told | {
        "expected": "x",
        "found": "y",
        "source": "<a>",
        "code": "E1",
        "item": 0,
    }
    assert full.as_text() == "1:2 warning: /a: m (r; expected x; found y)"


def test_warnings_reject_nothing() -> None:
    assert not has_errors([Finding("r", "m", severity="warning")])
    assert has_errors([Finding("r", "m", severity="warning"), Finding("r", "m")])


def test_a_problem_and_a_call() -> None:
    reply = problem(503, "Not ready", retry_after_seconds=7, reason="busy")
    assert (reply.status, reply.headers, reply.content_type) == (
        503,
        {"Retry-After": "7"},
        "application/problem+json",
    )
    told = json.loads(reply.body)
    assert told == {
        "type": "urn:exchange:problem:not-ready", "title": "Not ready", "status": 503, "retry_after_seconds": 7, "reason": "busy",
    }  # fmt: skip
    assert Call("GET", "/", {"Content-Type": "Text/XML; charset=x"}).content_type == "text/xml"
    assert Call("GET", "/").content_type == ""


@pytest.fixture
def in_finland(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose local time is Finland's."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Europe/Helsinki")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_finland")
def test_a_wait_is_read_as_seconds_or_a_date_and_nonsense_is_none() -> None:
    for text, wanted in (
        ("120", 120.0),
        ("Mon, 01 Jan 2024 00:00:10 GMT", 10.0),
        ("Monday, 01-Jan-24 00:00:10 GMT", 10.0),
        ("Mon Jan  1 00:00:10 2024", 10.0),
        ("Mon, 01 Jan 2020 00:00:10 GMT", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("9" * 400, 999_999_999.0),
        ("Fri, 31 Dec 99999 23:59:59 GMT", 0.0),
        ("", 0.0),
    ):
        reply = Reply(503, headers={"retry-AFTER": text})
        assert retry_after_seconds(reply, 1_704_067_200_000) == wanted

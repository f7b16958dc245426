"""JSON: what the parser takes and refuses, that its quick way says the same as the slow one, and
where it says that something is wrong.
"""

from __future__ import annotations

import json as standard
from typing import Any

import pydantic
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exchange.schemas import json
from exchange.schemas.json import JsonLimits, JsonSchema
from exchange.schemas.json.positions import pointer
from exchange.schemas.violation import Finding, Malformed
from tests.schemas.places import place

LIMITS = JsonLimits(20_000, 5)

#: Pieces that a reader may stumble over, put together in any order.
TOKENS = (
    '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"\\"":1,"\\u0022":2}', '{"a\\":":1,"b":2}', '{"a":"\\":"}', '":"', '" :"', '":', "{", "}",
    "[", "]", ",", ":", '"', '"a"', '"a":', '"b":', '"Infinity"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\udc00":', "NaN", "-Infinity",
    "1e999", "-1E400", "1e-999", "9" * 308, "9" * 309, "9" * 4_300, "9" * 4_301, "0", "-0", "01", "1.", "true", "nul", "null",
    " ", "\n", "\t", "\r", "\ufeff", "\x00", "\\", "[[[[[[", "]]]]]]", "[{}]", "{}", "ä", "\x7f", "\u2028", "\\u0000", '"\\u0000"',
)  # fmt: skip
#: No text of ours holds U+0000.
characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
keys = st.text(characters, max_size=3) | st.sampled_from(
    ["a", '"', ":", '":', "\\", "a:", "Infinity"]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | keys,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def verdict(body: bytes) -> str:
    """The data (as text, since an integer is not a float), or the rules that were broken."""
    try:
        return f"takes {json.parse(body, LIMITS)!r}"
    except Malformed as error:
        return f"refuses {[(each.rule, each.line, each.column) for each in error.violations]}"


def both_ways(body: bytes) -> str:
    """The verdict, which must not depend on the quick way."""
    quick = verdict(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json, "_is_plain", lambda *_: False)
        assert verdict(body) == quick
    return quick


def written(value: Any, spaces: str) -> str:
    """The value as JSON that may have keys twice: an object is a list of pairs under a tuple."""
    if isinstance(value, tuple):
        pairs = f",{spaces}".join(
            f"{standard.dumps(key)}{spaces}:{spaces}{written(item, spaces)}" for key, item in value
        )
        return f"{{{pairs}}}"
    if isinstance(value, list):
        return "[" + f"{spaces},".join(written(item, spaces) for item in value) + "]"
    return standard.dumps(value, ensure_ascii=False)


twice = st.recursive(
    st.integers(-5, 5) | keys,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(keys, inner), max_size=4).map(tuple)
    ),
    max_leaves=10,
)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(TOKENS), max_size=8).map("".join))
@example('{"a":1,"b":"\\":"}' + " ")
@example('{"a":' + "9" * 400 + ',"b":"\\":"}')
@example('{"a":1e400,"b":"x"}')
@example('{"a":1,"b":2,"\\u0061":"\\":"}')
@example('{"a":":","a":1}')
@example('{"a":" :","a":1,"c":": "}')
def test_the_quick_way_says_what_the_slow_one_says(text: str) -> None:
    both_ways(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=100)
@given(twice, st.sampled_from(["", " ", "\n\t"]))
def test_a_key_that_stands_twice_is_found_both_ways(value: Any, spaces: str) -> None:
    text = written(value, spaces)
    repeated: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in found]
        repeated.extend(name for index, name in enumerate(names) if name in names[:index])
        return dict(found)

    expected = standard.loads(text, object_pairs_hook=pairs)
    limits = JsonLimits(depth_max=64)
    for is_plain in (json._is_plain, lambda *_: False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json, "_is_plain", is_plain)
            if not repeated:
                assert json.parse(text.encode(), limits) == expected
                continue
            with pytest.raises(Malformed) as refused:
                json.parse(text.encode(), limits)
            assert sorted(each.found for each in refused.value.violations) == sorted(repeated)
            assert {each.rule for each in refused.value.violations} == {"json.duplicate-key"}


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_any_bytes_are_data_or_violations_with_a_place(body: bytes) -> None:
    try:
        json.parse(body, LIMITS)
        return
    except Malformed as error:
        violations = error.violations
    assert violations
    assert all(each.line >= 1 and each.column >= 1 and each.message for each in violations)


@settings(max_examples=50)
@given(values)
def test_what_the_standard_writes_is_read_as_it_was(value: Any) -> None:
    for ascii_only in (True, False):
        body = standard.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
        assert json.parse(body) == standard.loads(body)


@pytest.mark.parametrize("depth", [1, 4, 5, 6, 64, 100_000])
@pytest.mark.parametrize("open_, close", [("[", "]"), ('{"a":', "}")])
def test_depth_is_refused_where_it_begins(depth: int, open_: str, close: str) -> None:
    text = open_ * depth + "1" + close * depth
    if len(text) > LIMITS.body_bytes_max:
        text = text[: LIMITS.body_bytes_max]
    if depth <= LIMITS.depth_max:
        assert json.parse(text.encode(), LIMITS) is not None
        return
    with pytest.raises(Malformed) as refused:
        json.parse(text.encode(), LIMITS)
    (violation,) = refused.value.violations
    assert (violation.rule, violation.column) == ("json.depth", LIMITS.depth_max * len(open_) + 1)


@pytest.mark.parametrize(
    ("body", "rule", "line", "column"),
    [
        (b"", "json.empty", 1, 1),
        (b" \n\t", "json.empty", 1, 1),
        (b"\xef\xbb\xbf{}", "json.encoding", 1, 1),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "json.encoding", 1, 1),
        ('{"a":1}'.encode("utf-16"), "json.encoding", 1, 1),
        (b'{"a":\n"\xff"}', "json.encoding", 2, 2),
        (b'{"a":\r"x",\r\n\t"b":NaN}', "json.number", 3, 6),
        (b'{"a": 1e999}', "json.number", 1, 7),
        (b'["' + "ä€".encode() + b'", 01]', "json.malformed", 1, 8),
        (b'{"a":"\\ud800"}', "json.encoding", 1, 7),
        (b'{"a":"\\\\u0000\\u0000"}', "json.encoding", 1, 14),
        (b'{"a\\u0000":1}', "json.encoding", 1, 4),
        (b'{"a":"\n"}', "json.malformed", 1, 7),
        (b'{"a":"\\x"}', "json.malformed", 1, 7),
        (b'{"a":"b', "json.malformed", 1, 6),
        (b'{"a":1,}', "json.malformed", 1, 8),
        (b'{"a" 1}', "json.malformed", 1, 6),
        (b"{} {}", "json.malformed", 1, 4),
        (b'{"a":{"b":1,\n "c":2,"b":3}}', "json.duplicate-key", 2, 8),
    ],
)
def test_what_is_wrong_stands_where_it_is(body: bytes, rule: str, line: int, column: int) -> None:
    with pytest.raises(Malformed) as refused:
        json.parse(body)
    assert [(each.rule, each.line, each.column) for each in refused.value.violations] == [
        (rule, line, column)
    ]


@pytest.mark.parametrize(
    ("escapes", "found", "column"),
    [
        ("\\ud83d\\ude00\\udc00", "\\udc00", 19),
        ("\\ud83d\\ud83d\\ude00", "\\ud83d", 7),
        ("\\ude00\\ud83d\\ude00", "\\ude00", 7),
    ],
)
def test_of_pairs_and_a_half_the_half_is_told(escapes: str, found: str, column: int) -> None:
    with pytest.raises(Malformed) as refused:
        json.parse(f'{{"a":"{escapes}"}}'.encode())
    (violation,) = refused.value.violations
    assert (violation.rule, violation.found) == ("json.encoding", found)
    assert violation.column == column


def test_the_line_with_a_byte_that_is_no_text_is_shown_whole() -> None:
    with pytest.raises(Malformed) as refused:
        json.parse(b'{"a":\n"b\xffc"}')
    assert refused.value.violations[0].source == '"b\N{REPLACEMENT CHARACTER}c"}'


def test_a_body_over_the_limit_says_how_large_it_is() -> None:
    with pytest.raises(Malformed) as refused:
        json.parse(b"[" + b" " * 20_000 + b"]", LIMITS)
    (violation,) = refused.value.violations
    assert (violation.rule, violation.expected, violation.found) == (
        "json.size",
        "at most 20000 bytes",
        "20002 bytes",
    )


class Row(pydantic.BaseModel):
    """A row of the test's own model."""

    model_config = pydantic.ConfigDict(extra="forbid")
    amount: int
    note: str = ""


class Rows(pydantic.BaseModel):
    """A message of the test's own model."""

    model_config = pydantic.ConfigDict(extra="forbid")
    rows: list[Row]


SCHEMA = JsonSchema(Rows)
SPACES = st.sampled_from(["", " ", "\n", "\r\n", "\r", "\t", " \n  "])


def document(count: int, spaces: list[str], note: str, broken: int, amount: str) -> tuple[str, int]:
    """A document of so many rows, one of which has that amount; the text and the offset of it."""
    text, offset = '{"rows":[', -1
    for number in range(count):
        space = spaces[number % len(spaces)]
        text += f'{"," if number else ""}{space}{{"note":{standard.dumps(note, ensure_ascii=False)},{space}"amount"{space}:{space}'
        if number == broken:
            offset = len(text)
        text += f"{amount if number == broken else number}{space}}}"
    return text + "]}", offset


@settings(max_examples=60)
@given(
    st.integers(1, 30),
    st.lists(SPACES, min_size=1, max_size=4),
    st.text(characters, max_size=5),
    st.data(),
)
def test_a_broken_value_stands_where_it_was_broken(
    count: int, spaces: list[str], note: str, data: st.DataObject
) -> None:
    broken = data.draw(st.integers(0, count - 1))
    text, offset = document(count, spaces, note, broken, '"x"')
    body = text.encode()
    (violation,) = json.locate(body, SCHEMA.check(json.parse(body)))
    line, column, source = place(text, offset)
    assert (violation.line, violation.column, violation.path) == (
        line,
        column,
        f"/rows/{broken}/amount",
    )
    assert (violation.rule, violation.expected, violation.found) == (
        "json.type",
        "an integer",
        '"x"',
    )
    assert violation.source[violation.source_column - 1] == '"'
    if len(source) <= 200:
        assert violation.source == source


@pytest.mark.parametrize("spaces", ["\n", ""], ids=["beyond line 65,535", "on one line"])
def test_a_broken_value_far_down(spaces: str) -> None:
    text, offset = document(22_000, [spaces], "ä", 21_990, "1.5")
    body = text.encode()
    (violation,) = json.locate(body, SCHEMA.check(json.parse(body)))
    assert (violation.line, violation.column) == place(text, offset)[:2]
    assert violation.line > 65_535 or not spaces
    assert len(violation.source) <= 202


def test_a_missing_part_stands_at_what_would_hold_it_and_a_surplus_one_at_its_key() -> None:
    body = b'{"rows":[\n {"note":"a"},\n {"amount":1, "x/y~z":2}]}'
    missing, surplus = json.locate(body, SCHEMA.check(json.parse(body)))
    assert (missing.rule, missing.line, missing.column, missing.path) == (
        "json.missing",
        2,
        2,
        "/rows/0/amount",
    )
    assert (surplus.rule, surplus.line, surplus.column, surplus.path) == (
        "json.extra",
        3,
        15,
        "/rows/1/x~1y~0z",
    )


@given(st.lists(keys | st.integers(0, 9), max_size=5))
def test_a_pointer_leads_back(path: list[Any]) -> None:
    parts = pointer(path).split("/")[1:]
    assert [part.replace("~1", "/").replace("~0", "~") for part in parts] == [
        str(part) for part in path
    ]


def test_a_finding_about_the_whole_message_has_no_path() -> None:
    (violation,) = json.locate(b'{"a":1}', [Finding("r", "m")])
    assert (violation.path, violation.line) == ("", 0)

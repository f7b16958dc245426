"""Batches of Luova, taken apart byte for byte: whatever was put in comes out, and what is broken
harms no other entry.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.adapters.luova import batch
from exchange.adapters.luova.parse import FAULT
from exchange.schemas.limits import DocumentLimits, within
from exchange.schemas.violation import Malformed
from tests.adapters.luova.judging import DIRECTORY, NOTHING_NEW, rules_of

DVV = DIRECTORY.by_key(next(partner.key for partner in DIRECTORY if partner.id == "dvv"))
assert DVV is not None
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.lists(
        st.tuples(st.text(max_size=30), VALUES.filter(lambda value: not isinstance(value, str))),
        max_size=8,
    ),
    st.booleans(),
)
def test_ndjson_gives_back_what_was_put_in(entries: list[tuple[str, Any]], spaced: bool) -> None:
    separators = (" , ", " : ") if spaced else (",", ":")
    bodies = [
        json.dumps(value, ensure_ascii=spaced, separators=separators).encode()
        for _, value in entries
    ]
    lines = [
        b'{"id":%s,"body":%s}' % (json.dumps(name).encode(), body)
        for (name, _), body in zip(entries, bodies, strict=True)
    ]
    found = batch.ndjson(b"\r\n\n".join(lines), DVV)
    assert [(each.hints["id"], each.body) for each in found] == [
        (name, body) for (name, _), body in zip(entries, bodies, strict=True)
    ]
    assert all(each.endpoint == "batch" for each in found)


@given(st.lists(st.binary(max_size=200), max_size=6), st.sampled_from([b"\r\n", b"\n"]))
def test_multipart_gives_back_what_was_put_in(bodies: list[bytes], end: bytes) -> None:
    # A boundary stands in no body. A line break before a delimiter is the delimiter's (RFC 2046,
    # 5.1.1): a carriage return at a body's end would become part of one where lines end in a line
    # feed alone.
    bodies = [body.replace(b"--XyZ", b"").rstrip(b"\r" if end == b"\n" else b"") for body in bodies]
    parts = [
        b"--XyZ" + end + b"X-Message-Id: m-%d" % number + end + end + body + end
        for number, body in enumerate(bodies)
    ]
    found = batch.multipart(
        b"".join(parts) + b"--XyZ--" + end, 'multipart/mixed; boundary="XyZ"', DVV
    )
    assert [each.body for each in found] == bodies
    assert [each.hints["id"] for each in found] == [f"m-{number}" for number in range(len(bodies))]


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_apart_or_refused(body: bytes) -> None:
    for each in batch.ndjson(body, DVV):
        assert each.partner is DVV
    with contextlib.suppress(Malformed):
        batch.multipart(body, "multipart/mixed; boundary=a", DVV)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"[]", "the line is no JSON object"),
        (b"{", "the line is no JSON object"),
        (b'{"body":1} x', "the line is no JSON object"),
        (b'{"id":"a","id":"b","body":1}', "the key 'id' stands twice"),
        (b'{"id":"a"}', "the key 'body' is missing"),
        (b'{"id":7,"body":1}', "id is not a text"),
        (b'{"idd":"a","body":1}', "unknown key 'idd'"),
        (b'\xff{"id":"a","body":1}', "the line is no JSON object"),
        (b'{"body":' + b"[" * 100_000 + b"}", "the line is no JSON object"),
        (b'{"body":' + b"9" * 100_000 + b"}", "the line is no JSON object"),
        (b"{}", "the line is no JSON object"),
    ],
)
def test_a_line_that_holds_no_message_says_why_and_harms_no_other(line: bytes, says: str) -> None:
    good = b'{"id":"m-1","type":"population.changes","body":' + NOTHING_NEW + b"}"
    before, broken, after = batch.ndjson(b"\n".join((good, line, good)), DVV)
    assert broken.hints[FAULT] == says
    assert rules_of(broken) == ["luova.batch-entry"]
    assert rules_of(before) == rules_of(after) == []


def test_a_text_is_a_body_of_xml_and_keys_become_hints() -> None:
    keys = {
        "id": "i",
        "type": "t",
        "receiver": "r",
        "conversation": "c",
        "ordered": True,
        "createdAt": "d",
        "body": "<ä/>",
    }
    (found,) = batch.ndjson(json.dumps(keys).encode(), DVV)
    assert found.body == "<ä/>".encode()
    assert found.hints == {
        "id": "i",
        "type": "t",
        "receiver": "r",
        "conversation": "c",
        "ordered": "true",
        "created_at": "d",
    }


def test_one_more_than_the_most_is_too_many() -> None:
    line = b'{"id":"a","body":1}\n'
    assert len(batch.ndjson(line * batch.MESSAGES_MAX, DVV)) == batch.MESSAGES_MAX
    with pytest.raises(batch.TooMany):
        batch.ndjson(line * (batch.MESSAGES_MAX + 1), DVV)
    part = b"--a\r\nX-Message-Id: m\r\n\r\nx\r\n"
    with pytest.raises(batch.TooMany):
        batch.multipart(
            part * (batch.MESSAGES_MAX + 1) + b"--a--", "multipart/mixed; boundary=a", DVV
        )


@pytest.mark.parametrize(
    "content_type",
    ["multipart/mixed", "multipart/mixed; boundary=", "multipart/mixed; boundary=other"],
)
def test_a_multipart_body_without_its_boundary(content_type: str) -> None:
    with pytest.raises(Malformed) as caught:
        batch.multipart(b"--a\r\n\r\nx\r\n--a--", content_type, DVV)
    assert caught.value.violations[0].expected


def test_a_part_without_headers_says_so() -> None:
    (found,) = batch.multipart(b"--a\r\n\r\n{}\r\n--a--", "multipart/mixed; boundary=a", DVV)
    assert found.hints[FAULT] == "the part has no headers"


def test_a_line_longer_than_a_message_in_json_may_be_is_not_read() -> None:
    with within(DocumentLimits(json_body_bytes_max=1_000)):
        sound, wrong = batch.ndjson(b'{"body":1}\n{"body":"' + b"x" * 1_000 + b'"}', DVV)
    assert FAULT not in sound.hints
    assert wrong.hints[FAULT] == "the line is longer than 1000 bytes"

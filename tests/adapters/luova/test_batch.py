"""Batches of Luova, taken apart byte for byte: whatever was put in comes out, and what is broken
harms no other entry.
"""

from __future__ import annotations

import contextlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.adapters.luova import batch
from exchange.adapters.luova.parse import FAULT
from exchange.schemas.attachments.multipart import Headers
from exchange.schemas.document_limits import DocumentLimits, within
from exchange.schemas.violation import Malformed
from tests.adapters.luova.judging import DIRECTORY, NOTHING_NEW, rules_of
from tests.journeys.running import running

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
        (b'\xff{"id":"a","body":1}', "the line is not in UTF-8 from byte 1 on"),
        (b'{"id":"\xc3\x85\xe4","body":1}', "the line is not in UTF-8 from byte 10 on"),
        (b'\xef\xbb\xbf{"id":"a","body":1}', "the line begins with a byte order mark"),
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


@pytest.mark.parametrize("name", ["X-Receiver", "x-message-id", "Content-Type"])
def test_a_header_that_stands_twice_in_a_part_is_no_envelope(name: str) -> None:
    head = "X-Message-Id: m-1\r\nX-Receiver: dvv\r\nContent-Type: application/json\r\nX: 1\r\nX: 2"
    parts = f"--a\r\n{head}\r\n{name}: other\r\n\r\n{{}}\r\n--a\r\n{head}\r\n\r\n{{}}\r\n--a--"
    twice, once = batch.multipart(parts.encode(), "multipart/mixed; boundary=a", DVV)
    assert f"{name} stands twice".lower() in twice.hints[FAULT].lower()
    assert rules_of(twice) == ["luova.batch-entry"]
    assert FAULT not in once.hints


@pytest.mark.parametrize("control", [b"\0", b"\x01", b"\r", b"\r\r", b"\x0b", b"\x1b", b"\x7f"])
@pytest.mark.parametrize(
    "place", [b"X-%b: y", b"Content-Type: text/xml%bX-Receiver: dvv", b"A: b%b"]
)
def test_a_control_character_is_in_no_header(place: bytes, control: bytes) -> None:
    head = b"X-Message-Id: m-1\r\n" + place % control
    parts = b"--a\r\n%b\r\n\r\n{}\r\n" * 2 % (head, head.replace(control, b"\t"))
    broken, sound = batch.multipart(parts + b"--a--", "multipart/mixed; boundary=a", DVV)
    assert "a control character" in broken.hints[FAULT]
    assert rules_of(broken) == ["luova.batch-entry"]
    assert FAULT not in sound.hints


@pytest.mark.parametrize("break_of_others", ["\x0b", "\x0c", "\x1c", "\x1e", "\x85"])
def test_nothing_but_the_end_of_a_line_ends_a_header(break_of_others: str) -> None:
    block = f"X-Message-Id: m-1{break_of_others}X-Receiver: bank.nordea\r\nX-Ordered: true"
    headers = Headers(block.encode("latin-1"))
    assert headers.get("X-Receiver") is None
    assert headers.get("X-Message-Id") == f"m-1{break_of_others}X-Receiver: bank.nordea"
    assert headers.get("X-Ordered") == "true"


def test_a_line_longer_than_a_message_in_json_may_be_is_not_read() -> None:
    with within(DocumentLimits(json_body_bytes_max=1_000)):
        sound, wrong = batch.ndjson(b'{"body":1}\n{"body":"' + b"x" * 1_000 + b'"}', DVV)
    assert FAULT not in sound.hints
    assert wrong.hints[FAULT] == "the line is longer than 1000 bytes"


async def test_a_line_may_be_as_long_as_the_settings_say(tmp_path: Path) -> None:
    line = json.dumps({"id": "1", "type": "population.births", "body": {"x": "y" * 980}})
    async with running(tmp_path, limits={"json_body_bytes_max": 1024}) as exchange:
        headers = {"Content_Type": "application/x-ndjson"}
        _, _, told = await exchange.post("/luova/v1/batches", line, "dvv", **headers)
    [outcome] = json.loads(told)["outcomes"]
    assert outcome["violations"][0]["message"] == "the line is longer than 1024 bytes"


def test_half_a_surrogate_pair_is_no_text() -> None:
    (found,) = batch.ndjson(rb'{"type":"\ud800","id":"1","body":1}', DVV)
    assert found.hints[FAULT] == "type is not a text"


def test_delimiters_stand_at_the_beginning_of_a_line_and_alone() -> None:
    body = (
        b"preamble --b\r\n--bc\r\n--b \t\r\nA: 1\r\n\r\n--\nx--b\n--b--x\r\n--b\nA: 2\n\n{}\n--b--"
    )
    found = batch.multipart(body, "multipart/mixed; boundary=b", DVV)
    assert [each.body for each in found] == [b"--\nx--b\n--b--x", b"{}"]


MIXED = "multipart/mixed; boundary=b"
HOSTILE: dict[str, Callable[[int], bytes]] = {
    "empty lines": lambda size: b"\n" * size,
    "short lines": lambda size: b"xx\n" * (size // 3),
    "white space": lambda size: b" " * size,
    "lines of a header": lambda size: b"--b\r\n" + b"a:\n" * (size // 3) + b"\r\n\r\n--b--",
    "line breaks": lambda size: b"--b\r\n" + b"\r\n" * (size // 2) + b"\r\n--b--",
    "beginnings": lambda size: b"\r\n--" * (size // 4),
    "what is no delimiter": lambda size: b"\n--bc" * (size // 5),
    "letters": lambda size: b"x" * size,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_taking_a_large_batch_apart_takes_little_memory(name: str) -> None:
    """A list of all lines, or of all headers, takes ten times the body."""
    body = HOSTILE[name](2_000_000)
    tracemalloc.start()
    try:
        for take in (batch.ndjson, lambda body, _: batch.multipart(body, MIXED, DVV)):
            with contextlib.suppress(batch.TooMany, Malformed):
                take(body, DVV)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
    finally:
        tracemalloc.stop()

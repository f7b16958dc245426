"""Plain heads: what is read here reads the same as aiohttp reads it, and what could be read in two
ways is not read here.
"""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from exchange.schemas.call import Reply
from exchange.web.plain import read_head, reply_bytes

PLAIN = b"POST /luova/v1/messages HTTP/1.1\r\nHost: here:80\r\nX-API-Key: k\r\nContent-Length: 3\r\n\r\n"
DATE = b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"

#: Each could be taken for something else by somebody else on the way.
TWO_WAYS = {
    "chunks": PLAIN.replace(b"X-API-Key: k", b"Transfer-Encoding: chunked"),
    "chunks in other letters": PLAIN.replace(b"X-API-Key: k", b"tRANSFER-eNCODING: chunked"),
    "two lengths": PLAIN.replace(b"X-API-Key: k", b"content-length: 30"),
    "the same length twice": PLAIN.replace(b"X-API-Key: k", b"Content-Length: 3"),
    "a length with a sign": PLAIN.replace(b"Length: 3", b"Length: +3"),
    "a length in two parts": PLAIN.replace(b"Length: 3", b"Length: 3, 3"),
    "a length in hexadecimal": PLAIN.replace(b"Length: 3", b"Length: 0x3"),
    "no length": PLAIN.replace(b"Content-Length: 3\r\n", b""),
    "a body of a GET": PLAIN.replace(b"POST", b"GET"),
    "space before the colon": PLAIN.replace(b"X-API-Key:", b"X-API-Key :"),
    "a line that goes on": PLAIN.replace(b"X-API-Key: k", b"X-API-Key: k\r\n more"),
    "a bare line feed": PLAIN.replace(b"k\r\n", b"k\nX-Other: y\r\n"),
    "a bare carriage return": PLAIN.replace(b"Key: k", b"Key: k\rX-Other: y"),
    "a zero character": PLAIN.replace(b"Key: k", b"Key: k\0"),
    "a tab": PLAIN.replace(b"Key: k", b"Key:\tk"),
    "a key twice": PLAIN.replace(b"X-API-Key: k", b"X-API-Key: k\r\nx-api-key: l"),
    "letters beyond ASCII": PLAIN.replace(b"Key: k", "Key: ä".encode()),
    "an upgrade": PLAIN.replace(b"X-API-Key: k", b"Connection: Upgrade\r\nUpgrade: websocket"),
    "a close": PLAIN.replace(b"X-API-Key: k", b"Connection: close"),
    "an expectation": PLAIN.replace(b"X-API-Key: k", b"Expect: 100-continue"),
    "a coded body": PLAIN.replace(b"X-API-Key: k", b"Content-Encoding: gzip"),
    "HTTP/1.0": PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "another method": PLAIN.replace(b"POST", b"PUT"),
    "a query": PLAIN.replace(b"messages", b"messages?a=b"),
    "an escape in the path": PLAIN.replace(b"messages", b"message%73"),
    "a whole address": PLAIN.replace(b"/luova", b"http://here/luova"),
    "no host": PLAIN.replace(b"Host: here:80\r\n", b""),
    "an empty value": PLAIN.replace(b"Key: k", b"Key: "),
}


@pytest.mark.parametrize("head", TWO_WAYS.values(), ids=TWO_WAYS)
def test_what_could_be_read_in_two_ways_is_left_to_aiohttp(head: bytes) -> None:
    assert head != PLAIN
    assert read_head(head) is None


def by_aiohttp(head: bytes) -> tuple[str, str, CIMultiDict[str]]:
    """Method, path and headers as aiohttp's own parser reads them."""
    loop = asyncio.new_event_loop()
    try:
        messages, _, _ = HttpRequestParser(BaseProtocol(loop), loop, 65_536).feed_data(head)
        return messages[0][0].method, messages[0][0].path, CIMultiDict(messages[0][0].headers)
    finally:
        loop.close()


TOKENS = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=1, max_size=12
)
VALUES = st.text(st.characters(min_codepoint=9, max_codepoint=0xFF), max_size=20)


@given(
    st.sampled_from(["GET", "POST"]),
    st.text("abcXYZ019/._~-", max_size=20),
    st.lists(st.tuples(TOKENS, st.sampled_from([":", ": ", ":  ", " :"]), VALUES), max_size=6),
    st.integers(0, 10**6),
)
def test_a_plain_head_reads_as_aiohttp_reads_it(
    method: str, path: str, more: list[tuple[str, str, str]], length: int
) -> None:
    lines = [
        f"{method} /{path} HTTP/1.1",
        "Host: here",
        *(f"{name}{colon}{value}" for name, colon, value in more),
    ]
    if method == "POST":
        lines.append(f"Content-Length: {length}")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    found = read_head(head)
    if found is not None:
        assert (found.method, found.path, found.headers) == by_aiohttp(head)
        assert found.body_bytes == (length if method == "POST" else 0)


@pytest.mark.parametrize("kept", [b"Connection: keep-alive", b"connection: Keep-Alive"])
def test_a_needless_keep_alive_is_plain(kept: bytes) -> None:
    found = read_head(PLAIN.replace(b"X-API-Key: k", kept))
    assert found is not None
    assert (found.method, found.path, found.body_bytes) == ("POST", "/luova/v1/messages", 3)


def test_a_reply_on_the_wire() -> None:
    reply = Reply(429, b"{}", "application/problem+json", {"Retry-After": "1"})
    assert reply_bytes(reply, DATE, closes=True) == (
        b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\n"
        b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    assert reply_bytes(Reply(299, b""), DATE).startswith(b"HTTP/1.1 299 \r\n"), (
        "a status without a name"
    )


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"", "text/plain\r\nX: y"),
        Reply(200, headers={"X": "a\r\nY: b"}),
        Reply(200, headers={"X\n": "a"}),
    ],
)
def test_no_header_of_a_reply_breaks_out_of_its_line(reply: Reply) -> None:
    with pytest.raises(ValueError, match="break out"):
        reply_bytes(reply, DATE)

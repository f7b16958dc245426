"""Bodies that are no message: each is answered in the channel's own form, counted as rejected, and
harms nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.bad_input.conftest import Target
from tests.journeys.bad_input.forms import Form, with_body, with_header

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<lolz>&c;</lolz>"""
EXTERNAL = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY secret SYSTEM '
    b'"file:///etc/passwd">]><l>&secret;</l>'
)
FROM_OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE l SYSTEM "http://127.0.0.1:9/evil.dtd"><l/>'
DEPTH = 10_000


def latin_1(body: bytes) -> bytes:
    """A letter in Latin-1 where UTF-8 is stated or meant."""
    return (
        body.replace(b"</", b"\xe4</", 1)
        if body[:1] == b"<"
        else body.replace(b'":"', b'":"\xe4', 1)
    )


def cut(body: bytes) -> bytes:
    """The connection was lost in the middle."""
    return body[: len(body) // 2]


def utf_16(body: bytes) -> bytes:
    """In UTF-16 with its mark; XML still says that it is in UTF-8."""
    if body[:1] == b"<" and b"encoding" not in body[:100]:
        body = b'<?xml version="1.0" encoding="UTF-8"?>' + body.partition(b"?>")[2]
    return body.decode().encode("utf-16")


def twice(body: bytes) -> bytes:
    """Two documents in one body."""
    return body + body


#: Name, body made of a valid one, rule of XML, rule of JSON.
BODIES: tuple[tuple[str, Callable[[bytes], bytes], str, str], ...] = (
    ("empty", lambda body: b"", "xml.empty", "json.empty"),
    ("blank", lambda body: b" \r\n\t ", "xml.empty", "json.empty"),
    (
        "prose",
        lambda body: "Hyvä vastaanottaja, ohessa tiedot.".encode(),
        "xml.malformed",
        "json.malformed",
    ),
    (
        "XML",
        lambda body: b"<message/>" if body[:1] == b"{" else body[1:],
        "xml.malformed",
        "json.malformed",
    ),
    (
        "JSON",
        lambda body: b'{"message": 1}' if body[:1] == b"<" else body[1:],
        "xml.malformed",
        "json.malformed",
    ),
    ("Latin-1", latin_1, "xml.encoding", "json.encoding"),
    ("UTF-16", utf_16, "xml.encoding", "json.encoding"),
    ("cut", cut, "xml.malformed", "json.malformed"),
    ("twice", twice, "xml.malformed", "json.malformed"),
    ("entity bomb", lambda body: BOMB, "xml.doctype", "json.malformed"),
    ("external entity", lambda body: EXTERNAL, "xml.doctype", "json.malformed"),
    ("external DTD", lambda body: FROM_OUTSIDE, "xml.doctype", "json.malformed"),
    ("deep XML", lambda body: b"<a>" * DEPTH + b"</a>" * DEPTH, "xml.depth", "json.malformed"),
    ("deep JSON", lambda body: b"[" * DEPTH + b"]" * DEPTH, "xml.malformed", "json.depth"),
    ("deep JSON that never ends", lambda body: b'{"a":' * DEPTH, "xml.malformed", "json.depth"),
    ("zeros", lambda body: b"\0" * 1000, "xml.e", "json.e"),
)


@pytest.mark.parametrize(
    ("name", "make", "xml_rule", "json_rule"), BODIES, ids=[row[0] for row in BODIES]
)
async def test_a_body_that_is_no_message(
    target: Target,
    form: Form,
    name: str,
    make: Callable[[bytes], bytes],
    xml_rule: str,
    json_rule: str,
) -> None:
    call = form.sending().call
    async with target.counting(form, received=1, rejected=1):
        status, told, body = await target.refused(form, with_body(call, make(call.body)))
    assert status in (400, 500)
    assert "malformed" in told
    rules = [rule for rule in told if rule.startswith(("xml.", "json."))]
    assert len(rules) == 1
    assert rules[0].startswith(xml_rule if form.is_xml else json_rule)
    assert b"root:" not in body
    assert len(body) < 5_000, "an error is short, whatever was sent"


async def test_a_message_of_no_known_type(target: Target, form: Form) -> None:
    async with target.counting(form, received=1, rejected=1):
        _, told, _ = await target.refused(form, form.unknown(form.sending().call))
    assert form.unknown_rules <= told


async def test_a_compressed_body(target: Target, form: Form) -> None:
    call = with_header(form.sending().call, "Content-Encoding", "gzip")
    async with target.counting(form, received=1, rejected=1):
        status, told, _ = await target.refused(form, with_body(call, b"\x1f\x8b not really"))
    assert status == 415
    assert "call.encoding" in told or "unsupported" in told


async def test_an_address_or_a_method_that_no_endpoint_has(target: Target, form: Form) -> None:
    call = form.sending().call
    async with target.counting(form):
        for path, method, expected in (("/nothing/at/all", "POST", 404), ("", "DELETE", 405)):
            strange = type(call)(method, call.path + path, call.headers, call.body)
            status, told, _ = await target.refused(form, strange)
            assert status == expected
            assert told & {"not-found", "method"}

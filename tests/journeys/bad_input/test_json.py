"""JSON that some readers take and others don't (NaN, keys that stand twice, half a surrogate pair,
marks, UTF-16), and JSON in bulk.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from exchange.schemas.call import Call
from tests.journeys.bad_input.conftest import Target
from tests.journeys.bad_input.forms import FORMS, Form, with_body

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON_FORMS = [form for form in FORMS if not form.is_xml]
LUOVA = FORMS[0]


def value(new: bytes) -> Callable[[bytes], bytes]:
    """The first text of the body replaced, what stood there under a key of its own."""
    return lambda body: body.replace(b'":"', b'":' + new + b',"was":"', 1)


def inside(new: bytes) -> Callable[[bytes], bytes]:
    """Something put at the beginning of the first text."""
    return lambda body: body.replace(b'":"', b'":"' + new, 1)


def key_again(body: bytes) -> bytes:
    """The first key once more at the end, written with an escape."""
    key = body[2 : body.index(b'"', 2)]
    return body[:-1] + b',"\\u%04x' % key[0] + key[1:] + b'":null}'


ODD: tuple[tuple[str, Callable[[bytes], bytes], str], ...] = (
    ("NaN", value(b"NaN"), "json.number"),
    ("Infinity", value(b"-Infinity"), "json.number"),
    ("beyond a double", value(b"1e999"), "json.number"),
    ("5,000 digits", value(b"9" * 5_000), "json.number"),
    ("key twice, escaped", key_again, "json.duplicate-key"),
    ("half a pair", inside(b"\\ud800"), "json.encoding"),
    ("U+0000", inside(b"\\u0000"), "json.encoding"),
    ("half a pair, raw", inside(b"\xed\xa0\x80"), "json.encoding"),
    ("half a pair in a key", lambda body: b'{"\\udc00":1,' + body[1:], "json.encoding"),
    ("byte order mark", lambda body: b"\xef\xbb\xbf" + body, "json.encoding"),
    ("UTF-16", lambda body: body.decode().encode("utf-16"), "json.encoding"),
    ("UTF-16 without mark", lambda body: body.decode().encode("utf-16-le"), "json.encoding"),
    ("UTF-32", lambda body: body.decode().encode("utf-32"), "json.encoding"),
    ("raw line break", inside(b"\n"), "json.malformed"),
    ("comment", lambda body: b"/* changes */" + body, "json.malformed"),
    ("comma at the end", lambda body: body[:-1] + b",}", "json.malformed"),
    ("single quotes", lambda body: body.replace(b'"', b"'"), "json.malformed"),
)


@pytest.mark.parametrize("form", JSON_FORMS, ids=lambda form: form.name)
@pytest.mark.parametrize(("name", "make", "rule"), ODD, ids=[row[0] for row in ODD])
async def test_odd_json(
    target: Target, form: Form, name: str, make: Callable[[bytes], bytes], rule: str
) -> None:
    call = form.sending().call
    async with target.counting(form, received=1, rejected=1):
        status, told, body = await target.refused(form, with_body(call, make(call.body)))
    assert (status, told) == (400, {"malformed", rule})
    (violation,) = json.loads(body)["violations"]
    assert violation["line"] == 1
    assert violation["column"] >= 1
    body.decode()  # the answer itself is sound JSON in UTF-8, whatever it tells of


@pytest.mark.parametrize("form", JSON_FORMS, ids=lambda form: form.name)
@pytest.mark.parametrize("document", ["null", "[]", '"text"', "7", "true"])
async def test_a_document_that_is_no_object(target: Target, form: Form, document: str) -> None:
    async with target.counting(form, received=1, rejected=1):
        _, _, body = await target.refused(form, with_body(form.sending().call, document.encode()))
    (violation,) = json.loads(body)["violations"]
    assert (violation["rule"], violation["expected"], violation["message"]) == (
        "json.type",
        "an object",
        "an object is expected",
    )


async def test_json_whose_type_nobody_names_and_its_keys_do_not_tell(target: Target) -> None:
    call = LUOVA.sending().call
    headers = {name: text for name, text in call.headers.items() if name != "X-Message-Type"}
    async with target.counting(LUOVA, received=1, rejected=1):
        status, told, _ = await target.refused(
            LUOVA, Call(call.method, call.path, headers, b'{"a": [1]}')
        )
    assert (status, told) == (422, {"type-unknown", "type.unknown"})


def batch(calls: list[Call]) -> Call:
    """The calls' messages as one batch."""
    lines = [
        b'{"id":"%s","type":"population.births","body":%s}'
        % (c.headers["X-Message-Id"].encode(), c.body)
        for c in calls
    ]
    headers = {"X-API-Key": calls[0].headers["X-API-Key"], "Content-Type": "application/x-ndjson"}
    return Call("POST", "/luova/v1/batches", headers, b"\n".join(lines))


async def test_a_batch_of_ten_thousand_is_refused_as_a_whole_and_one_of_a_thousand_is_taken(
    target: Target,
) -> None:
    calls = [LUOVA.sending().call for _ in range(1_000)]
    full = batch(calls)
    many = Call(full.method, full.path, full.headers, b"\n".join([full.body] * 10))
    async with target.counting(LUOVA, received=1, rejected=1):
        status, told, _ = await target.refused(LUOVA, many)
    assert (status, told) == (413, {"too-large", "luova.batch-size"})
    async with target.counting(LUOVA, received=1_000, accepted=1_000):
        status, _, body = await target.call(full)
    told_of = json.loads(body)
    assert (status, told_of["accepted"]) == (200, 1_000)
    assert [entry["messageId"] for entry in told_of["outcomes"]] == [
        call.headers["X-Message-Id"] for call in calls
    ]


async def test_a_message_of_ten_thousand_changes(target: Target) -> None:
    document = json.loads(LUOVA.sending().call.body)
    change = document["muutokset"][0]
    async with target.counting(LUOVA, received=2, accepted=1, rejected=1):
        for count, expected in ((10_000, 202), (10_001, 422)):
            call = with_body(
                LUOVA.sending().call,
                json.dumps(document | {"muutokset": [change] * count}).encode(),
            )
            status, _, body = await target.call(call)
            assert status == expected, body[:500]
    (violation,) = json.loads(body)["violations"]
    assert violation["message"] == "at most 10000 members are expected, not 10001"


async def test_ten_thousand_wrong_changes_are_answered_soon_and_in_bounds(target: Target) -> None:
    document = json.loads(LUOVA.sending().call.body)
    wrong = document["muutokset"][0] | {"henkilotunnus": "010101-9999"}
    call = with_body(
        LUOVA.sending().call, json.dumps(document | {"muutokset": [wrong] * 10_000}).encode()
    )
    began = time.monotonic()
    async with target.counting(LUOVA, received=1, rejected=1):
        status, _, body = await target.call(call)
    assert status == 422
    assert len(json.loads(body)["violations"]) <= 201
    assert len(body) < 200_000
    assert time.monotonic() - began < 20

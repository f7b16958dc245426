"""An identity code that could be a living person's: refused, and repeated nowhere: not in the
answer, the ledger, the log or the pages.
"""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from exchange.schemas.call import Call
from exchange.schemas.identifiers import CHECK_CHARACTERS
from exchange.storage import codec
from exchange.storage.connection import connect
from tests.journeys.bad_input.conftest import Target
from tests.journeys.bad_input.forms import DIRECTORY, FORMS, Form, with_body, with_header

pytestmark = pytest.mark.asyncio(loop_scope="module")


def real_code(rng: random.Random) -> str:
    """What could be the code of somebody who lives: computed here, so that none stands in a
    file.
    """
    born = datetime.date(1950, 1, 1) + datetime.timedelta(days=rng.randrange(18_000))
    digits = f"{born:%d%m%y}{rng.randrange(2, 900):03d}"
    return f"{digits[:6]}-{digits[6:]}{CHECK_CHARACTERS[int(digits) % 31]}"


def into_body(call: Call, text: str) -> Call:
    """The text inside the first value of the body, as a word of its own."""
    place, new = (b"</", f" {text}</") if call.body[:1] == b"<" else (b'":"', f'":"{text} ')
    return with_body(call, call.body.replace(place, new.encode(), 1))


def hidden(code: str, is_xml: bool) -> str:
    """The code as an XML or JSON reader would resolve it."""
    return f"&#{ord(code[0])};{code[1:]}" if is_xml else f"\\u{ord(code[0]):04x}{code[1:]}"


#: Where a code may stand.
PLACES: dict[str, Callable[[Call, str], Call]] = {
    "body": into_body,
    "body, lower case": lambda call, code: into_body(call, code.lower()),
    "body, escaped": lambda call, code: into_body(call, hidden(code, call.body[:1] == b"<")),
    "body that is no document": lambda call, code: with_body(call, f"<<{code}".encode()),
}


def in_ledger(path: Path, code: str) -> bool:
    """Whether the code stands anywhere in the ledger: in a text, in a body (unpacked), or in the
    files as they are.
    """
    needle = code.lower().encode()
    database = connect(path, read_only=True)
    try:
        tables = [
            row[0]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                values = [value.encode() if isinstance(value, str) else value for value in row]
                packed = [value for value in values if isinstance(value, bytes)]
                unpacked = [
                    codec.unpack(codec.ZSTANDARD, value)
                    for value in packed
                    if value[:4] == b"\x28\xb5\x2f\xfd"
                ]
                if any(needle in value.lower() for value in (*packed, *unpacked)):
                    return True
    finally:
        database.close()
    return any(
        needle in file.read_bytes().lower() for file in path.parent.iterdir() if file.is_file()
    )


@pytest.mark.parametrize("place", PLACES)
async def test_a_living_persons_code_is_refused_and_not_repeated(
    target: Target,
    form: Form,
    place: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    code = real_code(random.Random(f"{form.name} {place}"))
    call = PLACES[place](form.sending().call, code)
    async with target.counting(form, received=1, rejected=1):
        status, headers, body = await target.call(call)
    told = form.told_errors(body)
    assert "real-person" in told or "identity.real-person" in told, body
    assert status in (400, 403, 422) or form.channel == "income-register"
    spellings = (code, code.lower(), code[1:])
    logged = "".join(capfd.readouterr()) + caplog.text
    _, _, page = await target.call(Call("GET", "/"))
    for spelling in spellings:
        assert spelling.encode() not in body
        assert spelling not in str(headers)
        assert spelling not in logged
        assert spelling.encode() not in page
    assert not in_ledger(target.running.exchange.ledger.path, code[1:])


async def test_a_code_in_the_content_type_is_dropped_or_refused(target: Target, form: Form) -> None:
    code = real_code(random.Random(form.name))
    call = with_header(form.sending().call, "Content-Type", f"text/xml; name={code}")
    kept_whole = form.channel in ("luova", "eessi")
    async with target.counting(
        form, received=1, accepted=int(not kept_whole), rejected=int(kept_whole)
    ):
        _, _, body = await target.call(call)
    assert code.encode() not in body
    assert not in_ledger(target.running.exchange.ledger.path, code)


async def test_what_is_looked_for_in_the_ledger_would_be_found(target: Target) -> None:
    """The search itself: an artificial person's code of an accepted message is there."""
    form = FORMS[0]
    call = form.sending().call
    assert (await target.call(call))[0] == 202
    code = json.loads(call.body)["muutokset"][0]["henkilotunnus"]
    assert in_ledger(target.running.exchange.ledger.path, code)


@pytest.mark.parametrize(
    "header", ["X-Message-Id", "X-Conversation-Id", "X-Receiver", "X-Message-Type", "X-Created-At"]
)
async def test_a_code_in_a_header_of_luova(target: Target, header: str) -> None:
    form, code = FORMS[0], real_code(random.Random(header))
    async with target.counting(form, received=1, rejected=1):
        status, told, body = await target.refused(
            form, with_header(form.sending().call, header, code)
        )
    assert (status, told) == (403, {"real-person", "identity.real-person"})
    assert code.encode() not in body
    assert not in_ledger(target.running.exchange.ledger.path, code)


@pytest.mark.parametrize(
    "encode",
    [str, lambda code: quote(code[0]) + "%2D".join(code[1:].split("-"))],
    ids=["plain", "percent"],
)
async def test_a_code_in_an_address(target: Target, encode: Callable[[str], str]) -> None:
    code = real_code(random.Random(7))
    county = DIRECTORY.get("county.pirkanmaa")
    assert county is not None
    kelmu = next(form for form in FORMS if form.channel == "kelmu")
    path = f"/kelmu/v1/information-requests/{encode(code)}/answers"
    answer = Call(
        "POST",
        path,
        {"X-API-Key": county.key},
        b'{"information_request":"r-1","given":[],"user":"u1"}',
    )
    async with target.counting(kelmu, received=1, rejected=1):
        _, told, body = await target.refused(kelmu, answer)
    assert "real-person" in told
    assert code.encode() not in body
    calls = (
        Call("GET", f"/luova/v1/messages/{encode(code)}", {"X-API-Key": county.key}),
        Call("GET", "/luova/v1/mailbox", {"X-API-Key": county.key}, query={"most": code}),
        Call("POST", f"/luova/v1/{encode(code)}", {"X-API-Key": county.key}),
        Call("GET", f"/eessi/v1/cases/{encode(code)}", {"X-API-Key": county.key}),
    )
    for call in calls:
        status, _, body = await target.call(call)
        assert status in (400, 404)
        assert code.encode() not in body
    assert not in_ledger(target.running.exchange.ledger.path, code)


async def test_a_code_in_the_operation_of_the_register(target: Target) -> None:
    register, code = (
        next(form for form in FORMS if form.channel == "income-register"),
        real_code(random.Random(8)),
    )
    async with target.counting(register, received=1, rejected=1):
        _, _, body = await target.refused(
            register, with_header(register.sending().call, "SOAPAction", f'"{code}"')
        )
    assert code.encode() not in body
    assert not in_ledger(target.running.exchange.ledger.path, code)


async def test_a_code_in_one_entry_of_a_batch_leaves_the_others(target: Target) -> None:
    form, code = FORMS[0], real_code(random.Random(9))
    calls = [form.sending().call for _ in range(3)]
    calls[1] = into_body(calls[1], code)
    lines = [
        f'{{"id":"{call.headers["X-Message-Id"]}","type":"population.births",'
        f'"body":{call.body.decode()}}}'
        for call in calls
    ]
    headers = {"X-API-Key": calls[0].headers["X-API-Key"], "Content-Type": "application/x-ndjson"}
    async with target.counting(form, received=3, accepted=2, rejected=1):
        status, _, body = await target.call(
            Call("POST", "/luova/v1/batches", headers, "\n".join(lines).encode())
        )
    assert status == 200
    assert [entry["status"] for entry in json.loads(body)["outcomes"]] == [202, 403, 202]
    assert code.encode() not in body
    assert not in_ledger(target.running.exchange.ledger.path, code)


async def test_a_code_in_a_batch_that_is_none(target: Target) -> None:
    form, code = FORMS[0], real_code(random.Random(10))
    headers = {"X-API-Key": form.sending().call.headers["X-API-Key"], "Content-Type": "text/csv"}
    async with target.counting(form, received=1, rejected=1):
        status, told, body = await target.refused(
            form, Call("POST", "/luova/v1/batches", headers, f"code;{code}".encode())
        )
    assert (status, "real-person" in told) == (403, True)
    assert code.encode() not in body
    assert not in_ledger(target.running.exchange.ledger.path, code)

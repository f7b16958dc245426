"""The form of the page that judges a document: read byte for byte, and refused where it is none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from exchange.web.pages.form import NoForm, fields_of
from exchange.web.pages.marked_body import LINES_MAX, marked
from tests.journeys.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

MULTIPART = "multipart/form-data; boundary=B"
URLENCODED = "application/x-www-form-urlencoded"
NAMED = b'--B\r\nContent-Disposition: form-data; name="document"\r\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """An exchange with its pages."""
    async with running(tmp_path_factory.mktemp("form")) as started:
        yield started


async def test_a_file_goes_before_what_was_pasted(served: Running) -> None:
    form = aiohttp.FormData()
    form.add_field("document", "pasted")
    form.add_field("file", b"<sent\xff/>\r\n", filename="a.xml", content_type="text/xml")
    form.add_field("type", "kelmu.benefit-query")
    async with served.session.post(f"{served.url}/validate?lang=en", data=form) as answer:
        text = await answer.text()
    assert answer.status == 200
    assert "&lt;sent" in text
    assert "<option selected>kelmu.benefit-query</option>" in text
    assert "pasted" not in text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        # Decoding this takes aiohttp a second for 200 KB, and four times as long for twice as much.
        (f"{URLENCODED}; charset=punycode", b"document=x-" + b"9a" * 1_000),
        (URLENCODED, b"document={}"),
        ("application/json", b"{}"),
        ("", b"x"),
        ("multipart/form-data", b"x"),
        (MULTIPART, b"no boundary"),
        (MULTIPART, NAMED + b"\r\nnot closed"),
        (MULTIPART, NAMED + b"no headers' end\r\n--B--\r\n"),
        (MULTIPART, b"--B\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--B--\r\n"),
        (MULTIPART, b"--B\r\n\r\nno header\r\n--B--\r\n"),
        (MULTIPART, (NAMED + b"\r\nx\r\n") * 11 + b"--B--\r\n"),
    ],
)
async def test_what_is_no_form_is_refused(served: Running, kind: str, body: bytes) -> None:
    status, headers, told = await served.post("/validate", body, Content_Type=kind)
    assert (status, headers["Content-Type"]) == (400, "application/problem+json"), told
    with pytest.raises(NoForm):
        fields_of(body, kind, 10)


async def test_what_a_part_says_of_its_encoding_is_not_followed() -> None:
    part = NAMED + b"Content-Encoding: gzip\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n"
    assert fields_of(part + b"--B--\r\n", MULTIPART, 1) == {"document": b"eA=="}


async def test_a_page_shows_so_many_lines_of_a_body() -> None:
    shown = marked(b"\n" * 3 * LINES_MAX, [{"line": 2 * LINES_MAX, "column": 1}])
    assert [line.number for line in shown] == [*range(1, LINES_MAX + 1)]
    assert not any(part.text for line in shown for part in line.parts)

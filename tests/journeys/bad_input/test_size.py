"""Bodies of 100 MB, announced or streamed, and senders that never end: refused before they fill the
memory, in the channel's own form.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from exchange.schemas.call import Call
from tests.journeys.bad_input.conftest import Target
from tests.journeys.bad_input.forms import FORMS, Form, with_body
from tests.journeys.running import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

HUGE_BYTES = 100 * 1024 * 1024
LIMIT_BYTES = 256 * 1024
#: What may lie in the buffers of two sockets on the way.
BUFFERS_BYTES = 16 * 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """An exchange that takes bodies of at most 256 KiB and waits half a second for them."""
    limits = {"body_bytes_max": LIMIT_BYTES, "read_seconds": 0.5}
    async with running(tmp_path_factory.mktemp("size"), limits=limits) as started:
        yield Target(started)


class Raw:
    """A connection that sends what no client library would."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def begin(cls, target: Target, call: Call, *lines: str) -> Raw:
        """Send the head of the call with further lines."""
        host, port = target.running.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        headers = [f"{name}: {value}" for name, value in call.headers.items()]
        head = "\r\n".join(
            (f"{call.method} {call.path} HTTP/1.1", f"Host: {host}", *headers, *lines, "", "")
        )
        writer.write(head.encode())
        return cls(reader, writer)

    async def answer(self) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(
                line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line
            )
            body = await self.reader.readexactly(int(fields["content-length"]))
        return int(head.split()[1]), fields["content-type"], body

    def end(self) -> None:
        """Hang up."""
        self.writer.transport.abort()


async def test_an_announced_body_is_refused_unread(target: Target, form: Form) -> None:
    async with target.counting(form, received=1, rejected=1):
        raw = await Raw.begin(target, form.sending().call, f"Content-Length: {HUGE_BYTES}")
        status, content_type, body = await raw.answer()
        raw.end()
    assert status == 413
    assert content_type.startswith(form.error_type)
    assert {"call.body-size", "too-large"} <= form.told(body)


async def test_a_streamed_body_is_refused_when_it_grows_too_large(
    small: Target, form: Form
) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with small.counting(form, received=1, rejected=1):
        raw = await Raw.begin(small, form.sending().call, "Transfer-Encoding: chunked")
        answering = asyncio.create_task(raw.answer())
        sent = 0
        while not answering.done() and sent < HUGE_BYTES:
            raw.writer.write(chunk)
            await raw.writer.drain()
            await asyncio.sleep(0)
            sent += len(chunk)
        status, content_type, body = await answering
        raw.end()
    assert status == 413
    assert content_type.startswith(form.error_type)
    assert {"call.body-size", "too-large"} <= form.told(body)
    assert sent < BUFFERS_BYTES
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib * 1024 < BUFFERS_BYTES + 8 * 1024 * 1024


async def test_a_body_at_the_limit_is_read(small: Target, form: Form) -> None:
    call = form.sending().call
    padded = with_body(call, b" " * LIMIT_BYTES)
    async with small.counting(form, received=1, rejected=1):
        _, told, _ = await small.refused(form, padded)
    assert told & {"json.empty", "xml.empty"}


async def test_a_body_that_never_comes_is_given_up_and_not_counted(small: Target) -> None:
    form = FORMS[0]
    async with small.counting(form):
        raw = await Raw.begin(small, form.sending().call, "Content-Length: 1000")
        raw.writer.write(b"{")
        status, _, body = await raw.answer()
        raw.end()
    assert status == 408
    assert "timeout" in form.told(body)


async def test_chunks_that_are_none(small: Target, form: Form) -> None:
    async with small.counting(form):
        raw = await Raw.begin(small, form.sending().call, "Transfer-Encoding: chunked")
        raw.writer.write(b"zz\r\n{}\r\n0\r\n\r\n")
        status, _, _ = await raw.answer()
        raw.end()
    assert status == 400


async def test_a_sender_that_hangs_up_in_the_middle_harms_nobody(
    small: Target, capfd: pytest.CaptureFixture[str]
) -> None:
    form = FORMS[0]
    async with small.counting(form):
        for _ in range(20):
            raw = await Raw.begin(small, form.sending().call, "Content-Length: 1000")
            raw.writer.write(b'{"viimeisin')
            await raw.writer.drain()
            raw.end()
        await asyncio.sleep(0.1)
    assert "Traceback" not in "".join(capfd.readouterr())

"""One exchange for a module of bad input, and what must hold after each piece of it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from exchange.schemas.call import Call
from tests.journeys.bad_input.forms import FORMS, Form
from tests.journeys.running import Running, running


class Target:
    """A running exchange that bad input is thrown at."""

    def __init__(self, started: Running) -> None:
        self.running = started

    async def call(self, call: Call) -> tuple[int, Any, bytes]:
        """Make a call as it is: status, headers, body."""
        async with self.running.session.request(
            call.method,
            self.running.url + call.path,
            params=call.query or None,
            data=io.BytesIO(call.body),
            headers=call.headers,
        ) as response:
            return response.status, response.headers, await response.read()

    async def refused(self, form: Form, call: Call) -> tuple[int, set[str], bytes]:
        """A call that must fail in the channel's own form: status, what it says, the body."""
        status, headers, body = await self.call(call)
        assert status >= 400 or form.channel == "income-register", body
        assert headers["Content-Type"].startswith(form.error_type), (headers["Content-Type"], body)
        told = form.told_errors(body)
        assert told, body
        return status, told, body

    @asynccontextmanager
    async def counting(self, form: Form, **expected: int) -> AsyncIterator[None]:
        """Inside, exactly these counters of the channel grow; afterwards nothing is lost and a
        right message is taken.
        """
        before = await self.running.counts(form.channel)
        yield
        after = await self.running.counts(form.channel)
        kinds = ("received", "accepted", "rejected", "duplicate")
        grown = {kind: after.get(kind, 0) - before.get(kind, 0) for kind in kinds}
        assert grown == dict.fromkeys(kinds, 0) | expected
        status, _, body = await self.call(form.sending().call)
        assert form.accepted(status, body), body
        await self.running.settled()
        found = self.running.verify()
        assert not [check for check in found.checks if check.broken]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """An exchange with its stubs for the tests of a module."""
    async with running(tmp_path_factory.mktemp("bad-input")) as started:
        yield Target(started)


@pytest.fixture(params=FORMS, ids=lambda form: form.name)
def form(request: pytest.FixtureRequest) -> Form:
    """Each channel (and each format or way of calling of it)."""
    found = request.param
    assert isinstance(found, Form)
    return found

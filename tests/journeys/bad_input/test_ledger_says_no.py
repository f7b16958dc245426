"""Calls over sockets at a ledger that takes nothing: 503 with Retry-After in the channel's
own form, and all goes on once there is room.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.journeys.bad_input.conftest import Target
from tests.journeys.bad_input.forms import Form
from tests.journeys.running import running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """An exchange of this module's."""
    async with running(tmp_path_factory.mktemp("full")) as started:
        yield Target(started)


def pages_max(target: Target, pages: int) -> None:
    """Let the ledger have no more pages; SQLite takes its present size for less."""
    connection = target.running.exchange.ledger._writer._connection
    assert connection is not None
    connection.execute(f"PRAGMA max_page_count={pages}")


async def test_a_full_ledger_is_told_in_the_channels_form_and_by_ready(
    own: Target, form: Form
) -> None:
    pages_max(own, 1)
    for _ in range(200):
        status, headers, body = await own.call(form.sending().call)
        if status == 503:
            break
    assert status == 503, body
    assert int(headers["Retry-After"]) > 0
    assert headers["Content-Type"].startswith(form.error_type)
    assert "unavailable" in form.told(body), body
    status, headers, body = await own.running.get("/health/ready")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert "full" in json.loads(body)["detail"]
    assert (await own.running.get("/health/live"))[0] == 200
    pages_max(own, 1 << 30)
    await own.running.until(lambda: not own.running.exchange.ledger.refusal)
    assert (await own.running.get("/health/ready"))[0] == 200
    async with own.counting(form):
        pass

"""Calls over sockets that there is no memory for, wherever on their way: 503 with Retry-After in
the channel's own form, and the same message is taken when it comes again.
"""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from exchange.journey.worker_thread import WorkerThread
from tests.journeys.bad_input.conftest import Target
from tests.journeys.bad_input.forms import Form

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Where there is none: judging on the loop, judging on the thread beside it, the commit.
STEPS = {
    "loop": "exchange.journey.validate.Judge.read",
    "thread": "exchange.journey.validate.Judge.read",
    "commit": "exchange.storage.group.record_all",
}


def no_memory(*_: Any) -> NoReturn:
    """Python's own error of it."""
    raise MemoryError


@pytest.mark.parametrize("step", STEPS)
async def test_no_memory_is_told_in_the_channels_form(
    target: Target, form: Form, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = WorkerThread.run

    async def beside(worker: WorkerThread, caller: str, _: int, *work: Any) -> Any:
        return await run(worker, caller, 1 << 60, *work)

    call = form.sending().call
    async with target.counting(form, received=1, accepted=1):
        with monkeypatch.context() as broken:
            broken.setattr(STEPS[step], no_memory)
            if step == "thread":
                broken.setattr(WorkerThread, "run", beside)
            status, headers, body = await target.call(call)
        assert status == 503, body
        assert int(headers["Retry-After"]) > 0
        assert headers["Content-Type"].startswith(form.error_type)
        assert "memory" in form.told(body), body
        status, _, body = await target.call(call)
        assert form.accepted(status, body), body

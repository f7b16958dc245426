"""What falls due and can't be sent any more is not tried again, and what is done is not read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange import discovery
from exchange.adapters.kelmu import scheduled
from exchange.adapters.kelmu.memory import due_key, notice_key
from exchange.assembly import Exchange
from exchange.ports import Remember
from exchange.settings import Settings
from tests.exchange.journey.way import Script

NOTICE, NO_MESSAGE = notice_key("n-1"), 7
#: A notice whose message retention has dropped, on its way to another authority.
KNOWN = {
    "sender": "kela.benefits",
    "holder": "county.pirkanmaa",
    "message": NO_MESSAGE,
    "given_at": 0,
    "moving_to": "county.kainuu",
    "moved_by": NO_MESSAGE,
}


@pytest.mark.parametrize(
    ("what", "by", "kept"),
    [
        ("notice", NO_MESSAGE, {"refused": True}),
        ("transfer", NO_MESSAGE, {"moving_to": ""}),
        # (An earlier transfer of the notice, which is moved again.)
        ("transfer", NO_MESSAGE - 1, {}),
    ],
)
async def test_a_notice_that_is_forgotten_before_its_time_is_not_tried_again(
    tmp_path: Path, what: str, by: int, kept: dict[str, object]
) -> None:
    channel = discovery.channels()["kelmu"]
    settings = Settings(storage={"url": f"sqlite:///{tmp_path / 'exchange.db'}"})  # type: ignore[arg-type]
    exchange = Exchange(settings, channels={channel.name: channel}, transport=Script())
    await exchange.open()
    desk = exchange.desk(channel)
    due = due_key(desk.now() - 1, what, f"{by}")
    await desk.note([Remember(NOTICE, KNOWN), Remember(due, "n-1")])
    await scheduled.watch(desk)
    found = await desk.recall([NOTICE, "due-done"])
    await exchange.close()
    assert found[NOTICE].value == KNOWN | kept
    assert found["due-done"].value > 0

"""Two runs side by side, and the call that brings a message again."""

from __future__ import annotations

import pytest

from exchange import discovery
from exchange.cli.simulating.replay import beside, call_of
from exchange.ports.rows import DeliveryRow, MessageRow
from exchange.schemas import directory
from exchange.storage.runs import Key, Taken

STUBS = {stub.channel: stub for stub in discovery.stubs()}
DELIVERY = DeliveryRow(
    id=2,
    message_id=1,
    receiver="kela.core-data",
    mode="push",
    state="delivered",
    attempts=1,
    items=1,
    next_at=0,
    ended_at=5,
    lane=0,
    ordered=1,
    reason="",
)


def key(message_id: str, digest: str = "") -> Key:
    return "luova", "dvv", message_id, digest


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ([], [], []),
        ([("1", ["a"])], [("1", ["a"])], [("1", ["a"], ["a"])]),
        ([("1", ["a"])], [("1", ["b"])], [("1", ["a"], ["b"])]),
        ([("1", ["a"]), ("3", ["c"])], [("2", ["b"])], [("1", 1, 0), ("2", 0, 1), ("3", 1, 0)]),
        ([], [("1", ["a"]), ("2", ["b"])], [("1", 0, 1), ("2", 0, 1)]),
        ([("1", ["a"]), ("2", ["b"])], [("2", ["b"])], [("1", 1, 0), ("2", 1, 1)]),
    ],
)
def test_each_message_stands_beside_itself(
    one: list[tuple[str, list[str]]],
    other: list[tuple[str, list[str]]],
    found: list[tuple[str, object, object]],
) -> None:
    left, right = (iter([(key(name), told) for name, told in run]) for run in (one, other))
    told = [
        (each[2], left, right)
        if isinstance(found[0][1], list)
        else (each[2], len(left), len(right))
        for each, left, right in beside(left, right)
    ]
    assert told == found


def taken(body: bytes, sender: str = "dvv", message_type: str = "population.births") -> Taken:
    message = MessageRow(
        id=1,
        channel="luova" if message_type.startswith("pop") else "kelmu",
        message_type=message_type,
        sender=sender,
        sender_message_id="b-1",
        digest=b"",
        received_at=1,
        state="accepted",
        endpoint="api",
        conversation="c-1",
        items=1,
        bytes=len(body),
        content_type="application/json",
        detail="{}",
    )
    return Taken(message, body, (DELIVERY,))


def test_a_message_is_brought_again_as_it_was() -> None:
    everybody = directory.load()
    call = call_of(taken(b"{}"), STUBS, everybody)
    assert call is not None
    dvv = everybody.get("dvv")
    assert dvv is not None
    assert call.headers == {
        "X-API-Key": dvv.key,
        "X-Message-Type": "population.births",
        "X-Message-Id": "b-1",
        "Content-Type": "application/json",
        "X-Receiver": "kela.core-data",
        "X-Conversation-Id": "c-1",
        "X-Ordered": "true",
    }
    assert call.body == b"{}"


@pytest.mark.parametrize(
    "each",
    [
        taken(b""),
        taken(b"{}", sender="nobody"),
        taken(b"{}", message_type="kelmu.information-request-answer"),
    ],
)
def test_what_can_not_be_brought_again_is_no_call(each: Taken) -> None:
    assert call_of(each, STUBS, directory.load()) is None

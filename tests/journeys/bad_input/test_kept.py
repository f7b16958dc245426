"""A refused message keeps what its endpoint knew of it: in every channel, however it is refused."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from exchange import discovery
from exchange.schemas.call import Call
from exchange.schemas.identifiers import CHECK_CHARACTERS
from tests.journeys.bad_input.conftest import Target
from tests.journeys.bad_input.forms import Form, with_body, with_header

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = "010190-123" + CHECK_CHARACTERS[10190123 % 31]


def compressed(call: Call) -> Call:
    return with_header(with_body(call, gzip.compress(call.body)), "Content-Encoding", "gzip")


#: Ways of being refused, and the reason that is kept.
WAYS: dict[str, Callable[[Call], Call]] = {
    "malformed": lambda call: with_body(call, call.body[: len(call.body) // 2]),
    "unsupported": compressed,
    "real-person": lambda call: with_body(call, call.body + f" {CODE}".encode()),
}


def last_refused(target: Target, channel: str) -> dict[str, Any]:
    """The row of the message that was refused last."""
    with closing(sqlite3.connect(target.running.exchange.ledger.path)) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute(
            "SELECT * FROM message WHERE channel = ? AND state = 'rejected' ORDER BY id DESC",
            (channel,),
        ).fetchone()
    return dict(row)


@pytest.mark.parametrize("way", sorted(WAYS))
async def test_what_an_endpoint_knew_is_kept(target: Target, form: Form, way: str) -> None:
    call = WAYS[way](form.sending().call)
    receiver, conversation = "nobody.there", "conversation-1"
    if form.channel == "luova":
        call = replace(
            call,
            headers={
                **call.headers,
                "X-Receiver": receiver,
                "X-Conversation-Id": conversation,
                "X-Message-Type": form.message_type,
            },
        )
    await target.refused(form, call)
    kept = last_refused(target, form.channel)
    detail = json.loads(kept["detail"])
    assert detail["reason"] == way
    partner = target.running.exchange.directory.by_key(call.headers["X-API-Key"])
    assert partner is not None
    assert kept["sender"] == partner.id
    assert kept["endpoint"], "which endpoint"
    if form.channel != "eessi":  # All that is said there stands in the body.
        assert kept["message_type"] == form.message_type
    if way == "real-person":
        assert kept["sender_message_id"] == "", "nothing that the sender wrote"
        return
    assert kept["sender_message_id"] == call.headers.get("X-Message-Id", "")
    assert kept["content_type"]
    if form.channel == "luova":
        assert kept["conversation"] == conversation
        assert detail["receivers"] == [receiver]


async def test_every_endpoint_that_takes_messages_says_what_it_knows() -> None:
    silent = [
        f"{endpoint.method} {endpoint.path}"
        for channel in discovery.channels().values()
        for endpoint in channel.endpoints
        if endpoint.takes_messages and endpoint.said is None
    ]
    assert silent == []

"""A stub for the tests of the host and the sender: echoes what it is sent, and answers on its own
accord; no test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import ClassVar

from exchange.partners.stub import AtWill, Flow, Sending, Served, Situation
from exchange.schemas.call import Call, Reply, json_reply
from exchange.schemas.directory import Directory, Partner

SECRET = "a secret of the partner's"
DIRECTORY = Directory(
    [
        Partner("fund.a", "A", "unemployment-fund", key="key-a"),
        Partner("fund.b", "B", "unemployment-fund", key="key-b"),
    ]
)

#: The same with a partner that checks signatures.
CHECKING = Directory(
    [*DIRECTORY, Partner("fund.secret", "S", "other-authority", callback_secret=SECRET)]
)


class Echo:
    """Serves `/echo`; its flows post to `/in`, and a reply with `again` makes one further call."""

    channel = "echo"
    at_will: ClassVar[AtWill] = {}

    def flows(self, directory: Directory) -> Sequence[Flow]:
        return [
            Flow(f"echo {partner.id}", partner.id, "echo.any", weight, _make(partner))
            for weight, partner in enumerate(directory, 1)
        ]

    def begin(self, directory: Directory, situation: Situation) -> Sequence[Sending]:
        """Nothing."""
        return ()

    def submit(
        self, partner: Partner, message_type: str, message_id: str, body: bytes, receiver: str
    ) -> Call:
        return Call("POST", "/in", {"X-API-Key": partner.key}, body)

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        if call.path != "/echo":
            return None
        following = Sending(Call("POST", "/in", {"X-API-Key": partner.key}, b"answer"))
        return Served(
            json_reply({"chance": situation.rng.random(), "body": call.body.decode()}), [following]
        )


def _make(partner: Partner) -> Callable[[Situation], Sending]:
    def make(situation: Situation) -> Sending:
        body = json.dumps([partner.id, situation.serial, situation.rng.random()]).encode()
        return Sending(Call("POST", "/in", {"X-API-Key": partner.key}, body), then=_then, items=3)

    return make


def _then(reply: Reply, situation: Situation) -> Sequence[Sending]:
    return [Sending(Call("POST", "/in", {}, b"again"))] if b"again" in reply.body else []

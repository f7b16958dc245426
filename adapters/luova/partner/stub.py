"""What every partner of Luova does: take signed deliveries, submit a message; what a family's
partners send and answer is in its folder. Shares no code with the channel.

The weights of the flows are the published figures of 2024 (Kela, statistics of information
exchange), divided by the records that a message holds on average.
"""

from __future__ import annotations

import email
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from exchange.adapters.luova import discovery
from exchange.adapters.luova.partner.sending import SUBMIT, Answer
from exchange.partners.stub import AtWill, Flow, Sending, Served, Situation
from exchange.schemas.call import JSON, XML, Call, json_reply, problem
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.violation import Malformed

DELIVERIES = "/luova/deliveries/"
#: The stubs of the families. They import this package themselves, so what is in them is looked at
#: when a stub is used and not here.
_FAMILIES = discovery.parts("partner").values()


class Luova:
    """All partners of the channel."""

    channel = "luova"
    at_will: ClassVar[AtWill] = {}

    def flows(self, directory: Directory) -> Sequence[Flow]:
        """What the partners of each family send on their own accord."""
        return [each for family in _FAMILIES for each in family.flows(directory)]

    def begin(self, directory: Directory, situation: Situation) -> Sequence[Sending]:
        """Nothing."""
        return ()

    def submit(
        self, partner: Partner, message_type: str, message_id: str, body: bytes, receiver: str
    ) -> Call:
        """One message through the submit endpoint."""
        content_type = JSON if body.lstrip()[:1] in (b"{", b"[") else XML
        headers = {
            "X-API-Key": partner.key,
            "X-Message-Type": message_type,
            "X-Message-Id": message_id,
        }
        return Call(
            "POST",
            SUBMIT,
            {**headers, "Content-Type": content_type}
            | ({"X-Receiver": receiver} if receiver else {}),
            body,
        )

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        """Take a delivery (whose signature was looked at before); what a request asks for is sent
        later on its own accord.
        """
        if call.method != "POST" or not call.path.startswith(DELIVERIES):
            return None
        delivery_id = call.headers.get("X-Delivery-Id", "")
        then: Sequence[Sending] = ()
        if (answer := _answer_to(call.headers.get("X-Message-Type", ""))) is not None:
            try:
                then = answer(partner, _alone(call), situation)
            except Malformed as error:
                return Served(problem(422, "Not understood", str(error)))
        return Served(json_reply({"delivery": delivery_id, "receivedBy": partner.id}), then)


def _alone(call: Call) -> Call:
    """The call with the message alone, without what is attached to it."""
    content_type = call.headers.get("Content-Type", "")
    if not content_type.startswith("multipart/"):
        return call
    whole = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + call.body)
    first = next(part for part in whole.walk() if not part.is_multipart())
    return replace(call, body=bytes(first.get_payload(decode=True) or b""))


def _answer_to(message_type: str) -> Answer | None:
    """What a delivery of that type makes its receiver send, if anything."""
    answers = (family.ANSWERS.get(message_type) for family in _FAMILIES)
    return next((answer for answer in answers if answer is not None), None)


STUB = Luova()

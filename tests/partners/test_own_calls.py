"""The calls of a partner of one's own: its own flows first, then what anybody may send, then the
generators; to whom they may go.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from exchange.partners.own_calls import OwnCalls
from exchange.partners.played import Played
from exchange.partners.stub import AtWill, Flow, Sending, Served, Situation
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.generated import Generated

OTHER = Partner("fund.other", "O", "unemployment-fund", key="key-o")
OWN = Partner("fund.own", "M", "unemployment-fund", key="key-m", eessi_id="FI:own")
NOW, SERIALS = 1_800_000_000_000, 7
EVERYBODY = Directory([OTHER, OWN])


def call_of(partner: Partner, text: str, receiver: str = "") -> Call:
    named = {"X-Receiver": receiver} if receiver else {}
    return Call("POST", "/in", {"X-API-Key": partner.key, **named}, text.encode())


class Named:
    """A channel of which some partners have flows; its calls name a receiver by a header."""

    channel = "named"
    at_will: ClassVar[AtWill] = {
        "named.question": lambda partner, situation: Sending(
            call_of(partner, f"question {situation.wanted('named.question')}")
        )
    }

    def __init__(self, *flows: tuple[Partner, Call]) -> None:
        self._flows = flows

    def flows(self, directory: Directory) -> Sequence[Flow]:
        return [
            Flow(partner.id, partner.id, "named.notice", 0, lambda _, call=call: Sending(call))
            for partner, call in self._flows
        ]

    def begin(self, directory: Directory, situation: Situation) -> Sequence[Sending]:
        return ()

    def submit(
        self, partner: Partner, message_type: str, message_id: str, body: bytes, receiver: str
    ) -> Call:
        return call_of(partner, body.decode(), receiver)

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        return Served(Reply(200, b"", "text/plain")) if call.path == "/in" else None


def made(stub: Named, message_type: str = "named.notice", to: Partner | None = None) -> list[Call]:
    def generator(rng: object, day: object, serial: int) -> Generated:
        return Generated(
            body=f"generated {serial}".encode(),
            content_type="text/plain",
            message_id="id",
            headers={"X-Made": f"{day}"},
        )

    own = OwnCalls(stub, {"named.made": generator}, EVERYBODY, OWN, to)
    return [sending.call for sending in own.make(message_type, 2, 1, NOW, SERIALS)]


def test_a_partner_sends_by_its_own_flow_and_not_by_anothers() -> None:
    calls = made(Named((OTHER, call_of(OTHER, "theirs")), (OWN, call_of(OWN, "ours"))))
    assert [call.body for call in calls] == [b"ours", b"ours"]


def test_what_only_others_send_unasked_is_not_made_in_its_name() -> None:
    with pytest.raises(ValueError, match=r"fund\.own does not send named\.notice unasked"):
        made(Named((OTHER, call_of(OTHER, "theirs"))))


def test_what_anybody_may_send_is_made_with_its_key_and_one_item() -> None:
    first, _ = made(Named(), "named.question")
    assert first == call_of(OWN, "question 1")


def test_what_nobody_sends_unasked_is_made_by_the_generator() -> None:
    for stub in (Named(), Named((OTHER, call_of(OTHER, "")))):
        first, second = made(stub, "named.made")
        assert (first.body, second.body) == (b"generated 7", b"generated 8")
        assert first.headers == {"X-API-Key": "key-m", "X-Made": "2027-01-15"}
    with pytest.raises(ValueError, match=r"no samples of 'named\.unknown'"):
        made(Named(), "named.unknown")


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (call_of(OWN, "a text", "fund.own"), "fund.own"),
        (call_of(OWN, "to fund.own"), None),
        (call_of(OWN, "to FI:own"), None),
        (call_of(OWN, "a text"), "fund.own"),
    ],
    ids=["its header names it", "its text does", "by its id in EESSI", "it is named by a header"],
)
def test_a_call_goes_to_the_receiver_that_was_chosen(call: Call, named: str | None) -> None:
    first, _ = made(Named((OWN, call)), to=OWN)
    assert (first.body, first.headers.get("X-Receiver")) == (call.body, named)


def test_a_call_that_goes_to_another_receiver_is_not_made() -> None:
    with pytest.raises(ValueError, match=r"does not send named\.notice to fund\.own unasked"):
        made(Named((OTHER, call_of(OTHER, "x")), (OWN, call_of(OWN, "x", "fund.other"))), to=OWN)


def test_a_played_stub_is_its_stub_but_for_whom_it_sends() -> None:
    stub = Named((OTHER, call_of(OTHER, "theirs")), (OWN, call_of(OWN, "ours")))
    played = Played(stub, ["unemployment-fund"])
    assert (played.channel, played.at_will) == ("named", stub.at_will)
    assert [flow.partner for flow in played.flows(EVERYBODY)] == ["fund.other", "fund.own"]
    assert Played(stub, ["municipality"]).flows(EVERYBODY) == []
    itself = Directory([OTHER, replace(OWN, played=False)])
    assert [flow.partner for flow in played.flows(itself)] == ["fund.other"]
    assert played.submit(OWN, "", "", b"a file", "fund.other") == call_of(
        OWN, "a file", "fund.other"
    )
    situation = Situation(random.Random(1), NOW, 1, EVERYBODY)
    assert played.serve(OWN, call_of(OWN, "x"), situation) is not None
    assert played.serve(OWN, replace(call_of(OWN, "x"), path="/out"), situation) is None

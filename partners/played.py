"""A stub without the traffic of partners that are not played (`played = false`, or a `url` of
their own): those send by programs of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from exchange.partners.stub import Flow, Sending, Served, Situation, Stub
from exchange.schemas.call import Call
from exchange.schemas.directory import Directory, Partner


class Played:
    """A stub whose flows are limited to partners that are played, with a key that can be read, and
    to some sectors (none named: all of them).
    """

    def __init__(self, stub: Stub, sectors: Collection[str] = ()) -> None:
        self.channel = stub.channel
        self.at_will = stub.at_will
        self._stub = stub
        self._sectors = sectors

    def flows(self, everybody: Directory) -> Sequence[Flow]:
        """The flows whose sender is played and in one of the sectors."""
        wanted = {
            partner.id
            for partner in everybody
            if sends(partner) and (not self._sectors or partner.sector in self._sectors)
        }
        return [flow for flow in self._stub.flows(everybody) if flow.partner in wanted]

    def begin(self, everybody: Directory, situation: Situation) -> Sequence[Sending]:
        """The stub's own beginning, without what partners send who are not played."""
        return [
            sending
            for sending in self._stub.begin(everybody, situation)
            if (partner := everybody.by_key(sending.call.headers.get("X-API-Key", "")))
            and sends(partner)
        ]

    def submit(
        self, partner: Partner, message_type: str, message_id: str, body: bytes, receiver: str
    ) -> Call:
        """The stub's own call."""
        return self._stub.submit(partner, message_type, message_id, body, receiver)

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        """The stub's own answer."""
        return self._stub.serve(partner, call, situation)


def sends(partner: Partner) -> bool:
    """Whether stubs may send in its name, and can."""
    return partner.is_played and bool(partner.key)

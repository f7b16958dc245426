"""The calls of one partner, as its program would make them: samples for a partner of one's own,
valid when it sends them.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from exchange.partners.sender import Chain
from exchange.partners.stub import Flow, Sending, Situation, Stub
from exchange.schemas.call import Call
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.generated import Generator

RECEIVER = "X-Receiver"


class OwnCalls:
    """Makes the calls of `partner` to the partner `to` (None: to whom they go by themselves), by
    the flows of a channel's stub and, for what nobody sends unasked, by the generators.
    """

    def __init__(
        self,
        stub: Stub,
        generators: Mapping[str, Generator],
        directory: Directory,
        partner: Partner,
        to: Partner | None = None,
        signs: bool = True,
    ) -> None:
        self._stub = stub
        self._generators = generators
        self._directory = directory
        self._partner = partner
        self._to = to
        self._signs = signs

    def make(
        self, message_type: str, count: int, seed: int, now: int, first: int
    ) -> Iterator[Sending]:
        """`count` calls with a message of that type, made at `now` (milliseconds), with serial
        numbers from chain `first`; with what follows from their replies.

        Raises:
            ValueError: when the partner can't send it, or not to that receiver; says why.
        """
        everybodys = [
            flow for flow in self._stub.flows(self._directory) if flow.message_type == message_type
        ]
        flows = [flow for flow in everybodys if flow.partner == self._partner.id]
        others = [flow for flow in everybodys if flow.partner != self._partner.id]
        for number in range(first, first + count):
            chain = Chain(self._directory, seed, number, lambda: now * 1_000_000)
            made = (self._by_flow(flow, chain) for flow in flows)
            sending = next((each for each in made if each is not None), None)
            if sending is None and (make := self._stub.at_will.get(message_type)) is not None:
                sending = make(self._partner, self._one(chain, self._names))
            if sending is None and any(
                flow.make(self._one(chain)).call.body for flow in others[:1]
            ):
                to = f" to {self._to.id}" if self._to and flows else ""
                raise ValueError(f"{self._partner.id} does not send {message_type}{to} unasked")
            yield sending or Sending(self._by_generator(message_type, seed, now, number))

    def _by_flow(self, flow: Flow, chain: Chain) -> Sending | None:
        """The call of a flow; None when it carries no message, or can't go to the receiver."""
        to, names = self._to, self._names
        sending = flow.make(self._one(chain, names))
        call = sending.call
        if not call.body:
            return None
        if to is None or call.headers.get(RECEIVER) == to.id:
            return sending
        if any(name.encode() in call.body for name in names):
            return sending
        if RECEIVER in call.headers:
            return None
        named = self._named(flow.message_type, call.body)
        if not named:
            return None
        return replace(sending, call=replace(call, headers={**call.headers, **named}))

    @property
    def _names(self) -> Sequence[str]:
        """The names of the receiver that is chosen."""
        to = self._to
        return [name for name in (to.id, to.eessi_id) if name] if to else []

    def _one(self, chain: Chain, to: Collection[str] = ()) -> Situation:
        """The situation of a call with one item, where its sender may choose how many it has."""
        return chain.situation(lambda _: 1, to, self._signs)

    def _named(self, message_type: str, body: bytes) -> dict[str, str]:
        """The headers by which a channel's calls name a receiver; none where they can't."""
        to, nobody = (
            self._stub.submit(self._partner, message_type, "", body, name).headers
            for name in (self._to.id if self._to else "", "")
        )
        return {name: value for name, value in to.items() if name not in nobody}

    def _by_generator(self, message_type: str, seed: int, now: int, number: int) -> Call:
        generator = self._generators.get(message_type)
        if generator is None:
            raise ValueError(f"no samples of {message_type!r}")
        day = datetime.datetime.fromtimestamp(now / 1000, datetime.UTC).date()
        made = generator(random.Random(seed << 64 | number), day, number)
        to = self._to.id if self._to else ""
        call = self._stub.submit(self._partner, message_type, made.message_id, made.body, to)
        return replace(call, headers={**made.headers, **call.headers})

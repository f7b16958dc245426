"""Sends right messages to a partner, each made by who may send it, and tells what became of them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import typer

from exchange import discovery
from exchange.cli.partners.own_samples import OwnSamples
from exchange.client import AsyncClient, ClientError
from exchange.errors import ExchangeError
from exchange.partners.played import sends
from exchange.ports import Channel
from exchange.ports.rows import DeliveryRow
from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from exchange.testing.embedded import LOOK_SECONDS, Embedded

#: Who may send a type and can't make one to the partner: so many are tried.
SENDERS_MAX = 3
#: Some messages of a type are not delivered at once. Of Kelmu's nine kinds of notices two are: so
#: many tries find none once in three million runs.
TRIES = 60
#: Longest wait for a delivery to end, in seconds.
PATIENCE_SECONDS = 20.0


class NoSample(ValueError):
    """No message of the type can be sent to the partner; says why."""


class RightMessages:
    """Right messages to one partner, over the exchange; made by seeds from `seed` on (0: from the
    time, so that each run has others).
    """

    def __init__(self, exchange: Embedded, partner: Partner, seed: int = 0) -> None:
        self._exchange = exchange
        self._partner = partner
        self._client = exchange.client("")
        self._seeds = itertools.count(seed or time.time_ns() // 1000)
        self._samples: dict[str, OwnSamples] = {}

    def put(self, channel: Channel, message_type: str, count: int = 1, **more: str) -> list[int]:
        """Send valid messages to the partner, with more headers: the exchange's ids of them.

        Raises:
            NoSample: when nobody can.
        """
        for _ in range(TRIES):
            put = self._put(channel, message_type, count, more)
            if all(self._delivery(each) for each in put):
                return put
        raise NoSample("the exchange keeps it for later, or delivers it to somebody else")

    def _put(
        self, channel: Channel, message_type: str, count: int, more: Mapping[str, str]
    ) -> list[int]:
        sender, calls = self._calls(channel, message_type, count)
        for call in calls:
            try:
                self._client.call(AsyncClient.send, replace(call, headers={**call.headers, **more}))
            except ClientError as error:
                raise NoSample(f"the exchange refused its own sample: {error}") from error
        rows = self._exchange.received(sender=sender, message_type=message_type)
        return [row.id for row in rows[-count:]]

    def ended(self, message_id: int) -> DeliveryRow:
        """The delivery of a message to the partner, once it ended or nobody waits any longer."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            mine = self._delivery(message_id)
            assert mine is not None, "`put` looked"
            if mine.state != "waiting" or time.monotonic() > until:
                return mine
            time.sleep(LOOK_SECONDS)

    def wrong_with(self, message_id: int) -> str:
        """What kept a message from being taken; empty when it was."""
        row = self.ended(message_id)
        return "" if row.state == "delivered" else row.reason or f"it is {row.state}"

    def _delivery(self, message_id: int) -> DeliveryRow | None:
        rows = self._exchange.deliveries(message_id)
        return next((each for each in rows if each.receiver == self._partner.id), None)

    def _calls(self, channel: Channel, message_type: str, count: int) -> tuple[str, Sequence[Call]]:
        """Calls with messages for the partner, and who makes them."""
        why = "nobody sends it by itself: it follows from something else"
        for sender in self._senders(channel, message_type)[:SENDERS_MAX]:
            made = self._samples.setdefault(
                sender.id, OwnSamples(self._exchange.directory, sender, self._partner)
            )
            try:
                return sender.id, made.calls(message_type, count, next(self._seeds))
            except (typer.BadParameter, ExchangeError) as error:
                why = str(error)
        raise NoSample(why)

    def _senders(self, channel: Channel, message_type: str) -> Sequence[Partner]:
        """Who may send the type and is played; first who sends it unasked."""
        everybody = self._exchange.directory
        unasked = {
            flow.partner
            for stub in discovery.stubs()
            if stub.channel == channel.name
            for flow in stub.flows(everybody)
            if flow.message_type == message_type
        }
        found = [
            each
            for each in everybody
            if sends(each)
            and each.id != self._partner.id
            and message_type in channel.permitted(each).sends
        ]
        return sorted(found, key=lambda each: each.id not in unasked)

"""The demands on a partner's endpoints, tried by pushes: right ones on the whole way through the
exchange, others straight to the partner.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

from exchange import discovery
from exchange.errors import Unreachable
from exchange.ports import Channel
from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import public_id
from exchange.testing.embedded import Embedded
from exchange.testing.onboarding import forged
from exchange.testing.onboarding.demands import (
    Found,
    demands,
    judged,
    not_tried,
    of_channel,
)
from exchange.testing.onboarding.half_sent import answered_early
from exchange.testing.onboarding.journal import Journal, NoJournal
from exchange.testing.onboarding.recorded_calls import Carried, Carrier
from exchange.testing.onboarding.right_messages import NoSample, RightMessages

TIMEOUT_SECONDS = 10.0
#: How long the second half of a body is held back.
HELD_SECONDS = 0.5
ORDERED_MESSAGES = 5
NO_JOURNAL = "only a journal of yours can tell: name it by --journal"


class Pushing:
    """Sends to one partner, and tries what is demanded of its endpoints."""

    def __init__(
        self, exchange: Embedded, carrier: Carrier, partner: Partner, journal: Journal | None
    ) -> None:
        self._exchange = exchange
        self._carrier = carrier
        self._partner = partner
        self._journal = journal
        self._right_messages = RightMessages(exchange, partner)
        self._seen = carrier.seen.setdefault(partner.id, [])

    def found(self) -> Iterator[Found]:
        """Every demand that is tried by pushes, with its verdict."""
        for channel in discovery.channels().values():
            example: tuple[str, Carried] | None = None
            sent, taken = False, list[str]()
            for message_type in channel.permitted(self._partner).receives:
                found, last = self._right(channel, message_type)
                yield found
                sent |= found.verdict != "not tried"
                if found.verdict == "passed" and last is not None:
                    taken.append(last.call.headers[forged.DELIVERY])
                    example = example or (message_type, last)
            if example is not None:
                yield self._by_journal("right.kept", channel.name, taken, lambda _: "")
                yield from self._of_channel(channel, *example)
            elif sent:
                yield from _untried(channel.name, "no right message was taken over the channel")

    def _right(self, channel: Channel, message_type: str) -> tuple[Found, Carried | None]:
        """The verdict, and the last call of the delivery."""
        before = len(self._seen)
        try:
            (message,) = self._right_messages.put(channel, message_type)
        except NoSample as error:
            return not_tried("right", message_type, str(error)), None
        wrong = self._right_messages.wrong_with(message)
        delivery = public_id(self._right_messages.ended(message).id)
        calls = [
            each for each in self._seen[before:] if each.call.headers[forged.DELIVERY] == delivery
        ]
        if not wrong and len(calls) > 1:
            wrong = f"it was taken when it came again, not at first: {calls[0].told}"
        found = judged("right", message_type, wrong, [each.shown for each in calls])
        return found, calls[-1] if calls else None

    def _of_channel(self, channel: Channel, message_type: str, right: Carried) -> Iterator[Found]:
        """What is demanded of the endpoint of a channel, by a push that it took."""
        repeated, answered = self._repeated(channel, message_type)
        yield answered
        twice, at_once = self._at_once(channel.name, right.call)
        yield at_once
        yield self._by_journal("repeat.once", channel.name, [*repeated, twice], _once)
        yield self._in_order(channel, message_type)
        refused = []
        for name, call in forged.forgeries(right.call, self._secret, time.time()).items():
            carried = self._carry(call)
            wrong = _not_refused(carried)
            if not wrong:
                refused.append(call.headers[forged.DELIVERY])
            yield judged(name, channel.name, wrong, [carried.shown])
        yield self._by_journal("signature.not-taken", channel.name, [], lambda _: "", refused)
        yield self._in_halves(channel.name, right.call)
        yield self._unreadable(channel.name, right.call)

    @property
    def _secret(self) -> str:
        return self._partner.callback_secret

    def _carry(self, call: Call) -> Carried:
        return self._exchange.run(self._carrier.carry(self._partner, call, TIMEOUT_SECONDS))

    def _repeated(self, channel: Channel, message_type: str) -> tuple[list[str], Found]:
        before = len(self._seen)
        self._carrier.losses[self._partner.id] = 1
        try:
            (message,) = self._right_messages.put(channel, message_type)
        except NoSample as error:
            self._carrier.losses[self._partner.id] = 0
            return [], not_tried("repeat.answered", channel.name, str(error))
        wrong = self._right_messages.wrong_with(message)
        calls = self._seen[before:]
        ids = [each.call.headers[forged.DELIVERY] for each in calls[:1]]
        return ids, judged("repeat.answered", channel.name, wrong, [each.shown for each in calls])

    def _at_once(self, about: str, right: Call) -> tuple[str, Found]:
        call = forged.another(right, self._secret, time.time())

        async def both() -> list[Carried]:
            made = [self._carrier.carry(self._partner, call, TIMEOUT_SECONDS) for _ in range(2)]
            return await asyncio.gather(*made)

        carried = self._exchange.run(both())
        wrong = [each.told for each in carried if not _is_there(each, 425, 429, 503)]
        found = judged("repeat.at-once", about, "; ".join(wrong), [each.shown for each in carried])
        return call.headers[forged.DELIVERY], found

    def _by_journal(
        self,
        name: str,
        about: str,
        wanted: Sequence[str],
        wrong_with: Callable[[Sequence[str]], str],
        unwanted: Sequence[str] = (),
    ) -> Found:
        """What the journal says of deliveries, by `wrong_with`, once it has all that is wanted."""
        if self._journal is None:
            return not_tried(name, about, NO_JOURNAL)
        try:
            taken = self._exchange.run(self._journal.awaited(wanted))
            strange = [
                each for each in self._exchange.run(self._journal.taken()) if each in unwanted
            ]
        except NoJournal as error:
            return not_tried(name, about, str(error))
        if strange:
            return judged(name, about, f"in the journal: {', '.join(strange)}")
        if missing := [each for each in wanted if each not in taken]:
            return judged(name, about, f"not in the journal: {', '.join(missing)}")
        return judged(name, about, wrong_with(taken))

    def _in_order(self, channel: Channel, message_type: str) -> Found:
        name = "order.kept"
        ordering = of_channel(channel.name).ordering
        if not ordering:
            return not_tried(name, channel.name, "no conversation of the channel is ordered")
        if self._journal is None:
            return not_tried(name, channel.name, NO_JOURNAL)
        ordered, conversation = ordering
        before = len(self._seen)
        more = {ordered: "true", conversation: f"onboarding-{time.time_ns()}"}
        try:
            messages = self._right_messages.put(channel, message_type, ORDERED_MESSAGES, **more)
        except NoSample as error:
            return not_tried(name, channel.name, str(error))
        for message in messages:
            if wrong := self._right_messages.wrong_with(message):
                return not_tried(name, channel.name, f"a message of it was not taken: {wrong}")
        sent = [each.call.headers[forged.DELIVERY] for each in self._seen[before:]]
        return self._by_journal(name, channel.name, sent, lambda taken: _ordered(sent, taken))

    def _in_halves(self, about: str, right: Call) -> Found:
        call = forged.another(right, self._secret, time.time())
        work = answered_early(self._partner.url, call, HELD_SECONDS, TIMEOUT_SECONDS)
        try:
            early, late = self._exchange.run(work)
        except Unreachable as error:
            return judged("read.whole", about, str(error))
        if " 2" in early[:10]:
            wrong = f"{early} came before the second half of the body"
        else:
            wrong = "" if " 2" in late[:10] or " 409" in late[:12] else f"the answer was {late}"
        return judged("read.whole", about, wrong)

    def _unreadable(self, about: str, right: Call) -> Found:
        half = right.body[: len(right.body) // 2]
        carried = self._carry(forged.another(right, self._secret, time.time(), half))
        kept = 200 <= carried.status < 300 and not of_channel(about).reads_first
        fine = kept or carried.status in (400, 410, 422)
        return judged("read.unreadable", about, "" if fine else carried.told, [carried.shown])


def _untried(about: str, why: str) -> Iterator[Found]:
    for demand in demands().values():
        if demand.about == "channel":
            yield not_tried(demand.id, about, why)


def _is_there(carried: Carried, *others: int) -> bool:
    """Whether an answer says that the partner has it; or is one of the others."""
    return 200 <= carried.status < 300 or carried.status in (409, *others)


def _not_refused(carried: Carried) -> str:
    """What is wrong with the answer to a push that is not the exchange's."""
    refused = 400 <= carried.status < 500 and carried.status not in (408, 409, 425, 429)
    return "" if refused else carried.told


def _once(taken: Sequence[str]) -> str:
    twice = sorted({each for each in taken if taken.count(each) > 1})
    return f"more than once in the journal: {', '.join(twice)}" if twice else ""


def _ordered(sent: Sequence[str], taken: Sequence[str]) -> str:
    places = [sent.index(each) + 1 for each in taken]
    if places == sorted(places):
        return ""
    return f"taken in the order {', '.join(map(str, places))}"

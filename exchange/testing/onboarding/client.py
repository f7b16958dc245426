"""The demands on a partner's client: whether what it sent was valid, what it did with its letters;
waits for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from exchange import discovery
from exchange.schemas.directory import Partner
from exchange.testing.embedded import Embedded, Received
from exchange.testing.onboarding.demands import Found, demands, judged, not_tried
from exchange.testing.onboarding.fault_verdicts import of_hindrances
from exchange.testing.onboarding.injected_faults import ACKNOWLEDGEMENT, Hindrances

NO_CLIENT = "no time was given to the client: --client"
NO_LETTER = "no letter could be put into its mailbox"
VIOLATIONS_MAX = 5
#: How long a client that is done sends nothing.
QUIET_SECONDS = 1.0


class Client:
    """What a partner's client did at the exchange. `letters` are the ids of the messages in its
    mailbox.
    """

    def __init__(
        self,
        exchange: Embedded,
        partner: Partner,
        hindrances: Hindrances,
        letters: Sequence[int],
    ) -> None:
        self._exchange = exchange
        self._partner = partner
        self._came = hindrances.came
        self._letters = letters

    @property
    def is_done(self) -> bool:
        """Whether each hindrance was met and got over, each letter acknowledged, and nothing came
        since.
        """
        if not self._came or time.monotonic() < self._came[-1].ended + QUIET_SECONDS:
            return False
        found = [*of_hindrances(self._came), *(self._mailbox() if self._letters else ())]
        return all(each.verdict == "passed" for each in found)

    def found(self) -> Iterator[Found]:
        """Every demand on the client, with its verdict."""
        yield from self._valid()
        yield from of_hindrances(self._came)
        yield from self._mailbox()

    def _valid(self) -> Iterator[Found]:
        rows = self._exchange.received(sender=self._partner.id)
        types = [
            each
            for channel in discovery.channels().values()
            for each in channel.permitted(self._partner).sends
        ]
        for message_type in dict.fromkeys([*types, *(row.message_type for row in rows)]):
            mine = [row for row in rows if row.message_type == message_type]
            if not mine:
                yield not_tried("client.valid", message_type, "none came")
                continue
            wrong = [row for row in mine if row.state == "rejected"]
            told = f"{len(wrong)} of {len(mine)} were rejected: {_told(wrong[0])}" if wrong else ""
            yield judged("client.valid", message_type or "of no type", told)

    def _mailbox(self) -> Iterator[Found]:
        names = [each.id for each in demands().values() if "mailbox" in each.needs]
        if self._partner.delivery != "mailbox" or not self._letters:
            has_none = "the partner has no mailbox: it is pushed to"
            why = NO_LETTER if self._partner.delivery == "mailbox" else has_none
            yield from (not_tried(name, "", why) for name in names)
            return
        rows = [each for letter in self._letters for each in self._exchange.deliveries(letter)]
        leased = sum(each.lease != 0 for each in rows)
        yield judged("mailbox.read", "", _less(leased, len(rows), "were read"))
        done = sum(each.state == "delivered" for each in rows)
        yield judged("mailbox.acknowledged", "", _less(done, len(rows), "were acknowledged"))
        calls = [each for each in self._came if each.key[0].endswith(ACKNOWLEDGEMENT)]
        if not calls:
            yield not_tried("mailbox.busy", "", "nothing was acknowledged")
            return
        wrong = "" if len(calls) > 1 else "no acknowledgement came after the one that was not taken"
        yield judged("mailbox.busy", "", wrong, [each.shown for each in calls[:2]])


def untried(why: str) -> Iterator[Found]:
    """That nothing of a client was tried, and why."""
    for demand in demands().values():
        if "client" in demand.needs:
            yield not_tried(demand.id, "", why)


def _less(count: int, all_of_them: int, what: str) -> str:
    return "" if count == all_of_them else f"{count} of {all_of_them} letters {what}"


def _told(row: Received) -> str:
    told = "; ".join(each.as_text() for each in row.violations[:VIOLATIONS_MAX])
    return told or "no violation is told"

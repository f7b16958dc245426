"""A world of the register for tests: an exchange over a clock of their own, employers and Kela."""

from __future__ import annotations

import asyncio
import datetime
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lxml import etree

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.partner import STUB
from exchange.assembly import Exchange
from exchange.partners.stub import Sending, Situation, Wanted, as_it_likes
from exchange.ports import Inbound
from exchange.schemas.call import XML
from exchange.schemas.envelope import Envelope
from exchange.simulation.endpoints import InsideEndpoints
from tests.adapters.income_register.clients import raw
from tests.adapters.income_register.hand_out.test_extraction import (
    Hand,
    Straight,
    at,
    settled,
)

DAY = "2026-03-02"


class Set(Hand):
    """A clock that only the test moves on: whoever sleeps just lets others work."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.005)


@dataclass
class World:
    """An exchange over a clock of the test's own, and its partners in the same process."""

    exchange: Exchange
    clock: Hand
    transport: Straight
    serial: Any

    def situation(self, wanted: Wanted = as_it_likes) -> Situation:
        """What a stub may use for its next message."""
        number = next(self.serial)
        return Situation(
            random.Random(number), self.clock.now(), number, self.exchange.directory, wanted
        )

    async def begin(self) -> list[int]:
        """Let the stub begin; the statuses of the replies to all that it sent."""
        return await self.carry(STUB.begin(self.exchange.directory, self.situation()))

    async def carry(self, sendings: Iterable[Sending]) -> list[int]:
        """Make calls, and what follows from their replies; the statuses of all of these."""
        inside = InsideEndpoints(
            self.exchange.channels.values(),
            self.exchange.desk,
            self.exchange.directory,
            self.exchange.requests,
        )
        statuses = []
        waiting = list(sendings)
        while waiting:
            sending = waiting.pop(0)
            reply = await inside.call(sending.call)
            statuses.append(reply.status)
            if sending.then is not None:
                waiting += sending.then(reply, self.situation())
        return statuses

    async def report(
        self, partner: str, name: str, count: int, kind: str = "wages", **replaced: str
    ) -> Envelope:
        """Let a partner report; `replaced` gives the ReportIds that reports replace, by
        their own.
        """
        sender = self.exchange.directory.get(partner)
        assert sender is not None
        batch = generate.Batch(
            sender.business_id,
            sender.business_id,
            datetime.date.fromisoformat(DAY),
            name,
            count,
            False,
        )
        rng = random.Random(name)
        made = (
            generate.wage_delivery(rng, batch)
            if kind == "wages"
            else generate.benefit_delivery(rng, batch, kind)
        )
        document = etree.fromstring(made)
        for report in document.iterfind("DeliveryData/Reports/Report/ReportData"):
            if (
                given := replaced.get(str(report.findtext("ReportId")).replace("-", "_"))
            ) is not None:
                report.find("ActionCode").text = "2"
                report.find("ReportId").text = given
        return await self.take(partner, raw(document))

    async def take(self, partner: str, body: bytes) -> Envelope:
        """Take a delivery in."""
        sender = self.exchange.directory.get(partner)
        assert sender is not None
        desk = self.exchange.desk(self.exchange.channels["income-register"])
        outcome = await desk.accept(Inbound(sender, body, XML, "deferred"))
        assert outcome.kind == "accepted", [violation.as_text() for violation in outcome.violations]
        return outcome.envelope

    async def until(self, text: str) -> list[dict[str, tuple[str, str, str]]]:
        """Let it become that time; what Kela was handed meanwhile: (kind, status, version) by
        ReportId, document by document.
        """
        before = len(self.transport.extracts())
        self.clock.time = at(text)
        await self.exchange.watching.once()
        await settled(self.exchange)
        return [told(document) for document in self.transport.extracts()[before:]]


def told(document: Any) -> dict[str, tuple[str, str, str]]:
    """(QueryDataType, ReportStatus, ReportVersion) of the reports of a FromIR document by
    ReportId.
    """
    kind = document.findtext("Subscription/QueryDataType")
    return {
        each.findtext("ReportId"): (
            kind,
            each.findtext("ReportStatus"),
            each.findtext("ReportVersion"),
        )
        for each in document.iterfind("Reports/Report/ReportData")
    }

"""Finds what changed in a span of time, as reports to be handed on: new versions, replacements and
invalidations; wraps and sends nothing.

Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapter 8.2.2 (vero.fi):
new and changed data that were given in the span; of each report the last version given in the span,
or every one of them (IncludeAllVersions). An invalidation is a version of its own with the contents
of the one before (chapter 9.3), so it is told wherever the report itself was given. The span is
gone through from its end, so that what was changed later is known before what was given earlier.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    INVALIDATIONS,
    PAYER_SUMMARY_REPORTS,
    WAGE_REPORTS,
    Element,
    demanded,
)
from exchange.adapters.income_register.hand_out.extent import Extent
from exchange.adapters.income_register.hand_out.render import render_reports
from exchange.adapters.income_register.orders.conditions import Asked, Conditions
from exchange.adapters.income_register.register.stored_delivery import (
    INVALIDATED,
    StoredDelivery,
    Wanted,
    report_keys_of,
)
from exchange.adapters.income_register.register.stored_reports import records_of, versions_held
from exchange.adapters.income_register.register_records import OF_DELIVERIES, OF_REPORTS, ReportKeys
from exchange.adapters.income_register.spans import REPORT_END
from exchange.ports import Desk
from exchange.schemas import xml
from exchange.schemas.envelope import Envelope
from exchange.schemas.income_register.codes import plain
from exchange.schemas.large_bytes import find
from exchange.schemas.violation import Malformed

#: DeliveryDataType of the reports of a message type.
KINDS = {WAGE_REPORTS: "100", PAYER_SUMMARY_REPORTS: "101", BENEFIT_REPORTS: "102"}
#: Deliveries read at once.
PAGE_MESSAGES = 20


@dataclass(slots=True)
class Changes:
    """The changes of reports of one type in an extent; `every` asks for each version."""

    desk: Desk
    message_type: str
    extent: Extent
    every: bool
    profile: str
    conditions: Conditions
    #: Reports of which a later version was told: report_keys and ReportId.
    _later: set[tuple[str, str]] = field(default_factory=set)

    async def reports(self) -> AsyncIterator[list[bytes]]:
        """The reports as Report elements in canonical form, those of a delivery together; others
        may work in between.
        """
        types, last = (self.message_type, INVALIDATIONS), self.extent.last
        while page := await self.desk.stored(
            types, self.extent.after, last, PAGE_MESSAGES, newest_first=True
        ):
            for envelope, body in page:
                if not self.extent.covers(envelope):
                    continue
                if envelope.message_type == INVALIDATIONS:
                    for rendered in await self._invalidated(envelope):
                        yield rendered
                elif rendered := self._given(StoredDelivery(envelope, body)):
                    yield rendered
                await asyncio.sleep(0)
            last = page[-1][0].position - 1

    def _given(self, delivery: StoredDelivery) -> list[bytes]:
        """The reports of a delivery of which no later version was told."""
        name, later = delivery.report_keys.name, self._later
        found = [
            Wanted(index, report_id, version) for index, report_id, version, _ in delivery.valid
        ]
        if not self.every:
            if later:
                found = [each for each in found if (name, each.report_id) not in later]
            later.update((name, each.report_id) for each in found if each.version > 1)
        return self._rendered(delivery, found)

    async def _invalidated(self, envelope: Envelope) -> list[list[bytes]]:
        """The reports that an invalidation is of, with the contents that they had."""
        detail = envelope.detail
        kind = plain(detail.get("header", {}).get("DeliveryDataType"))
        if KINDS[self.message_type] not in (OF_REPORTS.get(kind), OF_DELIVERIES.get(kind)):
            return []
        report_keys = report_keys_of(detail["header"], KINDS[self.message_type])
        if kind in OF_REPORTS:
            versions = {report_id: version for _, report_id, version, _ in detail.get("valid", ())}
        else:
            versions = dict(detail.get("invalidated", ()))
        if not self.every:
            versions = {
                name: version
                for name, version in versions.items()
                if (report_keys.name, name) not in self._later
            }
            self._later.update((report_keys.name, report_id) for report_id in versions)
        return await self._versions(report_keys, versions)

    async def _versions(
        self, report_keys: ReportKeys, versions: dict[str, int]
    ) -> list[list[bytes]]:
        records = await records_of(
            self.desk, (report_keys.place(report_id)[0] for report_id in versions)
        )
        before = {report_id: version - 1 for report_id, version in versions.items()}
        held = await versions_held(self.desk, report_keys, before, records)
        return [
            self._rendered(
                delivery,
                [each._replace(version=each.version + 1, status=INVALIDATED) for each in found],
            )
            for delivery, found in held
        ]

    def _rendered(self, delivery: StoredDelivery, wanted: list[Wanted]) -> list[bytes]:
        if not (wanted and delivery.body):
            return []
        if self.conditions:
            wanted = fitting(delivery, wanted, self.conditions)
        return render_reports(delivery, wanted, self.profile) if wanted else []


def fitting(delivery: StoredDelivery, wanted: list[Wanted], conditions: Conditions) -> list[Wanted]:
    """Those of the reports that fit the conditions; the delivery is read only when its bytes could
    answer.
    """
    if not all(any(each in delivery.body for each in needles) for needles in conditions.needles()):
        return []
    if (earners := conditions.earners()) and (
        found := _by_chunks(delivery, wanted, conditions, earners)
    ) is not None:
        return found
    data = demanded(delivery.document, "DeliveryData")
    return [
        each
        for each in wanted
        if conditions.fit(_asked(delivery, each, data, delivery.items[each.place].read))
    ]


def _by_chunks(
    delivery: StoredDelivery, wanted: list[Wanted], conditions: Conditions, earners: list[bytes]
) -> list[Wanted] | None:
    """The same, reading only reports whose bytes name one of the earners; None when the delivery
    can't be cut safely.
    """
    # In a comment or character data something could look like a report.
    body = delivery.body
    if delivery.split is None or find(body, b"<!") >= 0 or find(body, b"<?", 1) >= 0:
        return None
    chunks = delivery.split[0]
    near = [each for each in wanted if any(earner in chunks[each.place] for earner in earners)]
    try:
        read = [(each, _report(chunks[each.place])) for each in near]
    except Malformed:
        # It uses a prefix that is declared around it.
        return None
    return [
        each
        for each, report in read
        if conditions.fit(_asked(delivery, each, delivery.data, report))
    ]


def _report(chunk: bytes) -> Element:
    return xml.parse(chunk + REPORT_END)


def _asked(delivery: StoredDelivery, wanted: Wanted, data: Element, report: Element) -> Asked:
    return Asked(
        data, report, delivery.report_keys.register_id(wanted.report_id), delivery.received
    )

"""A delivery of reports as it is stored, with what it takes to render from it; selects and renders
nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from lxml import etree

from exchange.adapters.income_register.document import Element, Item, demanded, items_of, unwrap
from exchange.adapters.income_register.register_records import ReportKeys
from exchange.adapters.income_register.spans import REPORT_END, chunks_of
from exchange.schemas import xml
from exchange.schemas.envelope import Envelope
from exchange.schemas.income_register.codes import plain
from exchange.schemas.instants import instant
from exchange.schemas.large_bytes import find
from exchange.schemas.violation import Malformed

#: Whether a report that is handed on is valid (ReportStatus).
VALID, INVALIDATED = 1, 2


class Wanted(NamedTuple):
    """A report of a delivery to be handed on: its place there, its ReportId, and the version and
    the status to tell.
    """

    place: int
    report_id: str
    version: int
    status: int = VALID


def report_keys_of(header: Mapping[str, Any], kind: str = "") -> ReportKeys:
    """Where the reports of a delivery with that header (as the verdict keeps it) are remembered."""
    fields = dict(header.get("DeliveryDataOwner", ()))
    owner = f"{plain(fields.get('Type'))[:11]}:{str(fields.get('Code', '')).strip()[:30]}"
    return ReportKeys(owner, kind or plain(header.get("DeliveryDataType"))[:11])


@dataclass
class StoredDelivery:
    """A delivery of reports as it is stored; what it takes to render from it is made once, when it
    is needed.
    """

    envelope: Envelope
    body: bytes

    @property
    def valid(self) -> list[list[Any]]:
        """[index, ReportId, version, IRReportId as given] of each report that was accepted."""
        found: list[list[Any]] = self.envelope.detail.get("valid", [])
        return found

    @property
    def known(self) -> bool:
        """Whether each of its reports was read by a known shape when it came in."""
        return bool(self.envelope.detail.get("known"))

    @cached_property
    def report_keys(self) -> ReportKeys:
        """Where its reports are remembered."""
        return report_keys_of(self.envelope.detail.get("header", {}))

    @cached_property
    def document(self) -> Element:
        """The whole as a tree, without comments."""
        return _read(self.body)

    @cached_property
    def items(self) -> list[Item]:
        """Its reports as elements."""
        return items_of(self.envelope.message_type, self.document)

    @cached_property
    def split(self) -> tuple[list[bytes], bytes] | None:
        """Its reports as bytes, and what is around them; None when they can't be cut."""
        detail = self.envelope.detail
        return chunks_of(self.body, len(detail.get("valid", ())) + len(detail.get("invalid", ())))

    def report(self, place: int) -> Element:
        """One of its reports, read alone where they can be cut."""
        # In a comment or character data something could look like a report.
        if self.split is not None and find(self.body, b"<!") < 0 and find(self.body, b"<?", 1) < 0:
            # (It may use a prefix that is declared around it.)
            with contextlib.suppress(Malformed):
                return xml.parse(self.split[0][place] + REPORT_END)
        return self.items[place].read

    @cached_property
    def data(self) -> Element:
        """DeliveryData without its reports where they can be cut, else with them."""
        document = self.document if self.split is None else _read(self.split[1])
        return demanded(document, "DeliveryData")

    @cached_property
    def received(self) -> str:
        """When it came in, as xs:dateTime."""
        return instant(self.envelope.received_at)


def _read(body: bytes) -> Element:
    document = unwrap(xml.parse(body))
    if find(body, b"<!--") >= 0 or find(body, b"<?", 1) >= 0:
        etree.strip_tags(document, etree.Comment, etree.ProcessingInstruction)
    return document

"""Cache of delivery headers that passed every rule, keyed by a digest of their bytes.

Owner, creator, sender, payer and contact persons stand in every delivery of a payer in the same
words; only its time, its id and its days differ. Such a header, those left out, is remembered with
what the reports' rules ask of its payer. It is told from the bytes, so they must be the very bytes
of the header: nothing but the start tags of its ancestors stands before it, and nothing in it is
hidden.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from hashlib import blake2b

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import Payer
from exchange.adapters.income_register.spans import REPORTS_START

#: Headers that are remembered, some two hundred bytes each.
KNOWN_MAX = 2_048
#: A longer header is judged each time.
HEADER_BYTES_MAX = 8_192
_START = b"<DeliveryData>"
_DAYS = rb"\s*(?:<(PaymentDate|StartDate|EndDate)>[0-9:.+Z-]*</\1>\s*)*"
#: What differs from delivery to delivery and has rules of its own.
_VARYING = re.compile(
    rb"<(?:Timestamp|DeliveryId|PaymentDate|ReportDate)>[0-9A-Za-z:.+_-]*(?=</)|(?<=<PaymentPeriod>"
    rb")" + _DAYS + rb"(?=</PaymentPeriod>)"
)


class HeaderCache:
    """The payers of headers that passed every rule, the latest used last."""

    def __init__(self, most: int = KNOWN_MAX) -> None:
        self._payers: OrderedDict[bytes, Payer] = OrderedDict()
        self._most = most
        #: Large deliveries are judged on a thread of their own.
        self._lock = threading.Lock()

    def find(self, key: bytes | None) -> Payer | None:
        """The payer of a header that is known; None when it isn't."""
        if key is None:
            return None
        with self._lock:
            if (payer := self._payers.get(key)) is not None:
                self._payers.move_to_end(key)
        return payer

    def keep(self, key: bytes | None, payer: Payer) -> None:
        """Remember a header in which nothing was found."""
        if key is None:
            return
        with self._lock:
            self._payers[key] = payer
            while len(self._payers) > self._most:
                self._payers.popitem(last=False)


def key_of(body: bytes, data: Element, kind: str) -> bytes | None:
    """What tells the header of a delivery of that type (`data` is its DeliveryData) from others;
    None when its bytes can't be told.
    """
    end = body.find(REPORTS_START, 0, HEADER_BYTES_MAX)
    start = body.find(_START, 0, max(end, 0))
    if (
        start < 0
        or len(data) == 0
        or data[-1].tag != "Reports"
        or not _first_of_all(data, body[:start])
    ):
        return None
    header = body[start:end]
    if b"<!" in header or b"<?" in header:
        return None
    # Under another declaration the same bytes may be other characters.
    declaration = body[: body.find(b"?>", 0, start) + 2] if body.startswith(b"<?xml ") else b""
    return blake2b(
        b"%s %s " % (kind.encode(), declaration) + _VARYING.sub(b"", header), digest_size=16
    ).digest()


def _first_of_all(data: Element, before: bytes) -> bool:
    """Whether only the start tags of the element's ancestors (and a declaration) stand
    before it.
    """
    tags = before.count(b"<") - before.startswith(b"<?xml ")
    element: Element | None = data
    while element is not None:
        if element.getprevious() is not None:
            return False
        element = element.getparent()
        tags -= element is not None
    return tags == 0 and b"<!" not in before and b"<?" not in before[1:]

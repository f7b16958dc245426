"""A worker's own log: what was sent and asked in the worker's name, the newest first; nobody that
it was about is named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from exchange.ports import Ledger
from exchange.ports.ledger import MessageFilter, MessageRow
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.envelope import id_from_public, public_id
from exchange.web.api.message_search import LAST_ID, LOOK_MAX, LOOK_SECONDS

#: Messages on a page.
PAGE_MAX = 50


class OwnLog:
    """Reads it from the ledger, where it is kept with the messages."""

    def __init__(self, ledger: Ledger, catalogue: Catalogue, channel: str) -> None:
        self._ledger = ledger
        self._channel = channel
        self._titles = {message_type.name: message_type.titles for message_type in catalogue}

    async def read(
        self, organisation: str, worker: str, before: str
    ) -> tuple[list[Mapping[str, Any]], str]:
        """A page of it, and where to go on (empty: it ends here).

        Raises:
            ValueError: when `before` is not where a page ended.
        """
        # The text is looked for first, so that each row need not be read as JSON.
        wanted = MessageFilter(
            channel=self._channel, sender=organisation, detail=json.dumps(worker)
        )
        start = id_from_public(before) if before else LAST_ID
        found = await self._ledger.search(wanted, start, PAGE_MAX, LOOK_MAX, LOOK_SECONDS)
        own = [self._shown(row) for row in found.messages if _user(row) == worker]
        return own, public_id(found.before) if found.before else ""

    def _shown(self, row: MessageRow) -> Mapping[str, Any]:
        detail = json.loads(row.detail)
        return {
            "received_at": row.received_at,
            "titles": self._titles.get(row.message_type),
            "state": row.state,
            "persons": len(detail.get("persons") or ()) or int("person" in detail),
            "purpose": detail.get("purpose", ""),
            "legal_ground": detail.get("legal_ground", ""),
        }


def _user(row: MessageRow) -> str:
    return str(json.loads(row.detail).get("user", ""))

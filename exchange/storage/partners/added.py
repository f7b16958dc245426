"""The partners that operators added, in the ledger's table `memory` under a name that no channel
has: so they are in the chain, and `exchange verify` proves them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from exchange.ports.operators import AuditRow
from exchange.ports.partners import Kept
from exchange.ports.rows import Remember
from exchange.schemas.directory import partner_of
from exchange.storage.connection import Connection
from exchange.storage.counters import history
from exchange.storage.counters.days import day_of_minute
from exchange.storage.ledger import SqlLedger
from exchange.storage.operators import audit

#: What stands in the place of a channel's name.
OWNER = "partner directory"
#: What stands beside the fields of a partner: that it was removed, when its newest key was made.
REMOVED, KEYED_AT = "removed", "keyed_at"


def _changed(connection: Connection, known: Mapping[str, int]) -> list[Kept]:
    rows = connection.execute(
        "SELECT key,value,version FROM memory WHERE channel=? ORDER BY key", (OWNER,)
    )
    return [
        _kept(json.loads(value), version)
        for partner_id, value, version in rows
        if known.get(partner_id) != version
    ]


def _kept(value: dict[str, Any], version: int) -> Kept:
    removed, keyed_at = value.pop(REMOVED, False), value.pop(KEYED_AT, 0)
    return Kept(partner_of(value), version, removed, keyed_at)


class LedgerAddedPartners:
    """The port over the ledger."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    async def changed(self, known: Mapping[str, int]) -> Sequence[Kept]:
        """Those that are not known, or not as they are."""
        found: list[Kept] = await self._ledger.read(_changed, known)
        return found

    async def keep(self, kept: Kept, row: AuditRow) -> bool:
        """Keep a partner, what the statistics need of it, and who did it, in one commit."""

        def then(connection: Connection) -> None:
            history.keep(connection, day_of_minute(row.at // 60_000), [kept.partner])
            audit.write(connection, [row])

        beside = {REMOVED: kept.removed, KEYED_AT: kept.keyed_at}
        value = dataclasses.asdict(kept.partner) | {name: it for name, it in beside.items() if it}
        entry = Remember(kept.partner.id, value, kept.version - 1)
        return await self._ledger.note(OWNER, [entry], then=then)

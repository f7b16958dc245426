"""The port of the partners that operators added to a running exchange; no SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from exchange.ports.operators import AuditRow
from exchange.schemas.directory import Partner


class Kept(NamedTuple):
    """A partner as the ledger keeps it; `version` grows by one with each change, `removed` says
    that it is no partner any more, `keyed_at` when its newest key was made (milliseconds since 1970
    UTC; 0: that was not kept yet).
    """

    partner: Partner
    version: int
    removed: bool = False
    keyed_at: int = 0


class AddedPartners(Protocol):
    """The partners that were added, shared by every worker; each change is committed with its row
    of the audit log when it returns.
    """

    async def changed(self, known: Mapping[str, int]) -> Sequence[Kept]:
        """Those that are new, or of another version than is known, by id."""
        ...

    async def keep(self, kept: Kept, audit: AuditRow) -> bool:
        """Keep a partner in the place of the version before (1: a new one); False when somebody was
        faster.
        """
        ...

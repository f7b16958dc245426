"""The partners as they were on the days that were counted: a partner that leaves the directory, or
changes its sector or country, changes no past figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from exchange.schemas.directory import Directory, Partner

#: A partner, the day (a number) from which it was so, its name, sector and country.
Kept = tuple[str, int, str, str, str]
#: The day after all days.
NEVER = 1 << 62


class History:
    """Partners by day: those that a ledger kept, and of the directory those that it never saw.

    What is kept of a partner first holds for all days before, too.
    """

    def __init__(self, kept: Iterable[Kept], directory: Directory) -> None:
        self._directory = directory
        self._kept: dict[str, list[tuple[int, Partner]]] = {}
        for partner_id, since, name, sector, country in sorted(set(kept)):
            known = directory.get(partner_id) or Partner(partner_id, name, sector)
            was = replace(known, name=name, sector=sector, country=country)
            self._kept.setdefault(partner_id, []).append((since, was))
        later = {since for rows in self._kept.values() for since, _ in rows[1:]}
        self._changes = sorted(later)

    def at(self, day: int) -> tuple[Directory, int]:
        """The partners on that day, and the next day (number) on which they may be others."""
        found = {partner.id: partner for partner in self._directory}
        for partner_id, rows in self._kept.items():
            held = [partner for since, partner in rows if since <= day]
            found[partner_id] = held[-1] if held else rows[0][1]
        until = next((change for change in self._changes if change > day), NEVER)
        # Keys and ids of institutions may have moved to another partner meanwhile: nobody asks for
        # them here.
        return Directory(found.values()), until

    @property
    def newest(self) -> Directory:
        """The partners of the directory, and as they were last those that left it."""
        return Directory([*self.at(NEVER)[0], *self._directory])

    def spans(self) -> list[tuple[int, int, Directory]]:
        """All days as [first, end) with the partners of those days, in order."""
        spans, first = [], 0
        while first < NEVER:
            directory, until = self.at(first)
            spans.append((first, until, directory))
            first = until
        return spans

"""What was published as open data, kept in a file beside the ledger, and whether a report
may follow it; writes no publication.

Of two publications whose periods overlap, one could be subtracted from the other and give away a
count that both withhold. So open data are of whole calendar months, and no month is published
twice with other figures.
"""

from __future__ import annotations

import calendar
import datetime
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.publication.csv_json import document
from exchange.publication.text import words
from exchange.statistics.report import Report
from exchange.statistics.rows import LANGUAGES
from exchange.statistics.suppression import as_open_data


@dataclass(frozen=True, slots=True)
class NotOffered(Exception):
    """A report is no open data; says why, in each language."""

    texts: dict[str, str]

    def __str__(self) -> str:
        return self.texts["en"]


def list_beside(ledger: Path) -> Path:
    """The list of what was published of a ledger."""
    return ledger.with_name(f"{ledger.stem}.open-data.json")


def offered(report: Report, listed: Path | None) -> Report:
    """The report as open data. With a list (a file, made when it is not there), nothing that was
    published before may give its small counts away, and it is put there as well.

    Raises:
        NotOffered: when it isn't of whole months, or overlaps what was published.
        OSError: when the list can't be read or written.
    """
    first, last = report.first, report.last
    if first is None or last is None or first.day != 1 or last.day != _days_of_month(last):
        raise _because("not-whole-months", first=first, last=last)
    opened = report if report.open_data else as_open_data(report)
    if listed is None:
        return opened
    entry = {"first": first.isoformat(), "last": last.isoformat(), "sha256": _digest(opened)}
    entries = _read(listed)
    if entry in entries:
        return opened
    for before in entries:
        # ISO dates are in order as texts, too.
        if before["first"] <= entry["last"] and entry["first"] <= before["last"]:
            raise _because("published-before", list=listed, **before)
    listed.write_text(json.dumps([*entries, entry], indent=1) + "\n", encoding="utf-8")
    return opened


def _because(word: str, **values: Any) -> NotOffered:
    return NotOffered({language: words(language)[word].format(**values) for language in LANGUAGES})


def _read(listed: Path) -> list[dict[str, str]]:
    if not listed.exists():
        return []
    try:
        entries = json.loads(listed.read_text(encoding="utf-8"))
        return [
            {"first": each["first"], "last": each["last"], "sha256": each["sha256"]}
            for each in entries
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise _because("list-unreadable", list=listed) from error


def _days_of_month(date: datetime.date) -> int:
    return calendar.monthrange(date.year, date.month)[1]


def _digest(opened: Report) -> str:
    """Of the figures that are told: a digest of withheld ones could be tried out."""
    told = document(opened)
    figures = {
        "rows": [[row["row"], row["counted"]] for row in told["rows"]],
        "tables": [[table["id"], table["rows"]] for table in told["tables"]],
    }
    return hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()

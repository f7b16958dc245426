"""What was published as open data, kept in a file beside the ledger, and whether a report
may follow it; writes no publication.

Of two publications whose periods overlap, one could be subtracted from the other and give away a
count that both withhold. So open data are of whole calendar months, and no month is published
twice with other figures but as a revision, which withholds all that was withheld before.
"""

from __future__ import annotations

import calendar
import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exchange.publication.csv_json import document
from exchange.publication.text import words
from exchange.statistics.report import Report
from exchange.statistics.rows import LANGUAGES
from exchange.statistics.suppression import as_open_data, withheld_of


@dataclass(frozen=True, slots=True)
class NotOffered(Exception):
    """A report is no open data; says why, in each language."""

    texts: dict[str, str]

    def __str__(self) -> str:
        return self.texts["en"]


def list_beside(ledger: Path) -> Path:
    """The list of what was published of a ledger."""
    return ledger.with_name(f"{ledger.stem}.open-data.json")


def offered(
    report: Report, listed: Path | None, revision: str = "", today: datetime.date | None = None
) -> Report:
    """The report as open data. With a list (a file, made when it is not there), nothing that was
    published before may give its small counts away, and it is put there as well. `today` is where
    the ledger may still count; None of a simulation.

    A `revision` (a note that says why) replaces what was published of exactly these days: whatever
    was withheld then is withheld again, so that the two tell no more than each alone.

    Raises:
        NotOffered: when it isn't of whole months, these aren't wholly held or aren't over yet, it
            overlaps what was published, or there is nothing to revise.
        OSError: when the list can't be read or written.
    """
    period = _period(report, today)
    if listed is None:
        return report if report.open_data else as_open_data(report)
    entries = _read(listed)
    former = [entry for entry in entries if period.items() <= entry.items()]
    for before in entries:
        # ISO dates are in order as texts, too.
        overlaps = before["first"] <= period["last"] and period["first"] <= before["last"]
        if overlaps and before not in former:
            raise _because("published-before", list=listed, **_days(before))
    if revision and not all("withheld" in entry for entry in former):
        raise _because("not-revisable", list=listed, **period)
    if revision and not former:
        raise _because("nothing-to-revise", list=listed, **period)
    withheld = {tuple(cell) for entry in former for cell in entry.get("withheld", ())}
    opened = report if report.open_data else as_open_data(report, withheld if former else ())
    digest = _digest(opened)
    for entry in former:
        if entry["sha256"] == digest:
            return replace(opened, revision=entry.get("revision", ""))
    if former and not revision:
        raise _because("published-before", list=listed, **period)
    entry = {**period, "sha256": digest, "withheld": withheld_of(opened)}
    entry |= {"revision": revision} if revision else {}
    listed.write_text(json.dumps([*entries, entry], indent=1) + "\n", encoding="utf-8")
    return replace(opened, revision=revision)


def _period(report: Report, today: datetime.date | None) -> dict[str, str]:
    """The report's first and last day, where it is of whole months that are held and over."""
    first, last = report.first, report.last
    if first is None or last is None or first.day != 1 or last.day != _days_of_month(last):
        raise _because("not-whole-months", first=first, last=last)
    asked = (last - first).days + 1
    if report.held_days < asked:
        held = report.held_days
        raise _because("not-wholly-held", first=first, last=last, held=held, asked=asked)
    if last == today:
        raise _because("not-over", first=first, last=last)
    return {"first": first.isoformat(), "last": last.isoformat()}


def _days(entry: Mapping[str, Any]) -> dict[str, str]:
    return {name: entry[name] for name in ("first", "last")}


def _because(word: str, **values: Any) -> NotOffered:
    return NotOffered({language: words(language)[word].format(**values) for language in LANGUAGES})


def _read(listed: Path) -> list[dict[str, Any]]:
    if not listed.exists():
        return []
    try:
        entries = json.loads(listed.read_text(encoding="utf-8"))
        if any(not {"first", "last", "sha256"} <= each.keys() for each in entries):
            raise ValueError("a publication without its days or its digest")
        return list(entries)
    except (ValueError, TypeError, AttributeError) as error:
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

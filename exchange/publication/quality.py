"""The quality description of a publication: relevance, definitions, accuracy, coverage,
comparability, revisions, release; and what a catalogue asks besides (licence, version, when).
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from exchange.publication.text import date_text, period_text
from exchange.statistics.days import FINLAND
from exchange.statistics.report import Report

_PATH = Path(__file__).with_name("quality.toml")


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(_PATH.read_text(encoding="utf-8"))


def quality(report: Report, language: str) -> list[tuple[str, str]]:
    """The parts of the description, each a title and a text."""
    released = updated(report)
    values = {
        "period": period_text(report, language),
        "released": date_text(released[:10], language) if released else "\u2013",
    }
    return [
        (part["title"][language], part["text"][language].format(**values))
        for part in _data()["part"]
    ]


def quality_text(report: Report, language: str) -> str:
    """The description as a document in Markdown."""
    parts = (f"## {title}\n\n{text}\n" for title, text in quality(report, language))
    return "\n".join(parts)


def updated(report: Report) -> str:
    """As of when the figures are (ISO 8601): when the day after the period begins in Finland, since
    the same report must give the same bytes on any day. Empty when nothing was counted.
    """
    if report.last is None:
        return ""
    after = report.last + datetime.timedelta(days=1)
    return datetime.datetime.combine(after, datetime.time(), FINLAND).isoformat()


def catalogued(report: Report) -> dict[str, Any]:
    """What a catalogue asks of a data package: version, licence, when, and which days."""
    data = _data()
    found: dict[str, Any] = {"version": data["version"], "licenses": [dict(data["licence"])]}
    if report.first is not None and report.last is not None:
        found["updated"] = updated(report)
        found["temporal"] = {"start": report.first.isoformat(), "end": report.last.isoformat()}
    return found

"""Describes each row of the statistics in a line: the publication's words, who, whom, how it came
in, in which unit, when it counts and what is left out; made from what the row selects.
"""

from __future__ import annotations

from exchange.publication.text import words
from exchange.statistics.report import Report
from exchange.statistics.rows import LANGUAGES, Row, Selection, Side
from exchange.statistics.table import figure

ARROW = " \u2192 "


def meanings(report: Report, language: str) -> list[str]:
    """A line a row, in the order of the table."""
    return [meaning(report, row, language) for row in report.rows.rows]


def all_meanings(report: Report, row: Row) -> dict[str, str]:
    """A row's line by language."""
    return {language: meaning(report, row, language) for language in LANGUAGES}


def meaning(report: Report, row: Row, language: str) -> str:
    """The line of a row."""
    say = words(language)
    selected = "; ".join(_selected(report, each, language) for each in row.select)
    if row.sum_of:
        selected = f"{say['meaning-sum'].format(rows=len(row.sum_of))}: {', '.join(row.sum_of)}; "
        selected += say["meaning-messages-too"].format(
            types=", ".join(_besides(report, each, language) for each in row.select)
        )
    unit = say.get(f"unit-{row.unit.replace('/', '-')}", row.unit)
    outside = f" {say['meaning-outside']}: {row.outside[language]}." if row.outside else ""
    return f"{row.id}: \u201d{row.words}\u201d. {selected}; {unit}.{outside}"


def between(report: Report, language: str) -> list[str]:
    """What a figure alone doesn't tell: what a sum of several units is in messages; what lies
    between sent and received, where they differ (what still waits, was refused, or was sent in one
    period and taken in another).
    """
    say = words(language)
    mixed = [
        f"{line.row.id}: "
        + say["meaning-as-messages"].format(messages=figure(line.messages, language))
        for line in report.lines
        if line.messages is not None
    ]
    return mixed + [
        f"{line.row.id}: "
        + say["meaning-between"].format(
            sent=figure(line.sent, language), received=figure(line.received, language)
        )
        for line in report.lines
        if not line.row.per_day
        and line.sent is not None
        and line.received is not None
        and line.sent != line.received
    ]


def _selected(report: Report, selection: Selection, language: str) -> str:
    say = words(language)
    ends = ARROW.join(
        _side(report, side, language) for side in (selection.sender, selection.receiver)
    )
    parts = [f"{ends} ({_types(report, selection, language)})"]
    parts += [report.name("endpoint", endpoint, language) for endpoint in selection.endpoints]
    parts += [report.name("item", selection.item, language)] if selection.item else []
    when = say["meaning-sent"] if selection.when == "sent" else say["meaning-received"]
    return ", ".join([*parts, when])


def _besides(report: Report, selection: Selection, language: str) -> str:
    types, without = _types(report, selection, language), selection.receiver.partner_not
    if not without:
        return types
    others = " / ".join(report.name("partner", each, language) for each in without)
    return f"{types} ({words(language)['meaning-to-others']} {others})"


def _types(report: Report, selection: Selection, language: str) -> str:
    return ", ".join(report.name("message-type", name, language) for name in selection.types)


def _side(report: Report, side: Side, language: str) -> str:
    if side.country_not:
        return words(language)["meaning-abroad"]
    for column, keys in (
        ("partner", side.partner),
        ("sector", side.sector),
        ("country", side.country),
    ):
        if keys:
            return " / ".join(report.name(column, key, language) for key in keys)
    return words(language)["meaning-anybody"]

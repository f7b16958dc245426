"""`exchange statistics`: the yearly table, counted beside published, in any form and for any
period; counting lives elsewhere.
"""

from __future__ import annotations

import datetime
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from exchange.assembly import ledger_address, ledger_path, statistics_report
from exchange.cli.options import YEAR_MAX, YEAR_MIN, Language, date_of_traffic, share_of
from exchange.clocks import WallClock
from exchange.settings import load
from exchange.statistics.breakdown import columns_of
from exchange.statistics.days import FINLAND
from exchange.statistics.report import Report
from exchange.statistics.rows import load as load_rows
from exchange.statistics.suppression import as_open_data

TABLE = "table"
FORMS = ("csv", "json", "json-stat", "xlsx", "html")
#: More than everybody's traffic: a load test may have made it.
SCALE_MAX = 1000

#: Why counts by dimensions are refused as open data.
ASKED_NOT_OPEN = (
    "open data are the rows and the tables marked open in cuts.toml: counts by other dimensions "
    "add "
    "up with those, and small ones could be worked out; ask without --open-data for table, csv, "
    "json, xlsx or html"
)

#: Why nothing is published of a ledger on a server.
NO_LIST = "the list of what was published as open data stands beside it"


def statistics(
    year: Annotated[int, typer.Option(help="The published year to compare with.")] = 2024,
    form: Annotated[str, typer.Option("--format", help=f"{TABLE}, {', '.join(FORMS)}.")] = TABLE,
    out: Annotated[
        Path | None,
        typer.Option(
            help="A file to write; a folder for every form at once. Default: the standard output."
        ),
    ] = None,
    scale: Annotated[
        str, typer.Option(help="Share of the traffic that was counted, as 1/1000 or 0.001.")
    ] = "1",
    language: Annotated[Language, typer.Option("--lang", "--language")] = "en",
    by: Annotated[
        str | None,
        typer.Option(
            help="Count by dimensions instead of rows: channel, message-type, partner, sector, "
            "month ..."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="First day counted (YYYY-MM-DD).")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Last day counted (YYYY-MM-DD).")
    ] = None,
    counted_year: Annotated[
        int | None,
        typer.Option(
            help="The year whose messages are counted.",
            show_default="the same, or all that the ledger holds",
            min=YEAR_MIN,
            max=YEAR_MAX,
        ),
    ] = None,
    open_data: Annotated[
        bool,
        typer.Option(help="Withhold small counts; whole months only. JSON-stat withholds always."),
    ] = False,
    revision: Annotated[
        str, typer.Option(help="Why open data of days that were published are published again.")
    ] = "",
    ledger: Annotated[
        str | None, typer.Option(help="Address of the ledger (sqlite:///PATH, postgresql://...).")
    ] = None,
) -> None:
    """Print or write the exchange statistics ("Tunnuslukuja - Tiedonvälitys") from the counters."""
    if form not in (TABLE, *FORMS):
        raise typer.BadParameter(f"{TABLE}, {', '.join(FORMS)}", param_hint="--format")
    if year not in (years := load_rows().years):
        raise typer.BadParameter(
            f"no figures of {year} are published: {', '.join(map(str, years))}",
            param_hint="--year",
        )
    asked, open_data = open_data, open_data or form == "json-stat"
    if open_data and by:
        raise typer.BadParameter(ASKED_NOT_OPEN, param_hint="--by")
    first, end = _span(since, until, counted_year)
    share, dimensions = float(share_of(scale, SCALE_MAX)), _dimensions(by)
    where = ledger_address(load(), ledger)
    if isinstance(where, Path) and not where.exists():
        print(f"there is no ledger at {where}", file=sys.stderr)
        raise typer.Exit(2)
    published = open_data or _is_folder(out)
    path = ledger_path(load(), ledger, NO_LIST) if published else Path()
    report = statistics_report(where, year, first, end, share, dimensions)
    if open_data:
        anyway = form == "json-stat" and not asked
        report = _opened(report, path, language, anyway, revision)
    _give(report, form, language, out, by, path, revision)


def _opened(report: Report, ledger: Path, language: str, anyway: bool, revision: str) -> Report:
    """The report as open data. If it is none, the reason goes to standard error on one line;
    `anyway` gives it with small counts withheld, marked as no open data, else the exit code is 2.
    """
    from exchange.publication.publication_record import NotOffered, list_beside, offered

    try:
        return offered(report, list_beside(ledger), revision, _today())
    except (NotOffered, OSError) as refused:
        why = refused.texts[language] if isinstance(refused, NotOffered) else str(refused)
        print(why, file=sys.stderr)
        if anyway and isinstance(refused, NotOffered):
            return replace(as_open_data(report), not_open=refused.texts)
        raise typer.Exit(2) from refused


def _today() -> datetime.date:
    """The day that a running exchange may still count."""
    return datetime.datetime.fromtimestamp(WallClock().now() / 1000, FINLAND).date()


def _is_folder(out: Path | None) -> bool:
    """Whether all of the statistics are written, as a folder for publication."""
    return out is not None and (out.is_dir() or not out.suffix)


def _give(
    report: Report,
    form: str,
    language: str,
    out: Path | None,
    by: str | None,
    ledger: Path,
    revision: str,
) -> None:
    """Print the report, or write it to a file or a folder."""
    # What draws charts and writes workbooks takes a second to import, and the other commands need
    # none of it.
    from exchange.publication.formats import write
    from exchange.publication.publication_record import list_beside
    from exchange.publication.publish import publish
    from exchange.publication.row_descriptions import between, meanings
    from exchange.publication.text import table_text

    if out is not None and _is_folder(out):
        listed = list_beside(ledger)
        made = publish(report, out, language, listed=listed, revision=revision, today=_today())
        for written in made:
            print(written)
    elif form != TABLE:
        write(report, form, language, out, bool(by))
    else:
        # A pipe has no width of its own; the table must not be cut there.
        width = max(Console().width, 110)
        more = [] if by else [*between(report, language), *meanings(report, language)]
        text = table_text(report, language, report.tables[-1] if by else None, width, more)
        print(text, end="") if out is None else out.write_text(text, encoding="utf-8")


def _span(
    since: str | None, until: str | None, counted_year: int | None
) -> tuple[datetime.date | None, datetime.date | None]:
    """The days [first, end) to count; None where the ledger tells."""
    first = datetime.date(counted_year, 1, 1) if counted_year else None
    end = datetime.date(counted_year + 1, 1, 1) if counted_year else None
    try:
        if since:
            first = date_of_traffic(since)
        if until:
            end = date_of_traffic(until) + datetime.timedelta(days=1)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--from, --until") from error
    if first and end and first >= end:
        raise typer.BadParameter("the first day is after the last", param_hint="--from, --until")
    return first, end


def _dimensions(by: str | None) -> tuple[str, ...]:
    dimensions = tuple(name.strip() for name in by.split(",")) if by else ()
    try:
        columns_of(dimensions)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--by") from error
    return dimensions

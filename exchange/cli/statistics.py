"""`exchange statistics`: the yearly table, counted beside published; counting lives in `exchange.statistics`."""

from __future__ import annotations

import asyncio
import datetime
from typing import Annotated

import typer
from rich.console import Console

from exchange.assembly import ledger_path, statistics_lines
from exchange.settings import load
from exchange.statistics.exports import to_csv, to_json
from exchange.statistics.table import text_table


def statistics(
    year: Annotated[int, typer.Option(help="The published year to compare with.")] = 2024,
    counted_year: Annotated[
        int | None, typer.Option(help="The year whose messages are counted.", show_default="all that the ledger holds")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    language: Annotated[str, typer.Option(help="fi, sv or en.")] = "en",
    ledger: Annotated[str | None, typer.Option(help="Address of the ledger (sqlite:///PATH).")] = None,
) -> None:
    """Print the exchange statistics ("Tunnuslukuja - Tiedonvälitys") from the counters."""
    if form not in ("table", "csv", "json"):
        raise typer.BadParameter("table, csv or json", param_hint="--format")
    path = ledger_path(load(), ledger)
    if not path.exists():
        Console(stderr=True).print(f"there is no ledger at {path}", highlight=False)
        raise typer.Exit(2)
    since = datetime.date(counted_year, 1, 1) if counted_year else None
    until = datetime.date(counted_year + 1, 1, 1) if counted_year else None
    rows, lines, period = asyncio.run(statistics_lines(path, year, since, until))
    if form == "csv":
        print(to_csv(lines, period), end="")
    elif form == "json":
        print(to_json(rows, lines, period), end="")
    else:
        console = Console()
        # A pipe has no width of its own; the table must not be cut there.
        console.width = max(console.width, 110)
        console.print(text_table(rows, lines, period, language))

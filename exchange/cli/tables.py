"""Tables on standard output: whole ids whatever reads them, cut by a terminal alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from exchange.schemas.violation import on_one_line

#: Wider than any row.
PIPE_COLUMNS = 1_000


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings; into a pipe or a file every line is as long as it must be."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=heading != headings[-1])
    for row in rows:
        # (What a partner answered may look like markup.)
        table.add_row(*(escape(on_one_line(each)) for each in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_COLUMNS
    console.print(table)

"""`exchange catalogue`: what message types there are, and which of them rest on a public
specification.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from exchange.schemas.catalogue import Catalogue


def catalogue(
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    language: Annotated[str, typer.Option(help="fi, sv or en.")] = "en",
) -> None:
    """List every message type with its basis: published or modelled."""
    if form not in ("table", "json"):
        raise typer.BadParameter("table or json", param_hint="--format")
    if language not in ("fi", "sv", "en"):
        raise typer.BadParameter("fi, sv or en", param_hint="--language")
    message_types = list(Catalogue.load())
    if form == "json":
        print(
            json.dumps(
                [message_type.as_dict() for message_type in message_types],
                ensure_ascii=False,
                indent=2,
            )
        )
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("type", "format", "version", "basis", "title"):
        table.add_column(heading)
    for each in message_types:
        table.add_row(each.name, each.format, each.version, each.basis, each.titles[language])
    Console().print(table)

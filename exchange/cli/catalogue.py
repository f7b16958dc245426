"""`exchange catalogue`: what message types there are, and which of them rest on a public
specification.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from exchange.cli.options import Language
from exchange.cli.tables import print_table
from exchange.schemas.catalogue import Catalogue


def catalogue(
    form: Annotated[Literal["table", "json"], typer.Option("--format")] = "table",
    language: Annotated[Language, typer.Option("--lang", "--language")] = "en",
) -> None:
    """List every message type with its basis: published or modelled."""
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
    rows = [
        (each.name, each.format, each.version, each.basis, each.titles[language])
        for each in message_types
    ]
    print_table(("type", "format", "version", "basis", "title"), rows)

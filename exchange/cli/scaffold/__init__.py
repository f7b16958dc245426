"""`exchange new-channel` and `exchange new-family`: write the folders of a channel or a family, of
which the conformance suite then says what is still to be filled in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.scaffold.templates import ADAPTERS, SCHEMAS, TEMPLATES, Names, write
from exchange.errors import ScaffoldError

#: Where a channel that carries several families keeps what a new one begins with.
FAMILY_TEMPLATE = "families/template"

Name = Annotated[str, typer.Argument(help="Lower-case words divided by hyphens, say work-ability.")]


def new_channel(name: Name) -> None:
    """Write adapters/NAME and schemas/NAME: the smallest channel that works, to be filled in."""
    names = Names.of(name)
    _written(
        names,
        {
            TEMPLATES / "channel": ADAPTERS / names.folder,
            TEMPLATES / "schemas": SCHEMAS / names.folder,
        },
    )


def new_family(
    name: Name,
    channel: Annotated[
        str, typer.Option(help="The folder of the channel that is to carry it.")
    ] = "",
) -> None:
    """Write a channel's families/NAME and schemas/NAME: a family that works, to be filled in."""
    names = Names.of(name)
    template = ADAPTERS / _carrying(channel) / FAMILY_TEMPLATE
    _written(
        names,
        {template: template.parent / names.folder, TEMPLATES / "schemas": SCHEMAS / names.folder},
    )


def _carrying(channel: str) -> str:
    """The channel named, or the only one that carries families in folders.

    Raises:
        ScaffoldError: when there is no such channel, or several and none is named.
    """
    having = sorted(path.parents[1].name for path in ADAPTERS.glob(f"*/{FAMILY_TEMPLATE}"))
    if channel in having:
        return channel
    if channel or len(having) != 1:
        asked = (
            f"{channel} has no {FAMILY_TEMPLATE}" if channel else "several channels have families"
        )
        raise ScaffoldError(f"{asked}; --channel is one of: {', '.join(having)}")
    return having[0]


def _written(names: Names, folders: dict[Path, Path]) -> None:
    for path in write(names, folders):
        print(path)
    print("what is still to be filled in: .venv/bin/python -m pytest -q tests/conformance")

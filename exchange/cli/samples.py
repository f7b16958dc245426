"""`exchange samples`: write valid synthetic messages as files."""

from __future__ import annotations

import datetime
import random
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from exchange import discovery
from exchange.errors import UnknownMessageType


def samples(
    type_name: Annotated[str, typer.Argument(metavar="TYPE", help="The message type, say income-register.wage-reports.")],
    count: Annotated[int, typer.Option("-n", help="How many.", min=1)] = 1,
    out: Annotated[Path, typer.Option("--out", help="The folder to write into.")] = Path("samples"),
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    day: Annotated[datetime.datetime | None, typer.Option(help="The day that they are made on.", formats=["%Y-%m-%d"])] = None,
) -> None:
    """Write COUNT valid messages of TYPE into a folder."""
    generators = discovery.generators()
    if type_name not in generators:
        raise UnknownMessageType(f"no samples of {type_name!r}; there are: {', '.join(sorted(generators))}")
    rng = random.Random(seed)
    date = day.date() if day else datetime.date.today()
    out.mkdir(parents=True, exist_ok=True)
    for number in track(range(count), description=type_name, disable=count < 200):
        made = generators[type_name](rng, date, number)
        suffix = "json" if "json" in made.content_type else "xml"
        (out / f"{type_name}-{number:06d}.{suffix}").write_bytes(made.body)
    print(f"{count} × {type_name} in {out}")

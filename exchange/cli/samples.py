"""`exchange samples`: write valid synthetic messages as files."""

from __future__ import annotations

import datetime
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track

from exchange import discovery
from exchange.cli import calls as whole_calls
from exchange.errors import UnknownMessageType
from exchange.settings import load
from schemas import directory

#: The hour at which calls of a named day are made, in milliseconds.
NOON_MILLISECONDS = 12 * 3_600_000


def samples(
    types: Annotated[list[str], typer.Argument(metavar="TYPE...", help="Message types, say income-register.wage-reports.")],
    count: Annotated[int, typer.Option("-n", help="How many of each type.", min=1)] = 1,
    out: Annotated[Path, typer.Option("--out", help="The folder to write into.")] = Path("samples"),
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    day: Annotated[datetime.datetime | None, typer.Option(help="The day that they are made on.", formats=["%Y-%m-%d"])] = None,
    calls: Annotated[
        bool, typer.Option("--calls", help="Whole calls of the partners that send the type, with a manifest, calls.jsonl.")
    ] = False,
) -> None:
    """Write COUNT valid messages of each TYPE into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    for type_name in types:
        if calls:
            _write_calls(type_name, count, out, seed, day)
        else:
            _write_messages(type_name, count, out, seed, day)
        print(f"{count} × {type_name} in {out}")


def _write_messages(type_name: str, count: int, out: Path, seed: int, day: datetime.datetime | None) -> None:
    generators = discovery.generators()
    if type_name not in generators:
        raise _unknown(type_name, list(generators))
    rng = random.Random(seed)
    date = day.date() if day else datetime.date.today()
    for number in track(range(count), description=type_name, disable=count < 200):
        made = generators[type_name](rng, date, number)
        suffix = "json" if "json" in made.content_type else "xml"
        (out / f"{type_name}-{number:06d}.{suffix}").write_bytes(made.body)


def _write_calls(type_name: str, count: int, out: Path, seed: int, day: datetime.datetime | None) -> None:
    stubs: Sequence[Any] = discovery.stubs()
    everybody = directory.load(load().partners.directory or directory.DEFAULT_PATH)
    now = int(day.replace(tzinfo=datetime.UTC).timestamp() * 1000) + NOON_MILLISECONDS if day else time.time_ns() // 1_000_000
    try:
        made = whole_calls.samples_of(stubs, everybody, type_name, count, seed, now)
        whole_calls.write(list(track(made, description=type_name, total=count, disable=count < 200)), out)
    except LookupError as error:
        sent = {flow.message_type for stub in stubs for flow in stub.flows(everybody)}
        raise _unknown(type_name, list(sent)) from error


def _unknown(type_name: str, known: list[str]) -> UnknownMessageType:
    return UnknownMessageType(f"no samples of {type_name!r}; there are: {', '.join(sorted(known))}")

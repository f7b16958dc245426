"""`exchange samples`: write valid synthetic messages as files, or whole calls for a load test."""

from __future__ import annotations

import datetime
import random
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from exchange import discovery
from exchange.assembly import played_directory
from exchange.cli.options import COUNT_MAX, day_of_traffic
from exchange.cli.partners.own_samples import OwnSamples
from exchange.errors import UnknownMessageType
from exchange.partners.played import Played
from exchange.partners.recorded import as_line, record_calls
from exchange.partners.sender import chains_from
from exchange.settings import load

ALL = "all"


def samples(
    type_name: Annotated[
        str,
        typer.Argument(
            metavar="TYPE",
            help="The message type, say income-register.wage-reports; with --calls also: all.",
        ),
    ],
    count: Annotated[
        int,
        typer.Option("-n", help="How many (with --calls: of each sender).", min=1, max=COUNT_MAX),
    ] = 1,
    out: Annotated[Path, typer.Option("--out", help="The folder to write into.")] = Path("samples"),
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    day: Annotated[
        datetime.datetime | None,
        typer.Option(
            help="The day that they are made on.", formats=["%Y-%m-%d"], callback=day_of_traffic
        ),
    ] = None,
    calls: Annotated[
        bool,
        typer.Option(
            "--calls",
            help="Write calls (sender, path, headers, body, places of ids) to TYPE.calls.jsonl.",
        ),
    ] = False,
    items: Annotated[
        int | None,
        typer.Option(
            help="With --calls: records in each call, where its sender may choose.",
            min=1,
            max=COUNT_MAX,
        ),
    ] = None,
    sender: Annotated[
        str, typer.Option("--from", help="The partner of your own that sends them; dated now.")
    ] = "",
    to: Annotated[str, typer.Option(help="With --from: the partner that they go to.")] = "",
    exchange: Annotated[
        str,
        typer.Option(
            help="With --from: the exchange that the partner was added to.",
            show_default="from the settings",
        ),
    ] = "",
) -> None:
    """Write COUNT valid messages of TYPE into a folder; with --from the bodies of a partner's calls
    (`--out -`: one to standard output), and a line of curl that sends the first one.
    """
    if to and not sender:
        raise typer.BadParameter("goes with --from", param_hint="--to")
    if sender:
        now = int(day.replace(hour=12, tzinfo=datetime.UTC).timestamp()) * 1000 if day else 0
        OwnSamples.named(sender, to, exchange).write(type_name, count, out, seed, now)
    elif calls:
        _calls(type_name, count, out, seed, day, items)
    else:
        _messages(type_name, count, out, seed, day)


def _messages(
    type_name: str, count: int, out: Path, seed: int, day: datetime.datetime | None
) -> None:
    generators = discovery.generators()
    if type_name not in generators:
        raise UnknownMessageType(
            f"no samples of {type_name!r}; there are: {', '.join(sorted(generators))}"
        )
    out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    # Of yesterday: what is made may be of any time of its day, and must not be of the future.
    date = day.date() if day else datetime.date.today() - datetime.timedelta(days=1)
    for number in track(range(count), description=type_name, disable=count < 200):
        made = generators[type_name](rng, date, number)
        suffix = "json" if "json" in made.content_type else "xml"
        (out / f"{type_name}-{number:06d}.{suffix}").write_bytes(made.body)
    print(f"{count} × {type_name} in {out}")


def _calls(
    type_name: str,
    count: int,
    out: Path,
    seed: int,
    day: datetime.datetime | None,
    items: int | None,
) -> None:
    everybody = played_directory(load())
    stubs = [Played(stub) for stub in discovery.stubs()]
    sent = {
        flow.message_type for stub in stubs for flow in stub.flows(everybody) if flow.weight > 0
    }
    if type_name not in sent | {ALL}:
        raise UnknownMessageType(
            f"no partner sends {type_name!r} by itself; there are: {', '.join(sorted(sent))}"
        )
    out.mkdir(parents=True, exist_ok=True)
    nanoseconds = (
        int(day.replace(hour=12, tzinfo=datetime.UTC).timestamp()) * 10**9
        if day
        else time.time_ns()
    )
    now, first = nanoseconds // 10**6, chains_from(nanoseconds)
    for name in sorted(sent) if type_name == ALL else [type_name]:
        lines = [
            as_line(call)
            for call in record_calls(stubs, everybody, name, count, seed, now, first, items)
        ]
        (out / f"{name}.calls.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{len(lines)} calls × {name} in {out}")

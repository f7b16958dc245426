"""`exchange simulate`: a whole year of the exchange, as fast as the machine can; what a shard does
stands in `shards`.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from exchange.assembly import statistics_report
from exchange.cli.options import YEAR_MAX, YEAR_MIN, Language, share_of
from exchange.cli.simulating.pool import live_all
from exchange.cli.simulating.shards import Run, Shard
from exchange.clocks import WallClock
from exchange.publication.comparison import compare, comparison_csv, comparison_text, counted
from exchange.publication.csv_json import document
from exchange.publication.runs import LEDGERS, RUN
from exchange.publication.text import table_text
from exchange.settings import load
from exchange.simulation.calendar import span_of
from exchange.simulation.local_partners import Made
from exchange.simulation.profiles import faults_of
from exchange.simulation.what_if import Scenario, scenario_of
from exchange.simulation.year import SHARDS_MAX, shards_at
from exchange.statistics.report import Report
from exchange.storage.ownership import own

console = Console(stderr=True, soft_wrap=True, markup=False)


YEAR = typer.Argument(
    help="The year: its calendar, and its published figures where there are any.",
    min=YEAR_MIN,
    max=YEAR_MAX,
)
PROCESSES = typer.Option(
    help="Programs that share the work; the files don't depend on it.", min=1, max=SHARDS_MAX
)
WHAT_IF = typer.Option(
    "--what-if",
    help="A change (may be given again): STREAM=+20%, partner+ID=COPY-OF-ID, "
    "cut:PARTNER=YYYY-MM-DD..YYYY-MM-DD, interface=2025. "
    "The year is then simulated without and with it.",
)


def simulate(
    year: Annotated[int, YEAR],
    scale: Annotated[
        str, typer.Option(help="Share of the year's traffic, as 1/1000 or 0.001; at most 1.")
    ] = "1/1000",
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same files, byte for byte.", min=0)
    ] = 1,
    processes: Annotated[int, PROCESSES] = 2,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results.", show_default="simulations/YEAR-SCALE-SEED"),
    ] = None,
    what_if: Annotated[list[str] | None, WHAT_IF] = None,
    days: Annotated[
        str | None,
        typer.Option(
            help="Only these days of the year: YYYY-MM-DD, or the first and the last as "
            "YYYY-MM-DD..YYYY-MM-DD."
        ),
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option(help="How the partners misbehave: a profile's name or a TOML file of faults."),
    ] = None,
    language: Annotated[
        Language, typer.Option("--lang", "--language", help="Of the table printed.")
    ] = "en",
) -> None:
    """Simulate a year through the whole journey, and print and write the statistics that were
    counted.

    A run that was stopped goes on from where it was when it is given again with the same OUT. Exit
    code 0: done; 1: the ledgers don't bear the counters out, or messages were refused without a
    fault; 2: the arguments are no run.
    """
    try:
        run = Run(
            year=year,
            scale=share_of(scale, 1),
            seed=seed,
            scenario=Scenario(),
            faults=faults_of(faults) if faults else (),
            days=_days(days, year),
        )
        scenario = scenario_of(what_if or [])
        changed = replace(run, scenario=scenario)
        # Whatever is wrong with it shows when it is planned, before anything is written.
        missing = changed.plan().missing
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    if missing:
        console.print(f"no stub has these flows yet: {', '.join(missing)}", highlight=False)
    folder = out or Path(load().simulations.folder) / _name(run)
    sound = (
        _both(run, changed, folder, processes, language)
        if scenario.texts
        else _one(run, folder, processes, language)
    )
    console.print(f"written to {folder}", highlight=False)
    raise typer.Exit(0 if sound else 1)


def _one(run: Run, folder: Path, processes: int, language: str) -> bool:
    """Live a year, print and write its statistics; whether all is sound."""
    report, sound = _live(run, folder, processes)
    _publish(report, folder)
    print(table_text(report, language, width=max(Console().width, 110)), end="")
    return sound


def _both(run: Run, changed: Run, folder: Path, processes: int, language: str) -> bool:
    """Live a year without and with a change, print and write both and how they differ;
    whether all is sound.
    """
    # Both years are lived before either is published: what draws charts stays in memory.
    base, base_sound = _live(run, folder / "without", processes)
    report, sound = _live(changed, folder / "with", processes)
    _publish(base, folder / "without")
    _publish(report, folder / "with")
    comparison = compare(counted(document(base)), counted(document(report)))
    (folder / "comparison.csv").write_text(comparison_csv(comparison), encoding="utf-8")
    print(comparison_text(comparison, changed.scenario.texts, language), end="")
    return sound and base_sound


def _live(run: Run, folder: Path, processes: int) -> tuple[Report, bool]:
    """Live the year (or what is left of it) and prove the counters; the report, and whether all is
    sound.
    """
    # The processes that live the shards hold it too, as long as they do.
    with own(folder / LEDGERS / "run", "exchange simulate", WallClock().now()):
        _claim(run, folder)
        shards = [Shard(folder / LEDGERS, number) for number in range(shards_at(run.scale))]
        made = live_all(run, shards, processes, console, folder)
        sound = _tell(made, bool(run.faults or run.scenario.texts))
        return statistics_report(
            [shard.ledger for shard in shards],
            run.year,
            *run.period(),
            float(run.scale),
            simulated=True,
        ), sound


def _publish(report: Report, folder: Path) -> None:
    # The charts take a second to import, for which no other command should wait.
    from exchange.publication.publish import publish

    publish(report, folder, listed=folder / "open-data.json")


def _claim(run: Run, folder: Path) -> None:
    """Say whose folder it is.

    Raises:
        BadParameter: when it is another run's.
    """
    mine = json.dumps(run.as_dict(), indent=2) + "\n"
    path = folder / RUN
    if path.exists() and path.read_text(encoding="utf-8") != mine:
        raise typer.BadParameter(
            f"{folder} holds another run (see {RUN} there); name another folder", param_hint="--out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(mine, encoding="utf-8")


def _tell(made: list[Made], excused: bool) -> bool:
    """Say what was refused and what the ledgers did not bear out; whether all is sound. `excused`
    runs may have refusals.
    """
    refused, lost = sum(each.refused for each in made), sum(each.lost for each in made)
    if refused or lost:
        console.print(f"{refused} calls were refused, {lost} were lost by faults", highlight=False)
        for text in [text for each in made for text in each.refusals][:5]:
            console.print(f"  {text}", highlight=False, markup=False)
    proofs = [each.proof for each in made if each.proof]
    console.print("\n".join(proofs) if proofs else "verify: clean", highlight=False, markup=False)
    return not proofs and (excused or not refused)


def _name(run: Run) -> str:
    days = f"-{run.days[0]:%m%d}-{run.days[1]:%m%d}" if run.days else ""
    return f"{run.year}-{str(run.scale).replace('/', '-')}-{run.seed}{days}"


def _days(text: str | None, year: int) -> tuple[datetime.date, datetime.date] | None:
    """The first and the last day of a stretch of the year."""
    if text is None:
        return None
    try:
        days = span_of(text)
    except ValueError as error:
        raise ValueError(f"--days: {error}") from error
    if {day.year for day in days} != {year}:
        raise ValueError(f"--days: {text!r} is not of {year}")
    return days

"""`exchange scenario`: runs a file of who sends what when, and says whether what it expects was
counted; how a scenario is run lives in `scenario_run`.
"""

from __future__ import annotations

import hashlib
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from exchange.assembly import played_directory
from exchange.cli.api import print_json
from exchange.cli.simulating.scenario_run import Ran, run
from exchange.settings import load
from exchange.simulation.scenarios import file as files
from exchange.simulation.scenarios.file import Scenario
from exchange.simulation.scenarios.token import Token, token_of

app = typer.Typer(
    no_args_is_help=True,
    help="Run who sends what when, and hold what was counted against what was expected.",
)

FILE = typer.Argument(help="A scenario's file, or the name of one that the product carries.")
SEED = typer.Option(help="Seed of messages and faults.", show_default="the file's", min=0)
LEDGER = typer.Option(help="Keep the ledger, as this new file.", show_default="thrown away")


@app.command("list")
def list_all() -> None:
    """List the scenarios that the product carries."""
    everybody = played_directory(load())
    for name in files.names():
        print(f"{name}: {files.load(name, everybody).tables.title}")


@app.command("run")
def run_one(
    file: Annotated[str, FILE],
    seed: Annotated[int | None, SEED] = None,
    token: Annotated[str, typer.Option(help="Of a run that is to come again.")] = "",
    ledger: Annotated[Path | None, LEDGER] = None,
    timeline: Annotated[
        Path | None, typer.Option(help="Write what happened to each message into this file.")
    ] = None,
    form: Annotated[Literal["text", "json"], typer.Option("--format")] = "text",
) -> None:
    """Run a scenario in simulated time on a ledger of its own, and tell each expectation.

    Exit code 0: all that was expected was counted, and the ledger proves it; 1: not so; 2: the file
    or the token can't be run. The token that is told stands for file, seed and version: with
    `--token` the same run comes again, with the same timeline.
    """
    everybody = played_directory(load())
    try:
        scenario = files.load(file, everybody)
        known = _token(scenario, seed, token)
        if ledger is not None and ledger.exists():
            raise ValueError(f"--ledger: {ledger} is there already")
        with tempfile.TemporaryDirectory(prefix="scenario-") as folder:
            place = (ledger or Path(folder) / "exchange.db").absolute()
            ran = run(scenario, known.seed, place, everybody)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from error
    if timeline is not None:
        timeline.write_text(ran.timeline + "\n", encoding="utf-8")
    told = _told(scenario, known, ran)
    if form == "json":
        print_json(told)
    else:
        _print(told)
    raise typer.Exit(0 if told["met"] else 1)


def _token(scenario: Scenario, seed: int | None, text: str) -> Token:
    """What determines this run.

    Raises:
        ValueError: when the token is of another file or version, or there is a seed besides.
    """
    own = version("exchange-simulator")
    if not text:
        return Token(scenario.tables.seed if seed is None else seed, own, scenario.digest)
    if seed is not None:
        raise ValueError("--seed: the token holds one")
    known = token_of(text)
    known.check(own, scenario.digest)
    return known


def _told(scenario: Scenario, token: Token, ran: Ran) -> dict[str, Any]:
    expectations = [
        {
            "about": each.text(),
            "expected": each.wanted(),
            "found": (found := each.found(ran.counts)),
            "met": each.is_met(found),
        }
        for each in scenario.tables.expect
    ]
    return {
        "scenario": scenario.name,
        "title": scenario.tables.title,
        "token": str(token),
        "timeline_sha256": hashlib.sha256(ran.timeline.encode()).hexdigest(),
        "met": ran.is_proved and all(each["met"] for each in expectations),
        "proved": ran.is_proved,
        "expectations": expectations,
    }


def _print(told: dict[str, Any]) -> None:
    for each in told["expectations"]:
        mark = "ok    " if each["met"] else "NOT SO"
        print(f"{mark} {each['about']}: {each['found']} (expected: {each['expected']})")
    print(f"{'ok    ' if told['proved'] else 'NOT SO'} the ledger proves every count")
    print(f"token {told['token']}, timeline {told['timeline_sha256'][:16]}")

"""`exchange validate`: judge files as the channel would, without sending them."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Annotated

import typer

from exchange.assembly import checking
from exchange.cli.api import print_json
from exchange.journey.check import Checked
from exchange.schemas.violation import on_one_line


def validate(
    files: Annotated[
        list[Path], typer.Argument(help="Files to judge; - reads standard input.", allow_dash=True)
    ],
    type_name: Annotated[
        str, typer.Option("--type", help="The message type, where the document can't tell it.")
    ] = "",
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    as_of: Annotated[
        datetime.datetime | None,
        typer.Option(
            "--as-of",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Judge once more by the codes and rules of that payment date (Incomes Register).",
        ),
    ] = None,
) -> None:
    """Print every violation of each file. Exit code 0: all valid (warnings allowed); 1: one is not;
    2: a type can't be told. With --as-of each file is told twice, and both must be valid.
    """
    if form not in ("text", "json"):
        raise typer.BadParameter(f"text or json, not {form!r}", param_hint="--format")
    judge = checking()
    results: list[tuple[dict[str, str], Checked]] = []
    for file in files:
        try:
            body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        except OSError as error:
            print(f"{on_one_line(str(file))}: {error.strerror}", file=sys.stderr)
            raise typer.Exit(2) from error
        results.append(({"file": str(file)}, judge.check(body, type_name)))
        if as_of is not None:
            again = judge.check(body, type_name, as_of=as_of.date())
            results.append(({"file": str(file), "as_of": as_of.date().isoformat()}, again))
    if form == "json":
        print_json([{**of, **checked.as_dict()} for of, checked in results])
    else:
        for of, checked in results:
            print(text(" as of ".join(of.values()), checked))
    if not all(checked.known for _, checked in results):
        raise typer.Exit(2)
    if not all(checked.valid for _, checked in results):
        raise typer.Exit(1)


def text(name: str, checked: Checked) -> str:
    """A file's result for a person: a line of verdict, then each violation with its source line and
    a caret.
    """
    errors = sum(violation.severity == "error" for violation in checked.violations)
    warnings = len(checked.violations) - errors
    verdict = "valid" if checked.valid else "type unknown" if not checked.known else "not valid"
    counts = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
    of_type = f" as {checked.message_type} ({checked.basis})" if checked.message_type else ""
    lines = [f"{on_one_line(name)}: {verdict}{of_type}: {counts}"]
    for violation in checked.violations:
        lines += [f"  {line}" for line in violation.as_lines()]
    return "\n".join(lines)

"""The command line: one file a command; what a command does is done elsewhere."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console
from typer.exceptions import TyperException

from exchange.cli import (
    backup,
    bench,
    catalogue,
    dead_letters,
    keys,
    move,
    operators,
    restore,
    run,
    samples,
    scaffold,
    send,
    statistics,
    validate,
    verify,
)
from exchange.cli.partners import stubs
from exchange.cli.serving import doctor, serve
from exchange.cli.simulating import simulate
from exchange.errors import ExchangeError
from exchange.schemas.directory import DirectoryFault

#: What a shell says of a program that Ctrl-C ended.
INTERRUPTED = 130

app = typer.Typer(
    name="exchange",
    help="A simulator of the information exchange that Finland's social security runs on.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"exchange {version('exchange-simulator')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help="Say which this is."),
    ] = False,
) -> None:
    """What holds for every command."""


app.command("run")(run.run)
app.command("serve")(serve.serve)
app.add_typer(stubs.app, name="partners")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(operators.app, name="operators")
app.add_typer(keys.app, name="keys")
app.command("send")(send.send)
app.command("doctor")(doctor.doctor)
app.command("validate")(validate.validate)
app.command("samples")(samples.samples)
app.command("catalogue")(catalogue.catalogue)
app.command("new-channel")(scaffold.new_channel)
app.command("new-family")(scaffold.new_family)
app.command("simulate")(simulate.simulate)
app.command("statistics")(statistics.statistics)
app.command("verify")(verify.verify)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.command("move")(move.move)
app.command("bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    bench.bench
)


def main() -> None:
    """Run a command; what is wrong with arguments, settings, directory or ledger is told in one
    line, with exit code 2.
    """
    try:
        sys.exit(app(standalone_mode=False))
    except typer.Abort:
        sys.exit(INTERRUPTED)
    except TyperException as error:
        # (Help that was asked for by giving no arguments was printed; its message is empty.)
        if message := error.format_message():
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "exchange"
            message = message.replace("Value error, ", "").rstrip(".")
            _tell(f"{command}: {message} (see {command} --help)")
        sys.exit(2)
    except (ExchangeError, DirectoryFault) as error:
        _tell(f"{type(error).__name__}: {error}")


def _tell(line: str) -> None:
    # One line, however long: neither wrapped nor read as markup.
    Console(stderr=True).print(
        " ".join(line.split()), highlight=False, markup=False, soft_wrap=True
    )
    sys.exit(2)

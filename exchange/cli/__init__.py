"""The command line: one file a command; what a command does is done elsewhere."""

from __future__ import annotations

import io
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from exchange.cli.commands import CommandLine
from exchange.errors import ExchangeError

#: What a shell says of a program that Ctrl-C ended.
INTERRUPTED = 130
#: Nobody reads the output any longer; what Typer ends with as well.
NOBODY_READS = 1

app = typer.Typer(
    name="exchange",
    cls=CommandLine,
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


def main() -> None:
    """Run a command; what is wrong with arguments, settings, directory, ledger, files or the disk
    is told in one line, with exit code 2.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # (A file's name may hold what the terminal can't show.)
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
        _flush()
        sys.exit(code)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except TyperException as error:
        # (Help that was asked for by giving no arguments was printed; its message is empty.)
        if message := error.format_message():
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "exchange"
            message = message.replace("Value error, ", "").rstrip(".")
            _tell(f"{command}: {message} (see {command} --help)")
        sys.exit(2)
    except BrokenPipeError:
        _write_no_more()
        sys.exit(NOBODY_READS)
    except OSError as error:
        _write_no_more()
        place = f"{error.filename}: " if error.filename else ""
        _tell(f"{type(error).__name__}: {place}{error.strerror or error}")
    except Exception as error:
        if not isinstance(error, _told()):
            raise
        _tell(f"{type(error).__name__}: {error}")


def _flush() -> None:
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def _write_no_more() -> None:
    """What could not be written is not tried again when Python ends, where it can't be told."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told() -> tuple[type[Exception], ...]:
    # Imported once there is an error: no command waits for what it does not use.
    from exchange.schemas.directory import DirectoryFault

    return ExchangeError, DirectoryFault


def _tell(line: str) -> None:
    # One line, however long.
    from exchange.schemas.violation import visible

    print(visible(" ".join(line.split())), file=sys.stderr)
    sys.exit(2)

"""`exchange sandbox`: exchanges by name, each with partners, ledger and counters of its own; what
one is lives in `sandboxes`.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.api import AsJson, print_json
from exchange.cli.serving.sandboxes import Sandbox, sandboxes
from exchange.cli.tables import print_table

app = typer.Typer(no_args_is_help=True, help="Exchanges by name, for a team that shares a machine.")

Name = Annotated[str, typer.Argument(help="Small letters, digits, hyphens.")]
Folder = Annotated[Path, typer.Option(help="Where the sandboxes are.")]
FOLDER = Path("sandboxes")


@app.command()
def start(
    name: Name,
    port: Annotated[
        int, typer.Option(help="Port of the exchange.", show_default="a free one", min=0, max=65535)
    ] = 0,
    folder: Folder = FOLDER,
) -> None:
    """Start a sandbox, a new one or one that was stopped, with the stubs of all partners and
    without traffic; print its address. Its folder keeps its ledger, its log and, where you write
    one, its exchange.toml.
    """
    # (So that what was begun is ended, as by Ctrl-C.)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(Sandbox.named(folder, name).start(port))


@app.command("list")
def list_all(as_json: AsJson = False, folder: Folder = FOLDER) -> None:
    """List the sandboxes and where those that run are."""
    found = [each.as_dict() for each in sandboxes(folder)]
    if as_json:
        print_json(found)
        return
    rows = [(str(each["name"]), str(each["address"]) or "stopped") for each in found]
    print_table(("sandbox", "address"), rows)


@app.command()
def stop(name: Name, folder: Folder = FOLDER) -> None:
    """Stop a sandbox; its ledger stays, and it goes on from there when it is started again."""
    Sandbox.named(folder, name).stop()


@app.command()
def remove(name: Name, folder: Folder = FOLDER) -> None:
    """Remove a sandbox that is stopped, with its ledger."""
    Sandbox.named(folder, name).remove()

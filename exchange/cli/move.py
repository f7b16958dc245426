"""`exchange move`: carry a ledger in a file over to a PostgreSQL server."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from exchange.assembly import ledger_address, ledger_path
from exchange.cli.verify import require_ledger, text
from exchange.errors import SettingsError
from exchange.settings import load
from exchange.storage.postgresql_server.address import Server


def move(
    to: Annotated[
        str,
        typer.Option(help="Where it goes: an empty database (postgresql://USER@HOST/DATABASE)."),
    ],
    ledger: Annotated[
        str | None, typer.Option(help="Address of the ledger (sqlite:///PATH).")
    ] = None,
) -> None:
    """Copy the ledger, which nobody may serve meanwhile, to a server, and verify the copy against
    the file's heads. The file stays as it is: serve it no more. Exit code 0: clean; 1: the copy is
    there, but not clean; 2: no copy.
    """
    settings = load()
    path = ledger_path(settings, ledger)
    where = ledger_address(settings, to)
    if not isinstance(where, Server):
        raise SettingsError(
            f"--to: {to!r} is no server (postgresql://USER@HOST/DATABASE); "
            "`exchange backup` copies to a file"
        )
    require_ledger(path)
    # (Imported only where it is used: the embedded ledger needs no time for asyncpg.)
    from exchange.storage.postgresql.move import move as move_ledger

    with Console(stderr=True).status("copying and verifying"):
        verification = move_ledger(path, where)
    print(text(verification))
    if not verification.clean:
        raise typer.Exit(1)
    print(f"move: {path} is carried over to {where}")

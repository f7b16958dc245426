"""`exchange backup`: a copy of the ledger, made while it is in use, and proved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from exchange.assembly import ledger_path
from exchange.cli.verify import require_ledger, text
from exchange.settings import load
from exchange.storage.copies import back_up

#: What makes copies where there is a server.
COPIED_BY_SERVER = "pg_basebackup or pg_dump copies it"


def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes; nothing may be there.")],
    ledger: Annotated[
        str | None, typer.Option(help="Address of the ledger (sqlite:///PATH).")
    ] = None,
) -> None:
    """Copy the ledger, which may be in use, and verify the copy. Exit code 0: clean; 1: the copy is
    there, but not clean; 2: no copy.
    """
    path = ledger_path(load(), ledger, COPIED_BY_SERVER)
    require_ledger(path)
    with Console(stderr=True).status("copying and verifying"):
        verification = back_up(path, file)
    print(text(verification))
    if not verification.clean:
        raise typer.Exit(1)
    print(f"backup: {path} is copied to {file}")

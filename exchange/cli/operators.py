"""`exchange operators`: who may operate the exchange; keys are shown once and kept as hashes."""

from __future__ import annotations

import asyncio
import datetime
import re
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from exchange.cli.accounts import operators_of
from exchange.cli.tables import print_table
from exchange.clocks import WallClock
from exchange.errors import OperatorError
from exchange.ports import Actor, Operator
from exchange.ports.operators import ROLES
from exchange.schemas.directory import digest_of
from exchange.settings import load
from exchange.storage.operators.accounts import LedgerOperators
from exchange.web.access.new_keys import new_key

app = typer.Typer(help="Operators of the exchange and their keys.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The operator's name.")]
#: Names in the audit log of those who have no key.
RESERVED = ("open", "watcher")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@app.command("add")
def add(
    name: Name, role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "viewer"
) -> None:
    """Add an operator and show the key, once."""
    if role not in ROLES:
        raise OperatorError(f"no role {role!r}: {', '.join(ROLES)}")
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise OperatorError(
            f"{name!r} can't be an operator's name: at most 64 letters, digits and ._@-, "
            f"not {' or '.join(RESERVED)}"
        )
    key, now = new_key("operator"), WallClock().now()
    _change(
        lambda operators, actor: operators.add(Operator(name, role), digest_of(key), now, actor)
    )
    print(f"{name} is {role}; the key, shown once: {key}")


@app.command("list")
def list_all() -> None:
    """List the operators, their roles and when their keys were made."""
    rows = []
    for each in asyncio.run(_listed()):
        times = (datetime.datetime.fromtimestamp(at / 1000, datetime.UTC) for at in each[2])
        rows.append((each[0], each[1], ", ".join(f"{at:%Y-%m-%d %H:%M:%S}" for at in times)))
    print_table(("name", "role", "keys made at (UTC)"), rows)


@app.command("rotate")
def rotate(
    name: Name,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Every earlier key ends now, with its sessions.")
    ] = False,
) -> None:
    """Make another key and show it, once. The last one counts until `drop-old-key`."""
    key, now = new_key("operator"), WallClock().now()
    _change(
        lambda operators, actor: operators.rotate(name, digest_of(key), now, actor, at_once=at_once)
    )
    print(f"the new key of {name}, shown once: {key}")


@app.command("drop-old-key")
def drop_old_key(name: Name) -> None:
    """End a rotation: of the operator's keys only the newest counts."""
    _change(lambda operators, actor: operators.drop_old_key(name, WallClock().now(), actor))
    print(f"of the keys of {name} only the newest counts")


@app.command("remove")
def remove(name: Name) -> None:
    """Remove an operator with keys and sessions."""
    _change(lambda operators, actor: operators.remove(name, WallClock().now(), actor))
    print(f"{name} is removed")


def _change(change: Callable[[LedgerOperators, Actor], Awaitable[None]]) -> None:
    async def run() -> None:
        async with operators_of(load()) as (operators, actor):
            await change(operators, actor)

    asyncio.run(run())


async def _listed() -> list[tuple[str, str, tuple[int, ...]]]:
    async with operators_of(load()) as (operators, _):
        return [
            (each.name, each.role, tuple(each.keys_made_at)) for each in await operators.listed()
        ]

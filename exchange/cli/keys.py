"""`exchange keys`: makes keys and the hashes by which they are kept; opens nothing with them."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.accounts import operators_of
from exchange.clocks import WallClock
from exchange.errors import SettingsError
from exchange.ports import Operator
from exchange.schemas.directory import DEFAULT_PATH, digest_of, load
from exchange.settings import load as load_settings
from exchange.web.access.new_keys import new_key, write_private

app = typer.Typer(help="Keys of partners and the hashes of them.", no_args_is_help=True)

#: Shorter keys may be found by trying, since their hash is fast.
KEY_CHARACTERS_MIN = 32
#: The first operator.
ADMIN = "admin"
HEADER = "# Partners of the simulation, with keys made by `exchange keys init`."
_KEY = re.compile(r'^key = "[^"]*"$')
_SECRET = re.compile(r'^callback_secret = "[^"]*"$')


@app.command("make")
def make() -> None:
    """Print a new key of a partner, shown once, and the line that keeps its hash."""
    key = new_key("partner")
    print(f"key (shown once): {key}")
    print(f'key_sha256 = ["{digest_of(key).hex()}"]')


@app.command("hash")
def hash_key() -> None:
    """Print the line of the directory that keeps the hash of a key, read from standard input."""
    key = sys.stdin.readline().strip()
    if len(key) < KEY_CHARACTERS_MIN:
        raise SettingsError(
            f"the key has {len(key)} characters; at least {KEY_CHARACTERS_MIN} random ones are "
            "wanted, as `exchange keys make` makes them"
        )
    print(f'key_sha256 = ["{digest_of(key).hex()}"]')


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(help="Where the keys are kept; made when missing.")],
) -> None:
    """Make keys for every partner of the shipped directory and for a first operator, once.

    What is there already stays. Writes FOLDER/directory.toml (hashes, for the exchange),
    FOLDER/stubs.toml (readable keys, for the stubs and to hand out) and FOLDER/admin.key.
    """
    hashes, readable, admin = (
        folder / name for name in ("directory.toml", "stubs.toml", "admin.key")
    )
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not hashes.exists():
            kept, played = partner_files(DEFAULT_PATH.read_text(encoding="utf-8"))
            write_private(readable, played.encode())
            write_private(hashes, kept.encode())
        if not admin.exists():
            write_private(admin, f"{new_key('operator')}\n".encode())
    except OSError as error:
        raise SettingsError(f"keys can't be kept in {folder}: {error.strerror}") from error
    load(hashes)
    opens = asyncio.run(_first_operator(admin.read_text(encoding="utf-8").strip()))
    print(f"keys: partners' hashes in {hashes} (partners.directory)")
    print(f"keys: partners' readable keys in {readable} (partners.stubs_directory)")
    what = "opens the page" if opens else "opens nothing: the ledger has other operators"
    print(f"keys: the first operator's key in {admin}; it {what}", flush=True)


def partner_files(shipped: str) -> tuple[str, str]:
    """A directory with a new key and callback secret for each partner: the text that keeps the
    keys' hashes, and the text that keeps the keys.
    """
    hashes, readable = [f"{HEADER} Keeps the keys' hashes."], [f"{HEADER} Keeps readable keys."]
    lines = shipped.split("\n")
    first = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    for line in lines[first:]:
        kept = played = line
        if _KEY.match(line):
            key = new_key("partner")
            kept, played = f'key_sha256 = ["{digest_of(key).hex()}"]', f'key = "{key}"'
        elif _SECRET.match(line):
            kept = played = f'callback_secret = "{new_key("callback")}"'
        hashes.append(kept)
        readable.append(played)
    return "\n".join(hashes), "\n".join(readable)


async def _first_operator(key: str) -> bool:
    """Keep the key for an operator `admin` in the ledger, unless it has operators; whether it opens
    something.
    """
    async with operators_of(load_settings()) as (operators, actor):
        if not await operators.listed():
            now = WallClock().now()
            await operators.add(Operator(ADMIN, "admin"), digest_of(key), now, actor)
        return await operators.by_key(digest_of(key)) is not None

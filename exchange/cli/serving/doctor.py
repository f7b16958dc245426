"""`exchange doctor`: what an exchange needs on this machine, and what of it is missing; changes
nothing.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import re
import resource
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import typer

from exchange.assembly import (
    check_listeners,
    directory_of,
    ledger_address,
    ledger_path,
    played_directory,
)
from exchange.cli.api import AsJson, print_json
from exchange.cli.serving import exposure
from exchange.cli.serving.port import bind
from exchange.cli.tables import print_table
from exchange.errors import ExchangeError
from exchange.schemas.directory import DirectoryFault
from exchange.settings import Settings, load
from exchange.storage.health.sqlite_version import wal_reset_fault
from exchange.storage.migrate import newest_revision, revision
from exchange.storage.ownership import owner_of
from exchange.storage.postgresql_server.address import Server
from exchange.web.access.hosts import is_loopback

DISTRIBUTION = "exchange-simulator"
#: A ledger grows by about a kilobyte a message; below this much room it is told.
FREE_BYTES_MIN = 1 << 30
#: Files and connections that a worker may hold, at least.
OPEN_FILES_MIN = 1024
_NAME = re.compile(r"[A-Za-z0-9._-]+")

#: `note`: it works, but not for everything; `missing`: it does not.
State = Literal["ok", "note", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do where something is wrong."""

    what: str
    state: State
    told: str


def doctor(as_json: AsJson = False) -> None:
    """Look at Python, packages, settings, partners, ledger, ports and limits; say what is missing.

    Exit code 0: an exchange can start; 1: something is missing.
    """
    found = examine()
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        print_table(("what", "state", ""), [(each.what, each.state, each.told) for each in found])
    if any(each.state == "missing" for each in found):
        raise typer.Exit(1)


def examine(given: Settings | None = None) -> list[Finding]:
    """Every finding, in the order in which a start needs it; by the settings that are in force
    where none are given.
    """
    found = [_python(), _sqlite(), _packages()]
    try:
        settings = given or load()
    except ExchangeError as error:
        return [*found, Finding("settings", "missing", str(error))]
    found.append(Finding("settings", "ok", _where()))
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _partners,
        _exposure,
        _ledger,
        _room,
        _port,
        _listeners,
        _stubs_port,
    )
    return [*found, *(check(settings) for check in checks), _open_files()]


def _python() -> Finding:
    return Finding("python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def _sqlite() -> Finding:
    fault = wal_reset_fault()
    return Finding("sqlite", "note" if fault else "ok", fault or "several workers may write")


def _packages() -> Finding:
    """Whether every package that the wheel names is installed."""
    wanted = importlib.metadata.requires(DISTRIBUTION) or []
    named = [_NAME.match(each) for each in wanted if "extra ==" not in each]
    names = [found[0] for found in named if found]
    lacking = [name for name in names if not _installed(name)]
    if lacking:
        told = f"install {', '.join(lacking)}, or the wheel again with pip, which brings them"
        return Finding("packages", "missing", told)
    return Finding("packages", "ok", f"{len(names)} packages")


def _installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _where() -> str:
    file = Path("exchange.toml")
    variables = sum(name.upper().startswith("EXCHANGE_") for name in os.environ)
    source = str(file.absolute()) if file.exists() else "defaults (no exchange.toml here)"
    return f"{source}, {variables} variables EXCHANGE_*"


def _partners(settings: Settings) -> Finding:
    try:
        everybody, played = directory_of(settings), played_directory(settings)
    except DirectoryFault as error:
        return Finding("partners", "missing", str(error))
    keys = sum(bool(each.key) and each.is_played for each in played)
    told = f"{len(everybody)} partners, of whom stubs can send as {keys}"
    return Finding("partners", "ok" if keys else "note", told)


def _exposure(settings: Settings) -> Finding:
    try:
        exposure.check(settings)
    except (ExchangeError, DirectoryFault) as error:
        return Finding("address", "missing", str(error))
    return Finding("address", "ok", f"{settings.server.host}")


def _folder(path: Path) -> Path:
    """The folder in which a ledger is, or will be made."""
    return next(
        each for each in (path.absolute().parent, *path.absolute().parents) if each.exists()
    )


def _ledger(settings: Settings) -> Finding:
    try:
        where = ledger_address(settings)
        return _on_server(where) if isinstance(where, Server) else _in_file(where)
    except (ExchangeError, OSError) as error:
        return Finding("ledger", "missing", str(error))


def _in_file(path: Path) -> Finding:
    folder, elsewhere = _folder(path), "name another place in storage.url"
    if not folder.is_dir():
        return Finding("ledger", "missing", f"{folder} is no folder: {elsewhere}")
    for each in filter(Path.exists, (folder, path)):
        if not os.access(each, os.W_OK):
            told = f"{each} can't be written by this user: {elsewhere}"
            return Finding("ledger", "missing", told)
    if owner := owner_of(path):
        return Finding("ledger", "missing", f"{path} is owned by {owner}; end it first")
    try:
        known, newest = revision(path), newest_revision()
    except sqlite3.Error as error:
        return Finding("ledger", "missing", f"{path}: {error}; {elsewhere}")
    if not path.exists():
        return Finding("ledger", "ok", f"{path} will be made")
    carried = "" if known == newest else f"; {known} is carried over to {newest} at the start"
    return Finding("ledger", "ok", f"{path}{carried}")


def _on_server(server: Server) -> Finding:
    # (Imported only where it is used: the embedded ledger needs no time for asyncpg.)
    from exchange.storage.postgresql_server.migrate import look
    from exchange.storage.postgresql_server.migrate import newest_revision as newest

    known, risks = asyncio.run(look(server))
    told = f"{server}, of revision {known}" if known else f"{server} will be made"
    if known and known != newest():
        told += f", which is carried over to {newest()} at the start"
    if risks:
        return Finding("ledger", "note", f"{told}; {risks}: a commit may be lost with its machine")
    return Finding("ledger", "ok", told)


def _room(settings: Settings) -> Finding:
    try:
        if isinstance(ledger_address(settings), Server):
            return Finding("room", "ok", "the server's, where the ledger is")
        free = shutil.disk_usage(_folder(ledger_path(settings))).free
    except ExchangeError as error:
        return Finding("room", "missing", str(error))
    told = f"{free / (1 << 30):.1f} GiB are free where the ledger is"
    return Finding("room", "ok" if free >= FREE_BYTES_MIN else "note", told)


def _port(settings: Settings) -> Finding:
    return _free("port", settings.server.host, settings.server.port, "server.port")


def _listeners(settings: Settings) -> Finding:
    """Whether the channels, certificates and ports of the listeners with TLS can be had."""
    try:
        check_listeners(settings)
    except ExchangeError as error:
        return Finding("listeners", "missing", str(error))
    for each in settings.listeners:
        free = _free("listeners", each.host, each.port, "its port in listeners")
        if free.state != "ok":
            return free
    return Finding("listeners", "ok", f"{len(settings.listeners)} with TLS")


def _stubs_port(settings: Settings) -> Finding:
    what, own = "port of the stubs", urlsplit(settings.partners.address)
    host = own.hostname or ""
    if not is_loopback(host):
        return Finding(what, "ok", f"the stubs are elsewhere: {host}")
    return _free(what, host, own.port or 80, "partners.address")


def _free(what: str, host: str, port: int, setting: str) -> Finding:
    try:
        bind(host, port).close()
    except ExchangeError as error:
        return Finding(what, "missing", f"{error} ({setting})")
    return Finding(what, "ok", f"{port} is free")


def _open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = soft == resource.RLIM_INFINITY or soft >= OPEN_FILES_MIN
    told = f"{soft} files and connections a process" + ("" if enough else ": raise it (ulimit -n)")
    return Finding("open files", "ok" if enough else "note", told)

"""`exchange certificates`: makes a development authority and certificates of a server and of
partners; the settings that use them are the operator's to write.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from exchange.assembly import directory_of
from exchange.cli.partners.own_samples import partner_of
from exchange.errors import SettingsError
from exchange.schemas.directory import common_name_of
from exchange.settings import load
from exchange.web.access.new_certificates import Authority, Issued, read

#: The Incomes Register's certificates hold for two years.
DAYS, DAYS_MAX = 730, 18_250


def certificates(
    folder: Annotated[Path, typer.Argument(help="Where they are kept; made when missing.")],
    partner: Annotated[
        list[str] | None, typer.Option(help="A partner's id, for a certificate of its own.")
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(help="A name or address of the server.", show_default="localhost, 127.0.0.1"),
    ] = None,
    days: Annotated[
        int,
        typer.Option(
            help="How many days certificates hold; fewer than 0: ended ones.",
            min=-DAYS_MAX,
            max=DAYS_MAX,
        ),
    ] = DAYS,
    renew: Annotated[
        bool, typer.Option("--renew", help="Make anew what is there, but for the authority.")
    ] = False,
) -> None:
    """Make FOLDER/authority.pem, FOLDER/server.pem and FOLDER/partners/ID.pem, each with its .key.

    For development: what the authority's key signs, an exchange with this authority believes. What
    is there already stays. A partner's common name is its business id or, without one, its id; the
    same key can sign deliveries to the Incomes Register. An exchange that is serving takes renewed
    files at its next connection.
    """
    directory, now = directory_of(load()), datetime.datetime.now(datetime.UTC)
    names = {
        each: common_name_of(partner_of(each, directory, "", "--partner")) for each in partner or []
    }
    try:
        (folder / "partners").mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = _authority(folder / "authority", now)
        _tell("authority", folder / "authority", authority.issued)
        hosts = host or ["localhost", "127.0.0.1"]
        if renew or not _files(folder / "server")[0].exists():
            authority.server(hosts, now, days).write(*_files(folder / "server"))
        _tell("server", folder / "server", read(*_files(folder / "server")))
        for each, common_name in names.items():
            at = folder / "partners" / each
            if renew or not _files(at)[0].exists():
                authority.client(common_name, now, days).write(*_files(at))
            _tell(each, at, read(*_files(at)))
    except OSError as error:
        raise SettingsError(f"{folder}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{folder}: {error}") from error


def _authority(at: Path, now: datetime.datetime) -> Authority:
    if _files(at)[0].exists():
        return Authority(read(*_files(at)))
    authority = Authority.new(now)
    authority.issued.write(*_files(at))
    return authority


def _files(at: Path) -> tuple[Path, Path]:
    """The certificate and its key. (A partner's id may hold dots.)"""
    return at.with_name(f"{at.name}.pem"), at.with_name(f"{at.name}.key")


def _tell(what: str, at: Path, issued: Issued) -> None:
    until = issued.certificate.not_valid_after_utc
    print(f"{what}: {_files(at)[0]}, holds until {until:%Y-%m-%d}, SHA-256 {issued.sha256}")

"""`exchange onboard`: tries what the exchange demands of a partner's program, and reports a verdict
for each demand; what is demanded stands in `demands.toml`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from exchange.assembly import played_directory
from exchange.cli.options import finite
from exchange.errors import SettingsError
from exchange.schemas.directory import SECTORS, Partner, partner_of
from exchange.settings import load
from exchange.testing.onboarding.demands import Found
from exchange.testing.onboarding.journal import NoJournal
from exchange.testing.onboarding.reports import Report
from exchange.testing.onboarding.run import bench, journal_at, pushed, watched
from exchange.web.access.new_keys import new_key

SECRET = "EXCHANGE_CALLBACK_SECRET"
KEY = "EXCHANGE_PARTNER_KEY"
MARKS = {"passed": "ok       ", "failed": "FAILED   ", "not tried": "not tried"}


def onboard(
    partner: Annotated[
        str, typer.Option(help="The partner's id: of the directory or, with --sector, a new one.")
    ],
    url: Annotated[
        str, typer.Option(help="Where the partner is called; without one it has a mailbox.")
    ] = "",
    sector: Annotated[str, typer.Option(help=f"Of a new one: {', '.join(SECTORS)}.")] = "",
    journal: Annotated[
        str,
        typer.Option(
            metavar="URL|FILE",
            help="An address or a file of yours with the deliveries that you took, as JSON lines.",
        ),
    ] = "",
    client: Annotated[
        float,
        typer.Option(
            help="Seconds for your client to send and fetch; 0: it is not tried.",
            min=0,
            callback=finite,
        ),
    ] = 0.0,
    port: Annotated[
        int, typer.Option(help="Where your client calls; 0 picks one.", min=0, max=65535)
    ] = 0,
    out: Annotated[Path, typer.Option(help="The folder for the reports.")] = Path("reports"),
) -> None:
    """Play the exchange against a partner's own endpoints and client, and tell of each demand
    whether it is met: in words, as HTML, as JUnit XML and as a report of the Interoperability Test
    Bed. EXCHANGE_CALLBACK_SECRET is the secret that signs pushes, EXCHANGE_PARTNER_KEY the client's
    key (a new one when left out).

    Exit code 0: no demand failed; 1: one did; 2: it can't be tried.
    """
    tried = tried_partner(partner, url, sector)
    began = time.time_ns() // 1_000_000
    with bench(tried.id, port) as on:
        try:
            on.exchange.put(tried)
            own = journal_at(on, tried, journal)
        except NoJournal as error:
            raise typer.BadParameter(str(error), param_hint="--journal") from error
        found = []
        for each in pushed(on, tried, own):
            found.append(each)
            _print(each)

        def begin(letters: int) -> None:
            address = f"{on.exchange.address} for {client:g} s; {letters} letters wait"
            print(f"your client: {address}", file=sys.stderr, flush=True)
            if not os.environ.get(KEY):
                print(f"its key (shown once): {tried.key}", file=sys.stderr, flush=True)

        for each in watched(on, tried, client, begin):
            found.append(each)
            _print(each)
    report = Report(tried, began, time.time_ns() // 1_000_000, found)
    _end(report, out)


def tried_partner(partner_id: str, url: str, sector: str) -> Partner:
    """The partner that is tried, with the address, key and secret given.

    Raises:
        BadParameter: when there is no such partner, or it can't be tried.
    """
    known = played_directory(load()).get(partner_id)
    if known is None and not sector:
        told = f"no partner has the id {partner_id!r:.80}: say --sector for a new one"
        raise typer.BadParameter(told, param_hint="--partner")
    try:
        base = known or partner_of({"id": partner_id, "name": partner_id, "sector": sector})
        address = url or base.url
        tried = replace(
            base,
            url=address,
            played=False,
            delivery="push" if address else "mailbox",
            key=os.environ.get(KEY) or base.key or new_key("partner"),
            key_sha256=(),
            callback_secret=os.environ.get(SECRET) or base.callback_secret,
        )
        partner_of({name: getattr(tried, name) for name in ("id", "name", "sector", "url")})
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--partner") from error
    if tried.url and not tried.callback_secret:
        told = f"pushes are signed: give the secret as {SECRET}"
        raise typer.BadParameter(told, param_hint="--url")
    return tried


def _print(found: Found) -> None:
    why = f": {found.why}" if found.why else ""
    print(f"{MARKS[found.verdict]} {found.name}{why}", flush=True)
    if found.verdict == "failed":
        print(f"{'':9} {found.demand.mend}", flush=True)


def _end(report: Report, out: Path) -> None:
    """Write the reports and say how it ended.

    Raises:
        SettingsError: when they can't be written.
        Exit: with the exit code.
    """
    try:
        paths: Sequence[Path] = report.write(out)
    except OSError as error:
        raise SettingsError(f"--out: {out}: {error.strerror}") from error
    counts = report.counts
    print(
        f"{counts['passed']} passed, {counts['failed']} failed, {counts['not tried']} not tried; "
        f"{', '.join(map(str, paths))}"
    )
    raise typer.Exit(1 if counts["failed"] else 0)

"""`exchange send`: send one file as a partner would, and show the receipt or what is wrong."""

from __future__ import annotations

import asyncio
import io
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from exchange import discovery
from exchange.assembly import checking, played_directory
from exchange.cli.api import is_of_an_exchange
from exchange.cli.partners.own_samples import partner_of
from exchange.errors import ApiError, SettingsError
from exchange.partners.stub import Stub
from exchange.schemas.call import Call
from exchange.schemas.violation import on_one_line, visible
from exchange.settings import load

TIMEOUT_SECONDS = 60.0


def send(
    file: Annotated[Path, typer.Argument(help="The message.", exists=True, dir_okay=False)],
    to: Annotated[
        str, typer.Option(help="The receiving partner's id; the exchange's choice when left out.")
    ] = "",
    sender: Annotated[str, typer.Option("--from", help="The sending partner's id.")] = "dvv",
    type_name: Annotated[
        str, typer.Option("--type", help="The message type, where the document can't tell it.")
    ] = "",
    channel: Annotated[
        str, typer.Option(help="The channel, where the document can't tell its type.")
    ] = "",
    message_id: Annotated[
        str, typer.Option("--id", help="The sender's message id.", show_default="a new one")
    ] = "",
    key: Annotated[
        str,
        typer.Option(
            help="The sender's key, where the directory keeps none that can be read.",
            envvar="EXCHANGE_PARTNER_KEY",
            show_default=False,
        ),
    ] = "",
    exchange: Annotated[
        str, typer.Option(help="Address of the exchange.", show_default="from the settings")
    ] = "",
) -> None:
    """Send FILE over its channel, as the partner's own program would; standard output has the
    reply's body alone, standard error its status.

    Exit code 0: accepted; 1: refused or rejected; 2: the file's channel can't be told, or no
    exchange answers.
    """
    settings = load()
    everybody = played_directory(settings)
    address = exchange.rstrip("/") or f"http://{settings.server.host}:{settings.server.port}"
    partner = partner_of(sender, everybody, exchange, "--from")
    if key:
        partner = replace(partner, key=key)
    if not partner.key:
        raise SettingsError(
            f"the directory keeps no readable key of {sender}: give it with --key, or name the file "
            "with the keys in partners.stubs_directory"
        )
    if to:
        partner_of(to, everybody, exchange, "--to")
    body = file.read_bytes()
    checked = checking().check(body, type_name)
    stub = _stub(channel or checked.channel)
    try:
        call = stub.submit(
            partner, type_name or checked.message_type, message_id or uuid.uuid4().hex, body, to
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--type") from error
    try:
        told, text, content_type = asyncio.run(_make(address, call))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        # (A host's name that is none, and what a header can't hold, are a ValueError.)
        told = f"no exchange answers at {address}: {error}"
        print(told, file=sys.stderr)
        raise typer.Exit(2) from error
    print(on_one_line(told), file=sys.stderr)
    status = int(told[:3])
    if not is_of_an_exchange(status, content_type):
        raise ApiError(f"what answers at {address} is no exchange: it says {told}, {content_type}")
    print(visible(text) if sys.stdout.isatty() else text)
    if status >= 400:
        raise typer.Exit(1)


def _stub(channel: str) -> Stub:
    stubs: dict[str, Stub] = {stub.channel: stub for stub in discovery.stubs()}
    if channel not in stubs:
        what = (
            f"no channel {channel}"
            if channel
            else "the file does not tell its channel: name it with --channel, or its type"
        )
        raise typer.BadParameter(f"{what} ({', '.join(sorted(stubs))})", param_hint="--channel")
    return stubs[channel]


async def _make(exchange: str, call: Call) -> tuple[str, str, str]:
    """The status, the body and the media type of the reply."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.request(
            call.method,
            exchange + call.path,
            params=call.query or None,
            data=io.BytesIO(call.body),
            headers=call.headers,
            allow_redirects=False,
        ) as response,
    ):
        told = f"{response.status} {response.reason}"
        return told, await response.text(), response.content_type

"""`exchange send`: send one file as a partner would, and show the receipt or what is wrong."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Annotated

import aiohttp
import typer
from rich.console import Console

from exchange.assembly import checking
from exchange.settings import load
from schemas import directory


def send(
    file: Annotated[Path, typer.Argument(help="The message.", exists=True, dir_okay=False)],
    to: Annotated[str, typer.Option(help="The receiving partner's id; the channel's own choice when left out.")] = "",
    sender: Annotated[str, typer.Option("--from", help="The sending partner's id.")] = "dvv",
    type_name: Annotated[str, typer.Option("--type", help="The message type, where the document can't tell it.")] = "",
    message_id: Annotated[str, typer.Option("--id", help="The sender's message id.", show_default="a new one")] = "",
    exchange: Annotated[str, typer.Option(help="Address of the exchange.")] = "http://127.0.0.1:8080",
) -> None:
    """Send FILE over Luova's submit door. Exit code 0: accepted; 1: refused or rejected; 2: no exchange answers."""
    everybody = directory.load(load().partners.directory or directory.DEFAULT_PATH)
    partner = everybody.get(sender)
    if partner is None:
        raise typer.BadParameter(f"no partner {sender}", param_hint="--from")
    body = file.read_bytes()
    name = type_name or checking().check(body).message_type
    headers = {
        "X-API-Key": partner.key,
        "X-Message-Type": name,
        "X-Message-Id": message_id or uuid.uuid4().hex,
        "Content-Type": "application/json" if body.lstrip()[:1] in (b"{", b"[") else "application/xml",
    }
    if to:
        headers["X-Receiver"] = to
    try:
        status, text = asyncio.run(_post(exchange.rstrip("/") + "/luova/v1/messages", headers, body))
    except aiohttp.ClientError as error:
        Console(stderr=True).print(f"no exchange answers at {exchange}: {error}", highlight=False)
        raise typer.Exit(2) from error
    print(f"{status} {text}")
    if status >= 400:
        raise typer.Exit(1)


async def _post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        return response.status, await response.text()

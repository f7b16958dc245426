"""`exchange replay`: sends the messages of a run, as its ledger holds them, to an exchange again;
`exchange diff`: tells two runs apart.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from exchange import discovery
from exchange.assembly import played_directory
from exchange.cli.api import is_of_an_exchange
from exchange.cli.options import finite
from exchange.errors import ApiError
from exchange.partners.sender import Sender, Sent
from exchange.partners.stub import Sending, Stub
from exchange.schemas.attachments import is_split
from exchange.schemas.call import Call
from exchange.schemas.directory import Directory
from exchange.schemas.violation import on_one_line
from exchange.settings import load
from exchange.storage.runs import Key, Taken, outcomes, taken
from exchange.storage.snapshot import require_ledger, snapshot

LEDGER = typer.Argument(help="A ledger in a file.", exists=True, dir_okay=False)
#: Differences that are told one by one.
TOLD_MAX = 20


def replay(
    ledger: Annotated[Path, LEDGER],
    to: Annotated[
        str, typer.Option(help="Address of the exchange.", show_default="from the settings")
    ] = "",
    speed: Annotated[
        float,
        typer.Option(help="How many times as fast as it was; 0: at once.", min=0, callback=finite),
    ] = 0.0,
) -> None:
    """Send every message of a run again, under its own id, one after the other, and compare what is
    taken with what was. What the exchange made itself is not sent, nor what stubs have no call for.

    Exit code 0: each message is taken or refused as it was; 1: some are not; 2: what answers is no
    exchange.
    """
    server = load().server
    address = to.rstrip("/") or f"http://{server.host}:{server.port}"
    require_ledger(ledger)
    counts, told = asyncio.run(_replayed(ledger, address, speed))
    for line in told[:TOLD_MAX]:
        print(on_one_line(line))
    print(", ".join(f"{counts[name]} {name}" for name in ("as before", "otherwise", "not sent")))
    raise typer.Exit(1 if counts["otherwise"] else 0)


def diff(
    before: Annotated[Path, LEDGER],
    after: Annotated[Path, LEDGER],
) -> None:
    """Tell two runs apart: messages of partners that only one has, and what became of a message
    otherwise, by channel, sender and the sender's id. Times and the exchange's own ids are no
    difference.

    Exit code 0: there is none; 1: there is one.
    """
    differing = same = 0
    with ExitStack() as stack:
        runs = []
        for ledger in (before, after):
            require_ledger(ledger)
            runs.append(outcomes(stack.enter_context(snapshot(ledger)), own_endpoints()))
        for key, one, other in beside(*runs):
            if one == other:
                same += 1
                continue
            differing += 1
            if differing <= TOLD_MAX:
                print(on_one_line(" ".join(filter(None, key))))
                for mark, found in (("-", one), ("+", other)):
                    print("".join(f"  {mark} {on_one_line(each)}\n" for each in found), end="")
    print(f"{same} alike, {differing} otherwise")
    raise typer.Exit(1 if differing else 0)


def beside(
    one: Iterator[tuple[Key, list[str]]], other: Iterator[tuple[Key, list[str]]]
) -> Iterator[tuple[Key, list[str], list[str]]]:
    """Two runs in the order of their keys, each key once; what only one has is empty in the other."""
    left, right = next(one, None), next(other, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            assert left is not None, "the loop ends before"
            yield left[0], left[1], []
            left = next(one, None)
        elif left is None or right[0] < left[0]:
            yield right[0], [], right[1]
            right = next(other, None)
        else:
            yield left[0], left[1], right[1]
            left, right = next(one, None), next(other, None)


async def _replayed(ledger: Path, address: str, speed: float) -> tuple[Counter[str], list[str]]:
    everybody = played_directory(load())
    own = own_endpoints()
    stubs = {stub.channel: stub for stub in discovery.stubs()}
    counts, told, begun, first = Counter[str](), list[str](), time.monotonic(), 0
    async with Sender(
        directory=everybody, exchange_url=address, seed=1, sent=Sent(), first=1
    ) as sender:
        with snapshot(ledger) as connection:
            for each in taken(connection):
                message = each.message
                call = None if message.endpoint in own else call_of(each, stubs, everybody)
                if call is None:
                    counts["not sent"] += 1
                    continue
                first = first or message.received_at
                if speed:
                    due = begun + (message.received_at - first) / 1000 / speed
                    await asyncio.sleep(max(due - time.monotonic(), 0))
                reply = await sender.carry("replay", Sending(call), sender.chain())
                if reply is not None and not is_of_an_exchange(reply.status, reply.content_type):
                    raise ApiError(f"what answers at {address} is no exchange: {reply.status}")
                status = reply.status if reply is not None else 0
                is_same = (200 <= status < 300) == (message.state == "accepted") and status
                counts["as before" if is_same else "otherwise"] += 1
                if not is_same and len(told) < TOLD_MAX:
                    was = f"{message.channel} {message.sender} {message.sender_message_id}"
                    told.append(f"{was}: {message.state} then, {status or 'no answer'} now")
    return counts, told


def own_endpoints() -> set[str]:
    """The endpoints by which the exchange itself sends."""
    found = {watch.endpoint for each in discovery.channels().values() for watch in each.watches}
    return found - {""}


def call_of(each: Taken, stubs: dict[str, Stub], everybody: Directory) -> Call | None:
    """The call that brings a message again; None where its bytes or its sender's key are not there,
    or its stub has no call for it.
    """
    message = each.message
    partner, stub = everybody.get(message.sender), stubs.get(message.channel)
    if not each.body or partner is None or not partner.key or stub is None:
        return None
    receiver = each.deliveries[0].receiver if each.deliveries else ""
    try:
        call = stub.submit(
            partner, message.message_type, message.sender_message_id, each.body, receiver
        )
    except ValueError:
        return None
    more = {"X-Conversation-Id": message.conversation} if message.conversation else {}
    if any(delivery.ordered for delivery in each.deliveries):
        more["X-Ordered"] = "true"
    if is_split(message.content_type):
        more["Content-Type"] = message.content_type
    return replace(call, headers={**call.headers, **more})

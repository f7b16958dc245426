"""Luova: submit a message, ask for its state, read a mailbox."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from exchange.client.answers import reading, told_in
from exchange.client.connection import AsyncClient
from exchange.client.errors import NotYet
from exchange.schemas.call import JSON, XML, Call
from exchange.schemas.value import value

MESSAGES = "/luova/v1/messages"
MAILBOX = "/luova/v1/mailbox"
#: How often a state is asked for again, in seconds.
LOOK_SECONDS = 0.1


@value
class Receipt:
    """What says that a message is on the exchange's disk. `duplicate`: it was there before."""

    id: str
    message_id: str
    message_type: str
    received_at: str
    items: int
    receivers: tuple[str, ...]
    warnings: tuple[Mapping[str, Any], ...]
    duplicate: bool


@value
class State:
    """A message of one's own with its deliveries: receiver, state, attempts, reason, ..."""

    id: str
    state: str
    deliveries: tuple[Mapping[str, Any], ...]


@value
class Letter:
    """A delivery in a mailbox, leased until the lease ends."""

    id: str
    lease: str
    message_type: str
    message_id: str
    sender: str
    conversation: str
    content_type: str
    body: bytes


async def submit(
    client: AsyncClient,
    message_type: str,
    body: bytes | str,
    *,
    message_id: str = "",
    receiver: str = "",
    conversation: str = "",
    ordered: bool = False,
    content_type: str = "",
) -> Receipt:
    """Send a message. One id stands for one message, however often it is sent; a new one is made
    where none is given.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    content = body.encode() if isinstance(body, str) else body
    optional = {
        "X-Receiver": receiver,
        "X-Conversation-Id": conversation,
        "X-Ordered": "true" if ordered else "",
    }
    headers = {
        "Content-Type": content_type or (JSON if content.lstrip()[:1] in (b"{", b"[") else XML),
        "X-Message-Type": message_type,
        "X-Message-Id": message_id or uuid.uuid4().hex,
        **{name: text for name, text in optional.items() if text},
    }
    reply = await client.send(Call("POST", MESSAGES, headers, content))
    with reading(reply):
        told = told_in(reply)
        return Receipt(
            id=told["id"],
            message_id=told["messageId"],
            message_type=told["messageType"],
            received_at=told["receivedAt"],
            items=told["items"],
            receivers=tuple(told["receivers"]),
            warnings=tuple(told["warnings"]),
            duplicate=reply.status == 200,
        )


async def state(client: AsyncClient, receipt_id: str) -> State:
    """How far a message is, by the id of its receipt.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    reply = await client.send(Call("GET", f"{MESSAGES}/{quote(receipt_id, safe='')}"))
    with reading(reply):
        told = told_in(reply)
        return State(told["id"], told["state"], tuple(told["deliveries"]))


async def delivered(client: AsyncClient, receipt_id: str, timeout_seconds: float = 10.0) -> State:
    """The state of a message once every delivery of it was made.

    Raises:
        NotYet: when one is still out, or dead, after that time.
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    found = await state(client, receipt_id)
    until = asyncio.get_running_loop().time() + timeout_seconds
    while any(each["state"] != "delivered" for each in found.deliveries):
        if asyncio.get_running_loop().time() > until:
            raise NotYet(f"not delivered within {timeout_seconds:g} s: {list(found.deliveries)}")
        await asyncio.sleep(LOOK_SECONDS)
        found = await state(client, receipt_id)
    return found


async def read(
    client: AsyncClient, *, most: int = 10, lease_seconds: int = 60, wait_seconds: int = 0
) -> Sequence[Letter]:
    """Lease the oldest letters of one's own mailbox; with none there, wait for one so long.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    asked = {"most": most, "lease_seconds": lease_seconds, "wait": wait_seconds}
    query = {name: str(number) for name, number in asked.items() if number}
    reply = await client.send(Call("GET", MAILBOX, query=query))
    with reading(reply):
        return [_letter(each) for each in told_in(reply)["deliveries"]]


async def acknowledge(client: AsyncClient, letters: Sequence[Letter]) -> None:
    """Say that letters are safe with the partner: they do not come again.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    await _tell(client, "acknowledgements", letters)


async def refuse(client: AsyncClient, letters: Sequence[Letter], reason: str) -> None:
    """Say that letters can never be taken: they become dead letters.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    await _tell(client, "refusals", letters, reason=reason)


async def extend(client: AsyncClient, letters: Sequence[Letter], lease_seconds: int) -> None:
    """Hold letters for so long from now on.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    await _tell(client, "extensions", letters, lease_seconds=lease_seconds)


async def letters(
    client: AsyncClient, *, lease_seconds: int = 60, wait_seconds: int = 0
) -> AsyncIterator[Letter]:
    """The letters of a mailbox one by one, until none comes within `wait_seconds`. A letter is
    acknowledged when the next one is asked for; one whose work raised, or that a loop broke off at,
    comes again.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    while found := await read(
        client, most=1, lease_seconds=lease_seconds, wait_seconds=wait_seconds
    ):
        for letter in found:
            yield letter
            await acknowledge(client, [letter])


async def _tell(client: AsyncClient, what: str, held: Sequence[Letter], **members: object) -> None:
    if not held:
        return
    leases = [{"id": letter.id, "lease": letter.lease} for letter in held]
    body = json.dumps({"deliveries": leases, **members}).encode()
    told_in(await client.send(Call("POST", f"{MAILBOX}/{what}", {"Content-Type": JSON}, body)))


def _letter(told: Mapping[str, Any]) -> Letter:
    body = told["body"]
    return Letter(
        id=told["id"],
        lease=told["lease"],
        message_type=told["messageType"].partition(";")[0],
        message_id=told["messageId"],
        sender=told["sender"],
        conversation=told.get("conversation", ""),
        content_type=told.get("contentType", ""),
        body=base64.b64decode(body) if told["encoding"] == "base64" else body.encode(),
    )

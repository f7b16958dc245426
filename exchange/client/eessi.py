"""EESSI: send a document in its business document header, follow a message and a case, acknowledge
what comes.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from exchange.client.answers import reading, told_in
from exchange.client.connection import AsyncClient
from exchange.client.pushes import Answer, Push
from exchange.schemas import xml
from exchange.schemas.call import XML, Call, Reply, json_reply, problem
from exchange.schemas.instants import instant
from exchange.schemas.value import value
from exchange.schemas.violation import Malformed

#: The namespace of EESSI's business document header.
SBDH = "{http://eessi.dgempl.ec.europa.eu/namespaces/sbdh}"


@value
class Receipt:
    """The acknowledgement of the access point."""

    id: str
    message_id: str
    case_id: str
    sender: str
    receivers: tuple[str, ...]
    date: str


async def send(client: AsyncClient, document: bytes) -> Receipt:
    """Send a document; its header names the message, the case, sender and receivers.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    call = Call("POST", "/eessi/v1/messages", {"Content-Type": XML}, document)
    reply = await client.send(call)
    with reading(reply):
        told = told_in(reply)
        return Receipt(
            id=told["id"],
            message_id=told["messageId"],
            case_id=told["caseId"],
            sender=told["sender"],
            receivers=tuple(told["receivers"]),
            date=told["date"],
        )


async def message(client: AsyncClient, message_id: str) -> Mapping[str, Any]:
    """A message with the state of its deliveries.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    return await _show(client, f"/eessi/v1/messages/{quote(message_id, safe='')}")


async def case(client: AsyncClient, case_id: str) -> Mapping[str, Any]:
    """A case with its documents and the actions possible now.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    return await _show(client, f"/eessi/v1/cases/{quote(case_id, safe='')}")


def acknowledge(institution: str) -> Answer:
    """How an institution, by its EESSI id, answers pushes (an `answer` of `Pushes`): with an
    acknowledgement, or an ebMS error for what has no header.
    """

    def answer(push: Push) -> Reply:
        try:
            root = xml.parse(push.body)
        except Malformed:
            return _unread()
        sender = root.findtext(
            f"{SBDH}StandardBusinessDocumentHeader/{SBDH}Sender/{SBDH}Identifier"
        )
        if not sender:
            return _unread()
        return json_reply(
            {
                "id": uuid.uuid4().hex,
                "date": f"{instant(time.time_ns() // 1_000_000)[:-1]}+0000",
                "sender": sender.strip(),
                "receiver": institution,
            }
        )

    return answer


def _unread() -> Reply:
    error = {"errorCode": "EBMS:0009", "severity": "failure", "description": "no header"}
    return problem(400, "Not understood", errors=[error])


async def _show(client: AsyncClient, path: str) -> Mapping[str, Any]:
    return told_in(await client.send(Call("GET", path)))

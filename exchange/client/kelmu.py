"""Kelmu: query benefit data, ask a county for statements, answer such a request."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from exchange.client.connection import AsyncClient
from exchange.schemas.call import JSON, Call
from exchange.schemas.value import value

Document = Mapping[str, Any] | bytes


@value
class Answer:
    """What a query found: an entry for each person known to the register; `document` is all that
    was answered, what was left out beyond the asker's right included.
    """

    results: tuple[Mapping[str, Any], ...]
    document: Mapping[str, Any]


@value
class Receipt:
    """What says that a message is on the exchange's disk."""

    id: str
    message_id: str
    message_type: str
    received_at: str


async def query(
    client: AsyncClient, document: Document, *, message_id: str = "", by_hand: bool = False
) -> Answer:
    """Query one person's benefit data, through the technical interface or, `by_hand`, the user
    interface; waits for the register's answer.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    path = "/kelmu/v1/ui/queries" if by_hand else "/kelmu/v1/queries"
    return _answer(await _post(client, path, document, message_id))


async def query_bulk(client: AsyncClient, document: Document, *, message_id: str = "") -> Answer:
    """Query the benefit data of at most 1,000 persons.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    return _answer(await _post(client, "/kelmu/v1/queries/bulk", document, message_id))


async def request_information(
    client: AsyncClient, document: Document, *, message_id: str = ""
) -> Receipt:
    """Ask a county for statements, as Kela.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    return _receipt(await _post(client, "/kelmu/v1/information-requests", document, message_id))


async def answer_information_request(
    client: AsyncClient, request: str, document: Document, *, message_id: str = ""
) -> Receipt:
    """Answer Kela's request (`X-Information-Request` of its push), as a county.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    path = f"/kelmu/v1/information-requests/{quote(request, safe='')}/answers"
    return _receipt(await _post(client, path, document, message_id))


async def _post(
    client: AsyncClient, path: str, document: Document, message_id: str
) -> Mapping[str, Any]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    headers = {"Content-Type": JSON, "X-Message-Id": message_id or uuid.uuid4().hex}
    reply = await client.send(Call("POST", path, headers, body))
    told: Mapping[str, Any] = json.loads(reply.body)
    return told


def _answer(told: Mapping[str, Any]) -> Answer:
    return Answer(tuple(told["results"]), told)


def _receipt(told: Mapping[str, Any]) -> Receipt:
    return Receipt(told["id"], told["message_id"], told["message_type"], told["received_at"])

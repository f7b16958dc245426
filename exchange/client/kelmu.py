"""Kelmu: query benefit data and lists, ask a county for statements or withdraw that, answer, send
documents, give notices and move them, read the work list.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from exchange.client.answers import reading, told_in
from exchange.client.connection import AsyncClient
from exchange.schemas.attachments import joined
from exchange.schemas.call import JSON, Call, Reply
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
    #: Whether an answer came after its day.
    late: bool = False


@value
class File:
    """A file that goes with a message: PDF, JPEG or PNG."""

    name: str
    content_type: str
    content: bytes


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
    client: AsyncClient,
    request: str,
    document: Document,
    *,
    files: Sequence[File] = (),
    message_id: str = "",
) -> Receipt:
    """Answer Kela's request (`X-Information-Request` of its push), as a county.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    path = f"/kelmu/v1/information-requests/{quote(request, safe='')}/answers"
    return _receipt(await _post(client, path, document, message_id, files))


async def withdraw_information_request(
    client: AsyncClient, request: str, document: Document, *, message_id: str = ""
) -> Receipt:
    """Withdraw a request that waits for its answer, as Kela.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    path = f"/kelmu/v1/information-requests/{quote(request, safe='')}/withdrawals"
    return _receipt(await _post(client, path, document, message_id))


async def send_document(
    client: AsyncClient,
    document: Document,
    files: Sequence[File],
    *,
    message_id: str = "",
    by_hand: bool = False,
) -> Receipt:
    """Send a client's documents to Kela.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    path = "/kelmu/v1/ui/documents" if by_hand else "/kelmu/v1/documents"
    return _receipt(await _post(client, path, document, message_id, files))


async def give_notice(client: AsyncClient, document: Document, *, message_id: str = "") -> Receipt:
    """Tell the provider of social services of somebody, as Kela.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    return _receipt(await _post(client, "/kelmu/v1/notices", document, message_id))


async def move_notice(
    client: AsyncClient, notice: str, document: Document, *, message_id: str = ""
) -> Receipt:
    """Move a notice (`X-Notice` of its push) to another authority.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    path = f"/kelmu/v1/notices/{quote(notice, safe='')}/transfers"
    return _receipt(await _post(client, path, document, message_id))


async def ask_list(
    client: AsyncClient, document: Document, *, message_id: str = "", by_hand: bool = False
) -> Sequence[Mapping[str, Any]]:
    """The entries of a list of a month.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    path = "/kelmu/v1/ui/lists" if by_hand else "/kelmu/v1/lists"
    reply = await _post(client, path, document, message_id)
    with reading(reply):
        return tuple(told_in(reply)["entries"])


async def work_list(
    client: AsyncClient, name: str, user: str, *, everything: bool = False, by_hand: bool = False
) -> AsyncIterator[Mapping[str, Any]]:
    """Each entry of one's work list (`information-requests` or `notices`): what is open or with
    the organisation or, with `everything`, all of it.

    Raises:
        NoAnswer, Problem: as `AsyncClient.send`.
    """
    path = "/kelmu/v1/ui/work-lists" if by_hand else "/kelmu/v1/work-lists"
    asked = {"work_list": name, "user": user, "all": everything, "after": ""}
    while True:
        reply = await _post(client, path, asked, "")
        with reading(reply):
            page = told_in(reply)
            entries, after = tuple(page["entries"]), page["after"]
        for entry in entries:
            yield entry
        if not after:
            return
        asked["after"] = after


async def _post(
    client: AsyncClient,
    path: str,
    document: Document,
    message_id: str,
    files: Sequence[File] = (),
) -> Reply:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    content_type = JSON
    if files:
        beside = [(each.name, each.content_type, each.content) for each in files]
        content_type, body = joined(body, beside)
    headers = {"Content-Type": content_type, "X-Message-Id": message_id or uuid.uuid4().hex}
    return await client.send(Call("POST", path, headers, body))


def _answer(reply: Reply) -> Answer:
    with reading(reply):
        told = told_in(reply)
        return Answer(tuple(told["results"]), told)


def _receipt(reply: Reply) -> Receipt:
    with reading(reply):
        told = told_in(reply)
        return Receipt(
            id=told["id"],
            message_id=told["message_id"],
            message_type=told["message_type"],
            received_at=told["received_at"],
            late=told.get("late", False),
        )

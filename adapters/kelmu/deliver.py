"""Out of the exchange: narrowed queries to the benefit register, requests and answers to their
receivers; judges replies.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pydantic_core import from_json, to_json

from exchange.adapters.kelmu.identify import (
    ASKED,
    DOCUMENT,
    LIST,
    NOTICE,
    QUERIES,
    REMINDER,
    REQUEST,
    REQUEST_ANSWER,
    TRANSFER,
    WITHDRAWAL,
)
from exchange.adapters.kelmu.rights import RIGHTS, narrow, persons_of
from exchange.ports import Attempted, Delivered, Delivery, TryAgain, failed_with
from exchange.ports.channel import Push
from exchange.ports.delivery import CONFLICT, conflicted
from exchange.ports.description import Body
from exchange.schemas import json as json_format
from exchange.schemas.attachments import MEDIA_TYPES, is_split
from exchange.schemas.call import JSON, Call, Reply
from exchange.schemas.kelmu.lists import ListAnswer
from exchange.schemas.kelmu.models import BenefitAnswer
from exchange.schemas.violation import Malformed

REGISTER_PATH = "/kelmu/benefit-register/query"
LIST_PATH = "/kelmu/benefit-register/list"
#: Where each type is pushed to that nobody waits for.
PATHS = {
    REQUEST: "/kelmu/information-requests",
    REMINDER: "/kelmu/information-request-reminders",
    WITHDRAWAL: "/kelmu/information-request-withdrawals",
    REQUEST_ANSWER: "/kelmu/information-request-answers",
    DOCUMENT: "/kelmu/documents",
    NOTICE: "/kelmu/notices",
    TRANSFER: "/kelmu/notice-transfers",
}
_HEADERS = {
    "X-Message-Id": "The exchange's id of the message",
    "X-Message-Type": "The message type",
}
_REQUEST_ID = {"X-Information-Request": "The message id of Kela's request"}
_NOTICE_ID = {"X-Notice": "The message id of Kela's notice"}
_FILES = (JSON, *MEDIA_TYPES)


def _push(message_type: str, summary: str, more: Mapping[str, str], *media_types: str) -> Push:
    return Push(
        path=PATHS[message_type],
        summary=summary,
        headers={**_HEADERS, **more},
        types=(message_type,),
        media_types=media_types or (JSON,),
    )


PUSHES = (
    Push(
        path=REGISTER_PATH,
        summary="A query, narrowed to what its sender may see, for who serves the register",
        headers=_HEADERS,
        media_types=(JSON,),
        types=tuple(sorted(QUERIES)),
        gives=(Body(("kelmu.benefit-answer",)),),
        answer="The benefit data (kelmu.benefit-answer), within the query's deadline",
    ),
    Push(
        path=LIST_PATH,
        summary="A list that an authority asks for, for who serves the register",
        headers=_HEADERS,
        media_types=(JSON,),
        types=(LIST,),
        gives=(Body(("kelmu.list-answer",)),),
        answer="The list (kelmu.list-answer), within the query's deadline",
    ),
    _push(REQUEST, "Kela's information request, for the county that it asks", _REQUEST_ID),
    _push(REMINDER, "The day of the answer has come, for the county", _REQUEST_ID),
    _push(WITHDRAWAL, "Kela needs the answer no more, for the county", _REQUEST_ID),
    _push(REQUEST_ANSWER, "A county's answer, with its files, for Kela", _REQUEST_ID, *_FILES),
    _push(DOCUMENT, "A client's documents, for Kela", {}, *MEDIA_TYPES),
    _push(NOTICE, "A notice, for the provider of social services", _NOTICE_ID),
    _push(TRANSFER, "That a notice was moved to another authority, for Kela", _NOTICE_ID),
)
EMPTY_ANSWER = b'{"results":[]}'


@cache
def _answer_schema(is_list: bool) -> json_format.JsonSchema:
    return json_format.JsonSchema(ListAnswer if is_list else BenefitAnswer)


def request(delivery: Delivery) -> Call:
    """The call that carries a delivery. The register is asked no more than the asker may see."""
    envelope = delivery.envelope
    body, message_type = delivery.body, envelope.message_type
    headers = {
        "Content-Type": envelope.content_type if is_split(envelope.content_type) else JSON,
        "X-Message-Id": envelope.public_id,
        "X-Message-Type": message_type,
        "X-Sender": delivery.sender.id,
    }
    if message_type in QUERIES:
        return Call("POST", REGISTER_PATH, headers, _narrowed(delivery))
    if message_type == LIST:
        return Call("POST", LIST_PATH, headers, body)
    if envelope.conversation:
        is_notice = message_type in (NOTICE, TRANSFER)
        headers["X-Notice" if is_notice else "X-Information-Request"] = envelope.conversation
    return Call("POST", PATHS[message_type], headers, body)


def _narrowed(delivery: Delivery) -> bytes:
    query = from_json(delivery.body)
    if "persons" in query:
        query["persons"] = persons_of(query)
    right = RIGHTS.of(delivery.sender)
    if right is None:
        # The right was taken away after the query was accepted; nothing may be asked any more.
        query |= {"benefits": [], "data_groups": []}
    else:
        narrowed = narrow(right, query, delivery.envelope.received_at)
        query |= {
            "benefits": narrowed.benefits,
            "data_groups": narrowed.data_groups,
            "from": narrowed.first,
        }
    return to_json(query)


def judge(delivery: Delivery, reply: Reply) -> Attempted:
    """How the attempt ended: delivered (409 also: it has it already, unless the directory says that
    the partner refuses by it), or to be tried again (also when the answer makes no sense).
    """
    status = reply.status
    if delivery.envelope.message_type in QUERIES and status == 404 and _says_person_unknown(reply):
        return Delivered(EMPTY_ANSWER, JSON)
    if status == CONFLICT and delivery.envelope.message_type not in ASKED:
        return conflicted(delivery.receiver)
    if not 200 <= status < 300:
        return failed_with(status, reply.body)
    if delivery.envelope.message_type not in ASKED:
        return Delivered()
    if wrong := _wrong_with(delivery, reply.body):
        return TryAgain("garbled", wrong)
    return Delivered(reply.body, JSON)


def _says_person_unknown(reply: Reply) -> bool:
    """A 404 of an address that is not there must not read as a person without benefits."""
    try:
        problem = from_json(reply.body)
    except ValueError:
        return False
    return isinstance(problem, dict) and problem.get("reason") == "person-unknown"


def _wrong_with(delivery: Delivery, body: bytes) -> str:
    """What is wrong with the register's answer, in words that repeat nothing of it; empty when it
    is sound.
    """
    try:
        # It is bounded already, by what is read of a partner's answer: one about 1,000 persons may
        # be larger than any message that comes in.
        answer = json_format.parse(body, json_format.JsonLimits(max(len(body), 1)))
    except Malformed as error:
        return error.violations[0].rule if error.violations else "malformed"
    is_list = delivery.envelope.message_type == LIST
    if findings := _answer_schema(is_list).check(answer):
        return f"{findings[0].rule}: {len(findings)} violations of the answer's schema"
    query = from_json(delivery.body)
    if is_list:
        is_other = any(answer[name] != query[name] for name in ("list", "period"))
        return "the answer is another list than was asked for" if is_other else ""
    asked = persons_of(query)
    told = [entry["person"] for entry in answer["results"]]
    if len(told) != len(set(told)) or not set(told) <= set(asked):
        return "the answer is about persons who were not asked about, or tells of one twice"
    return ""

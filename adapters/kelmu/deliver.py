"""Out of the exchange: narrowed queries to the benefit register, requests and answers to their
receivers; judges replies.
"""

from __future__ import annotations

from functools import cache

from pydantic_core import from_json, to_json

from exchange.adapters.kelmu.identify import QUERIES, REQUEST, REQUEST_ANSWER
from exchange.adapters.kelmu.rights import RIGHTS, narrow, persons_of
from exchange.ports import Attempted, Delivered, Delivery, TryAgain, failed_with
from exchange.ports.channel import Push
from exchange.ports.description import Body
from exchange.schemas import json as json_format
from exchange.schemas.call import JSON, Call, Reply
from exchange.schemas.kelmu.models import BenefitAnswer
from exchange.schemas.violation import Malformed

REGISTER_PATH = "/kelmu/benefit-register/query"
REQUEST_PATH = "/kelmu/information-requests"
ANSWER_PATH = "/kelmu/information-request-answers"
_HEADERS = {
    "X-Message-Id": "The exchange's id of the message",
    "X-Message-Type": "The message type",
}
_OF_REQUEST = {**_HEADERS, "X-Information-Request": "The message id of Kela's request"}
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
        path=REQUEST_PATH,
        summary="Kela's information request, for the county that it asks",
        headers=_OF_REQUEST,
        types=(REQUEST,),
        media_types=(JSON,),
    ),
    Push(
        path=ANSWER_PATH,
        summary="A county's answer to an information request, for Kela",
        headers=_OF_REQUEST,
        types=(REQUEST_ANSWER,),
        media_types=(JSON,),
    ),
)
EMPTY_ANSWER = b'{"results":[]}'


@cache
def _answer_schema() -> json_format.JsonSchema:
    return json_format.JsonSchema(BenefitAnswer)


def request(delivery: Delivery) -> Call:
    """The call that carries a delivery. The register is asked no more than the asker may see."""
    envelope = delivery.envelope
    headers = {
        "Content-Type": JSON,
        "X-Message-Id": envelope.public_id,
        "X-Message-Type": envelope.message_type,
        "X-Sender": delivery.sender.id,
    }
    if envelope.message_type in QUERIES:
        return Call("POST", REGISTER_PATH, headers, _narrowed(delivery))
    headers["X-Information-Request"] = envelope.conversation
    return Call(
        "POST",
        REQUEST_PATH if envelope.message_type == REQUEST else ANSWER_PATH,
        headers,
        delivery.body,
    )


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
    """How the attempt ended: delivered, or to be tried again (also when the answer makes no
    sense).
    """
    status = reply.status
    if delivery.envelope.message_type in QUERIES and status == 404 and _says_person_unknown(reply):
        return Delivered(EMPTY_ANSWER, JSON)
    if not 200 <= status < 300:
        refused = 400 <= status < 500
        return failed_with(status, reply.body[:200].decode("utf-8", "replace") if refused else "")
    if delivery.envelope.message_type not in QUERIES:
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
    if findings := _answer_schema().check(answer):
        return f"{findings[0].rule}: {len(findings)} violations of the answer's schema"
    asked = persons_of(from_json(delivery.body))
    told = [entry["person"] for entry in answer["results"]]
    if len(told) != len(set(told)) or not set(told) <= set(asked):
        return "the answer is about persons who were not asked about, or tells of one twice"
    return ""

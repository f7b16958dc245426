"""An EESSI message to its receiver: the call that carries it and what the response means; no
transport and no retries.
"""

from __future__ import annotations

import json
from typing import Any

from exchange.adapters.eessi import identification, interface
from exchange.ports import Attempted, Delivered, Delivery, RefusedByPartner, TryAgain, failed_with
from exchange.ports.channel import Push
from exchange.schemas import guard
from exchange.schemas.call import JSON, Call, Reply

#: ebMS errors after which the same message may yet get through; all others are about the message
#: itself.
PASSING_ERRORS = frozenset(
    {"EBMS:0004", "EBMS:0005", "EBMS:0006", "EBMS:0201", "EBMS:0202", "EBMS:0301", "EBMS:0302"}
)
_ACK_BYTES_MAX = 64 * 1024
INBOX = "/eessi/inbox"
PUSHES = (
    Push(
        path=INBOX,
        summary="A SED in its business document header, as its sender sent it",
        headers={
            "X-EESSI-Message-Id": "The sender's InstanceIdentifier",
            "X-EESSI-Exchange-Id": "The exchange's id of the message",
            "X-EESSI-Case-Id": "The case",
            "X-EESSI-Sender": "The institution that sent it",
            "X-EESSI-Receiver": "The institution that it is for",
            "X-EESSI-Identification": "To Finland: whether the population register has the person",
        },
        media_types=("text/xml",),
        types=interface.ALL,
        gives=(interface.ACKNOWLEDGEMENT,),
        answer="200 with the acknowledgement {id, date, sender, receiver}",
    ),
)


def request(delivery: Delivery) -> Call:
    """The same bytes as sent, with the ids of message and case in headers, so that a receiver need
    not open it to file it.
    """
    envelope = delivery.envelope
    told = identification.told_to(delivery.receiver, envelope)
    identified = {"X-EESSI-Identification": told["outcome"]} if told else {}
    return Call(
        "POST",
        INBOX,
        {
            "Content-Type": "text/xml; charset=utf-8",
            "X-EESSI-Message-Id": envelope.sender_message_id,
            "X-EESSI-Exchange-Id": envelope.public_id,
            "X-EESSI-Case-Id": envelope.conversation,
            "X-EESSI-Sender": delivery.sender.eessi_id,
            "X-EESSI-Receiver": delivery.receiver.eessi_id,
            **identified,
        },
        delivery.body,
    )


def judge(delivery: Delivery, reply: Reply) -> Attempted:
    """200 with an acknowledgement `{id, date, sender, receiver}` is a delivery; an ebMS error or a
    status tells what else it is.
    """
    data = _data(reply.body)
    if reply.status == 200:
        if not all(
            isinstance(data.get(name), str) and data[name]
            for name in ("id", "date", "sender", "receiver")
        ):
            return TryAgain("garbled", "The response is no acknowledgement.")
        if (data["sender"], data["receiver"]) != (
            delivery.sender.eessi_id,
            delivery.receiver.eessi_id,
        ):
            return TryAgain(
                "ack-mismatch", "The acknowledgement is for another sender or receiver."
            )
        return Delivered(reply.body, JSON)
    code, description = _error(data)
    if code:
        return (
            TryAgain(code, description)
            if code in PASSING_ERRORS
            else RefusedByPartner(code, description)
        )
    return failed_with(reply.status)


def _data(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body) if len(body) <= _ACK_BYTES_MAX else None
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _error(data: dict[str, Any]) -> tuple[str, str]:
    """The first ebMS error of a response with severity failure: its code and description."""
    errors = data.get("errors")
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict) and error.get("severity", "failure") == "failure":
            code = error.get("errorCode")
            if isinstance(code, str) and code.startswith("EBMS:") and len(code) == 9:
                said = str(error.get("description") or error.get("shortDescription") or "")
                return code, guard.storable(said)[:200]
    return "", ""

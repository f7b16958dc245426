"""What a reply says of a call: taken or why not; sends nothing."""

from __future__ import annotations

import json
import re

#: The register's verdicts on a delivery that mean that it was not taken (4 at reception, 5 in
#: processing).
_REFUSED_STATUS = re.compile(rb"<DeliveryDataStatus>([45])</DeliveryDataStatus>")
_FAULT = re.compile(rb"<(?:[A-Za-z]\w*:)?Fault[\s>]")
TOLD_CHARACTERS_MAX = 200


class NotTaken(Exception):
    """A call that the exchange did not take; locust shows it among the failures."""


def complaint(status: int, body: bytes) -> str:
    """Why the call was not taken; empty when it was. Replies to a duplicate count as taken, for the
    exchange has the message.
    """
    if not 200 <= status < 300:
        return f"{status} {told(body)}"
    if body.lstrip()[:1] == b"<":
        if _FAULT.search(body):
            return f"SOAP fault {told(body)}"
        if refused := _REFUSED_STATUS.search(body):
            return f"delivery status {refused[1].decode()}"
    return ""


def told(body: bytes) -> str:
    """The reason that a problem document names, or the beginning of the body; nothing that differs
    from call to call if it can be.
    """
    try:
        problem = json.loads(body)
        return str(problem.get("reason") or problem.get("title") or "")[:TOLD_CHARACTERS_MAX]
    except (ValueError, AttributeError):
        return " ".join(body.decode("utf-8", "replace").split())[:TOLD_CHARACTERS_MAX]


def leased(body: bytes) -> list[dict[str, str]]:
    """The deliveries that a mailbox gave, each as its id and its lease."""
    try:
        return [
            {name: str(each[name]) for name in ("id", "lease")}
            for each in json.loads(body)["deliveries"]
        ]
    except (ValueError, KeyError, TypeError):
        return []

"""What the rules ask of earlier messages: the question that an answer names, and what families
remember of documents that have an identity of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.adapters.luova import discovery
from exchange.adapters.luova.routing import ROUTES, receiver_of
from exchange.adapters.luova.rules.fields import Keys, Remembering
from exchange.ports.message import Context, Identity, Parsed, Verdict
from exchange.ports.rows import Remember
from exchange.schemas.violation import Finding, Severity

#: Message type -> the keys under which its family may have left something behind.
KEYS: dict[str, Keys] = discovery.tables("KEYS")
#: Message type -> what its family leaves behind of an accepted message.
REMEMBERED: dict[str, Remembering] = discovery.tables("REMEMBERED")


def question(parsed: Parsed, identity: Identity) -> tuple[str, str] | None:
    """Who asked what the message answers, and by which id: its receiver, and its conversation."""
    route = ROUTES.get(parsed.message_type)
    if route is None or not route.answers or not identity.conversation:
        return None
    return "".join(identity.receivers[:1]) or route.default, identity.conversation


def recall(parsed: Parsed, identity: Identity) -> Sequence[str]:
    """The keys of the document's own identity; none of a message that is only checked."""
    keys = KEYS.get(parsed.message_type)
    return keys(parsed) if keys is not None else ()


def remember(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    """What the family keeps of an accepted message."""
    kept = REMEMBERED.get(parsed.message_type)
    return kept(parsed, identity, context) if kept is not None and verdict.accepted else ()


def unasked(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """An answer belongs to an accepted question that its receiver sent to who answers; how severe
    it is when it doesn't is a setting (*modelled*).
    """
    route = ROUTES.get(parsed.message_type)
    if route is None or not route.answers or context.strictness.unasked_answers == "off":
        return []
    asked, sender = context.question, parsed.inbound.partner.id
    if (
        asked is not None
        and asked.message_type == route.answers
        and receiver_of(asked.message_type, asked.detail) == sender
    ):
        return []
    severity: Severity = "error" if context.strictness.unasked_answers == "refuse" else "warning"
    asker = "".join(identity.receivers[:1]) or route.default or "the receiver"
    return [
        Finding(
            "luova.question",
            "header X-Conversation-Id: an answer carries the id of its question",
            expected=f"the id of a {route.answers} that {asker} sent to {sender}",
            found=identity.conversation or "nothing",
            severity=severity,
        )
    ]

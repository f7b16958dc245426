"""What a sender's message id stands for: the body, and what was said beside it of the type and its
version, the receivers, the conversation and its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import pydantic_core

from exchange.ports import Identity
from exchange.ports.ledger import DeliveryRow, MessageRow
from exchange.schemas.violation import Violation

RULE = "message-id.reused"
REASON = "message-id-reused"
#: The member of a message's detail that says by which version of its type it was judged, where that
#: is not the type's own.
SCHEMA_VERSION = "schema_version"


def identity_digest(message_type: str, identity: Identity) -> bytes:
    """The digest (BLAKE2b-128) of what a message says beside its body."""
    said = (message_type, sorted(identity.receivers), identity.conversation, identity.ordered)
    return blake2b(ascii(said).encode(), digest_size=16).digest()


def schema_version(detail: str) -> str:
    """The version of its type by which a message with this detail was judged; empty: its own."""
    # (A detail may be long, and hardly any says so.)
    if f'"{SCHEMA_VERSION}"' not in detail:
        return ""
    return str(pydantic_core.from_json(detail).get(SCHEMA_VERSION, ""))


def differences(
    original: MessageRow,
    sent: Sequence[DeliveryRow],
    again: MessageRow,
    identity: Identity,
    routed: Sequence[DeliveryRow] = (),
) -> list[Violation]:
    """In what a message differs from the one (with the deliveries `sent`) that was accepted under
    its id before; empty when it is the same.

    `routed` is where it would go now, empty when it is refused. Who names the default receiver and
    who names nobody say the same. What was stored without a digest of what it said (before revision
    0013) is compared with where it went, as far as it is known where this one goes.
    """
    found = []
    if original.digest != again.digest:
        found.append(
            Violation(
                RULE,
                "this message id was used before for other content",
                expected="a message id of its own for each message",
                found=original.sender_message_id,
            )
        )
    if original.message_type != again.message_type:
        found.append(_other("message type", original.message_type, again.message_type))
    was_judged, is_judged = schema_version(original.detail), schema_version(again.detail)
    if was_judged != is_judged:
        own = "the type's own"
        found.append(_other("schema version", was_judged or own, is_judged or own))
    if original.conversation != again.conversation:
        found.append(_other("conversation", original.conversation, again.conversation))
    if original.identity == again.identity or not (original.identity or routed):
        return found
    was, ordered = any(each.ordered for each in sent), identity.ordered
    if sent and sent[0].mode != "ask" and was != ordered:
        found.append(_other("order", "ordered" if was else "", "ordered" if ordered else ""))
    went, goes = {each.receiver for each in sent}, {each.receiver for each in routed}
    if went != goes if routed else not found:
        now = goes or identity.receivers
        found.append(_other("receiver", ", ".join(sorted(went)), ", ".join(sorted(now))))
    return found


def _other(what: str, before: str, now: str) -> Violation:
    return Violation(
        RULE,
        f"this message id was used before with another {what}",
        expected=f"{what}: {before or 'none'}, as before, or a message id of its own",
        found=now or "none",
    )

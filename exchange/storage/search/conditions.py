"""What a message must fulfil to be found, as a condition in SQL; by which index it is looked for is
not told here.
"""

from __future__ import annotations

from exchange.ports.rows import DEAD_LETTERED, REPEATED, MessageFilter
from exchange.storage.queries import CAUSE
from exchange.storage.search.persons import NAMED, digest_of

#: Filters that a column of the message equals. (The plus keeps SQLite from their indexes: the ids
#: that are looked at are named already.)
_COLUMNS = {
    name: f"+message.{name}=?"
    for name in (
        *("channel", "message_type", "sender", "endpoint", "conversation", "sender_message_id"),
        "process",
    )
}
_REFUSED_FOR = (
    "EXISTS (SELECT 1 FROM event WHERE event.message_id=message.id AND event.kind='rejected' AND "
    "+event.detail=?)"
)
_CAME_AGAIN = (
    "EXISTS (SELECT 1 FROM event WHERE event.message_id=message.id AND event.kind='duplicate')"
)
#: States of messages, with what is to be fulfilled; the others are those of deliveries.
_OF_MESSAGES = {
    "accepted": "+message.state='accepted'",
    "rejected": "+message.state='rejected'",
    REPEATED: _CAME_AGAIN,
}


def delivery_states(wanted: MessageFilter) -> tuple[str, ...]:
    """The states of which one of a message's deliveries is; nothing where any will do."""
    if wanted.state == DEAD_LETTERED:
        return "dead", "skipped"
    return (wanted.state,) if wanted.state and wanted.state not in _OF_MESSAGES else ()


def matching(wanted: MessageFilter) -> tuple[str, list[object]]:
    """What is added to a condition on messages, and its values. Receiver, state and cause of a
    delivery are those of one and the same.
    """
    told = [
        (condition, getattr(wanted, name))
        for name, condition in _COLUMNS.items()
        if getattr(wanted, name)
    ]
    if wanted.detail:
        told.append(("instr(message.detail,?)>0", wanted.detail))
    if wanted.person:
        told.append((NAMED, digest_of(wanted.person)))
    conditions, values = [text for text, _ in told], [value for _, value in told]
    if wanted.state in _OF_MESSAGES:
        conditions.append(_OF_MESSAGES[wanted.state])
    of_delivery = [
        (f"{column} IN ({','.join('?' * len(some))})", some)
        for column, some in (
            ("+delivery.receiver", (wanted.receiver,) if wanted.receiver else ()),
            ("+delivery.state", delivery_states(wanted)),
            (CAUSE, (wanted.reason,) if wanted.reason else ()),
        )
        if some
    ]
    if of_delivery:
        condition = (
            "EXISTS (SELECT 1 FROM delivery WHERE delivery.message_id=message.id AND "
            f"{' AND '.join(text for text, _ in of_delivery)})"
        )
        own = [value for _, some in of_delivery for value in some]
        if own == [wanted.reason]:
            condition = f"({_REFUSED_FOR} OR {condition})"
            own = [wanted.reason, wanted.reason]
        conditions.append(condition)
        values += own
    return "".join(f" AND {text}" for text in conditions), values

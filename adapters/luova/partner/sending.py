"""What every stub of Luova needs to send: the submit call, a day, a flow, what an answer is; no
partner's behaviour.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from exchange.adapters.luova.generate import headers_of
from exchange.partners.stub import Flow, Sending, Situation
from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from exchange.schemas.generated import Generated

SUBMIT = "/luova/v1/messages"
MAILBOX = "/luova/v1/mailbox"

#: What a partner sends unasked after a delivery: (the partner, the delivery's call, the
#: delivery's id, the situation). An answer follows from the delivery alone, so that a second
#: delivery of the same gets the same answer.
Answer = Callable[[Partner, Call, Situation], Sequence[Sending]]


def date_of(situation: Situation) -> datetime.date:
    """The day of a situation (UTC)."""
    return datetime.datetime.fromtimestamp(situation.now / 1000, datetime.UTC).date()


def submit(partner: Partner, message_type: str, generated: Generated, **headers: str) -> Sending:
    """One message through the submit endpoint."""
    own = {"X-API-Key": partner.key, **headers_of(message_type, generated), **headers}
    return Sending(Call("POST", SUBMIT, own, generated.body), items=generated.items)


def flow(
    message_type: str, partner: Partner, weight: float, make: Callable[[Situation], Sending]
) -> Flow:
    """A flow that is named after its type and its partner."""
    return Flow(
        name=f"{message_type} {partner.id}",
        partner=partner.id,
        message_type=message_type,
        weight=weight,
        make=make,
    )

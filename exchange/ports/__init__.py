"""The Protocols and value shapes between the journey and what surrounds it: channel, ledger, clock,
ids, transport; no behaviour.
"""

from exchange.ports.channel import Channel, Credentials, Endpoint, Watch, refuse_with_problem
from exchange.ports.delivery import (
    Attempted,
    Delivered,
    Delivery,
    RefusedByPartner,
    Transport,
    TryAgain,
    failed_with,
)
from exchange.ports.desk import Answered, Desk, Leased, Outcome
from exchange.ports.ledger import (
    CountKey,
    DeliveryRow,
    EventRow,
    Ledger,
    MessageRow,
    Record,
    Recorded,
    Remember,
    Remembered,
    Settlement,
)
from exchange.ports.message import (
    Context,
    Destination,
    Identity,
    Inbound,
    Mode,
    Parsed,
    Refusal,
    Verdict,
)
from exchange.ports.operators import Actor, AuditRow, Operator, Operators
from exchange.ports.time import Clock, Ids

__all__ = [
    "Actor",
    "Answered",
    "Attempted",
    "AuditRow",
    "Channel",
    "Clock",
    "Context",
    "Credentials",
    "CountKey",
    "Delivered",
    "Delivery",
    "DeliveryRow",
    "Desk",
    "Destination",
    "Endpoint",
    "EventRow",
    "Identity",
    "Ids",
    "Inbound",
    "Leased",
    "Ledger",
    "MessageRow",
    "Mode",
    "Operator",
    "Operators",
    "Outcome",
    "Parsed",
    "Record",
    "Recorded",
    "RefusedByPartner",
    "Refusal",
    "Remember",
    "Remembered",
    "Settlement",
    "Transport",
    "TryAgain",
    "Verdict",
    "Watch",
    "failed_with",
    "refuse_with_problem",
]

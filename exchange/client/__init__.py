"""The Python client of the exchange: send, fetch, be called; for programs and tests of partners.

`AsyncClient` is used with `await`; `Client` is the same for code without, and calls the same
functions: `client.call(luova.submit, ...)`. Each channel has a module. What the exchange refuses is
raised as a `Problem` with its `violations`.
"""

from exchange.client import eessi, income_register, kelmu, luova
from exchange.client.blocking import Client, Pushes
from exchange.client.connection import AsyncClient, Retries
from exchange.client.errors import (
    ClientError,
    Denied,
    NoAnswer,
    NotSigned,
    NotTheExchange,
    NotYet,
    Problem,
    Rejected,
    TryLater,
)
from exchange.client.pushes import AsyncPushes, Push, verify

__all__ = [
    "AsyncClient",
    "AsyncPushes",
    "Client",
    "ClientError",
    "Denied",
    "NoAnswer",
    "NotSigned",
    "NotTheExchange",
    "NotYet",
    "Problem",
    "Push",
    "Pushes",
    "Rejected",
    "Retries",
    "TryLater",
    "eessi",
    "income_register",
    "kelmu",
    "luova",
    "verify",
]

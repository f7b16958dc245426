"""Kelmu's endpoints: which address takes what from whom, by the technical interface (`api`) or the
user interface (`ui`); what they do is `listen`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from exchange.adapters.kelmu import interface
from exchange.adapters.kelmu.identify import (
    BULK,
    DOCUMENT,
    LIST,
    NOTICE,
    QUERY,
    REQUEST,
    REQUEST_ANSWER,
    TRANSFER,
    WITHDRAWAL,
    WORK_LIST,
)
from exchange.adapters.kelmu.listen import accept, ask, read_work_list, said
from exchange.ports import Endpoint
from exchange.ports.channel import Handler
from exchange.ports.description import Interface

BASE = "/kelmu/v1"
_WAYS = {"api": "technical interface", "ui": "user interface"}


def _endpoint(
    endpoint: str,
    path: str,
    summary: str,
    message_type: str,
    handler: Handler,
    described: Interface,
) -> Endpoint:
    return Endpoint(
        "POST",
        f"{BASE}{path}",
        summary,
        handler,
        takes_messages=True,
        said=partial(said, endpoint, message_type),
        interface=described,
    )


def _both(path: str, summary: str, message_type: str, described: Interface) -> Iterator[Endpoint]:
    """The same by either way, counted apart."""
    for endpoint, way in _WAYS.items():
        if message_type in (QUERY, LIST):
            handler: Handler = partial(ask, endpoint, message_type)
        elif message_type == WORK_LIST:
            handler = partial(read_work_list, endpoint)
        else:
            handler = partial(accept, endpoint, message_type)
        yield _endpoint(
            endpoint=endpoint,
            path=path if endpoint == "api" else f"/ui{path}",
            summary=f"{summary} ({way})",
            message_type=message_type,
            handler=handler,
            described=described,
        )


def _one(
    endpoint: str, path: str, summary: str, message_type: str, described: Interface
) -> Endpoint:
    handler = partial(ask if message_type == BULK else accept, endpoint, message_type)
    return _endpoint(
        endpoint=endpoint,
        path=path,
        summary=summary,
        message_type=message_type,
        handler=handler,
        described=described,
    )


_REQUESTS = "/information-requests"
ENDPOINTS = (
    *_both("/queries", "Query one person's benefit data", QUERY, interface.ASK),
    _one(
        "api",
        "/queries/bulk",
        "Query the benefit data of at most 1,000 persons",
        BULK,
        interface.ASK_BULK,
    ),
    *_both("/lists", "Ask for a list of a month", LIST, interface.ASK_LIST),
    *_both("/documents", "Send a client's documents to Kela", DOCUMENT, interface.SEND_DOCUMENT),
    *_both(
        "/work-lists",
        "Kela's information requests and notices that the organisation has",
        WORK_LIST,
        interface.READ_WORK_LIST,
    ),
    _one(
        "api",
        _REQUESTS,
        "Kela asks a county for statements",
        REQUEST,
        interface.REQUEST_INFORMATION,
    ),
    _one(
        "ui",
        f"{_REQUESTS}/{{id}}/answers",
        "A county answers Kela's request",
        REQUEST_ANSWER,
        interface.ANSWER,
    ),
    _one(
        "api",
        f"{_REQUESTS}/{{id}}/withdrawals",
        "Kela withdraws a request",
        WITHDRAWAL,
        interface.WITHDRAW,
    ),
    _one(
        "api",
        "/notices",
        "Kela gives notice to who provides social services",
        NOTICE,
        interface.GIVE_NOTICE,
    ),
    _one(
        "ui",
        "/notices/{id}/transfers",
        "An official moves a notice to another authority",
        TRANSFER,
        interface.TRANSFER_NOTICE,
    ),
)

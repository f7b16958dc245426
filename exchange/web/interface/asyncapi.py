"""/api/asyncapi.json: the calls that partners get and the mailboxes that they fetch from, described
in AsyncAPI 3.0; the calls that they make stand in the OpenAPI document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from exchange.ports import Channel, Endpoint
from exchange.ports.channel import Push
from exchange.ports.description import Parameter, Schema, members
from exchange.schemas.call import JSON
from exchange.schemas.catalogue import Catalogue, MessageType
from exchange.web.interface import components
from exchange.web.interface.openapi import push_headers

VERSION = "3.0.0"
PATH = "/api/asyncapi.json"
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the exchange sends at one address: by calling it below a partner's, or from a mailbox
    that is read there.
    """

    key: str
    path: str
    method: str
    summary: str
    text: str
    types: list[MessageType]
    headers: Schema | None = None


def describe(
    channels: Iterable[Channel], shapes: Mapping[str, Schema], catalogue: Catalogue
) -> dict[str, Any]:
    """The whole document, seen from the exchange: it sends all that it describes."""
    channels = tuple(channels)
    addresses: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for channel in channels:
        for push in channel.pushes:
            types = _known(push.types, catalogue)
            _add(addresses, operations, _pushed(channel, push, types))
        for endpoint in channel.endpoints:
            if types := _known(endpoint.interface.gives_out, catalogue):
                _add(addresses, operations, _fetched(channel, endpoint, types))
    own = {name: each for of in channels for name, each in of.shapes.items()}
    schemas = {**shapes, **own, **components.message_schemas(catalogue)}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "The exchange: what it pushes, and what waits in mailboxes",
            "version": "1",
            "description": "A partner with an address in the directory is called below it; one "
            "with a mailbox fetches. Deliveries come at least once: by the same X-Delivery-Id.",
        },
        "defaultContentType": JSON,
        "channels": addresses,
        "operations": operations,
        "components": {
            "schemas": {name: _without_links(each) for name, each in schemas.items()},
        },
    }


def _known(names: Iterable[str], catalogue: Catalogue) -> list[MessageType]:
    return [each for name in names if (each := catalogue.get(name)) is not None]


def _add(addresses: dict[str, Any], operations: dict[str, Any], sent: Sent) -> None:
    """A channel of the document and the one operation on it: the exchange sends."""
    parameters = {each: {"description": "Its id"} for each in _PARAMETER.findall(sent.path)}
    addresses[sent.key] = {
        "address": sent.path,
        "description": sent.text,
        "messages": {_key(each.name): _message(each, sent.headers) for each in sent.types},
        **({"parameters": parameters} if parameters else {}),
    }
    operations[f"send-{sent.key}"] = {
        "action": "send",
        "summary": sent.summary,
        "channel": {"$ref": f"#/channels/{sent.key}"},
        "bindings": {"http": {"method": sent.method, "bindingVersion": "0.3.0"}},
    }


def _pushed(channel: Channel, push: Push, types: list[MessageType]) -> Sent:
    headers = push_headers(push)
    return Sent(
        key=f"{channel.name}-push-{_key(push.path)}",
        path=push.path,
        method="POST",
        summary=push.summary,
        text=f"POST {{partner}}{push.path}. {push.answer}",
        types=types,
        headers=members(
            {each.name: _header(each) for each in headers if each.required},
            **{each.name: _header(each) for each in headers if not each.required},
        ),
    )


def _header(parameter: Parameter) -> Schema:
    return {**parameter.schema, "description": parameter.text}


def _fetched(channel: Channel, endpoint: Endpoint, types: list[MessageType]) -> Sent:
    return Sent(
        key=f"{channel.name}-mailbox",
        path=endpoint.path,
        method=endpoint.method,
        summary=endpoint.summary,
        text="Each message comes inside a letter, under a lease, until it is acknowledged: the "
        "OpenAPI document has the form of the call.",
        types=types,
    )


def _message(message_type: MessageType, headers: Schema | None) -> dict[str, Any]:
    names = components.names_of(message_type)
    return {
        "name": message_type.name,
        "title": message_type.titles["en"],
        "summary": f"{message_type.basis}. {message_type.source}",
        "contentType": JSON if message_type.format == "json" else "text/xml",
        "payload": components.one_of(names),
        **({"headers": headers} if headers else {}),
    }


def _without_links(schema: Schema) -> Schema:
    """A link relative to the server is none in AsyncAPI: it is told beside the standard's members."""
    linked = schema.get("externalDocs")
    if linked is None:
        return schema
    return {
        **{key: each for key, each in schema.items() if key != "externalDocs"},
        "x-xsd": linked["url"],
    }


def _key(text: str) -> str:
    """A name that AsyncAPI takes as a key."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")

"""The AsyncAPI document is one, by the models of a library, and has every push and every mailbox."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import jsonschema
import pytest

from exchange.schemas.call import JSON
from tests.journeys.running import Running

with warnings.catch_warnings():  # of its own field names
    warnings.simplefilter("ignore")
    from asyncapi3.models import AsyncAPI3

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Names of components with dots, which AsyncAPI 3.0 takes and the library does not.
DOTTED = re.compile(r'"(#/components/schemas/)?([A-Za-z_-]+)\.([A-Za-z0-9.-]+)"')


def without_dots(document: Any) -> Any:
    """The document with hyphens for the dots in the names of its schemas."""
    text = DOTTED.sub(lambda found: found[0].replace(".", "-"), json.dumps(document))
    return json.loads(text)


async def test_the_document_is_valid(asyncapi: Any) -> None:
    AsyncAPI3.model_validate(without_dots(asyncapi))
    broken = without_dots(asyncapi)
    next(iter(broken["operations"].values()))["action"] = "shout"
    with pytest.raises(ValueError, match="action"):
        AsyncAPI3.model_validate(broken)


async def test_every_push_and_every_mailbox_is_there(served: Running, asyncapi: Any) -> None:
    addresses = {each["address"] for each in asyncapi["channels"].values()}
    for channel in served.exchange.channels.values():
        assert {push.path for push in channel.pushes} <= addresses
        for endpoint in channel.endpoints:
            assert bool(endpoint.interface.gives_out) == (endpoint.path.endswith("/mailbox"))
            assert not endpoint.interface.gives_out or endpoint.path in addresses
    sent = {each["channel"]["$ref"].rpartition("/")[2] for each in asyncapi["operations"].values()}
    assert sent == {*asyncapi["channels"]}


async def test_every_payload_has_a_schema_that_takes_its_example(
    asyncapi: Any, openapi: Any
) -> None:
    names = set()
    for channel in asyncapi["channels"].values():
        for message in channel["messages"].values():
            schema = {**message["payload"], "components": asyncapi["components"]}
            example = openapi["components"]["examples"][message["name"]]["value"]
            jsonschema.Draft202012Validator(schema).validate(example)
            assert message["contentType"] == ("text/xml" if isinstance(example, str) else JSON)
            names.add(message["name"])
    assert len(names) > 50

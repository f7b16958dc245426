"""JSON of our own: names in snake_case, times as RFC 3339 writes them. Formats of others are
theirs, and what a channel's protocol says stays as partners' programs read it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from exchange.web.api.schemas import SCHEMAS
from tests.architecture.tree import PRODUCT, Source, sources

CAMEL_CASE = re.compile(r"[a-z]+[a-z0-9]*[A-Z]\w*")
SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
#: Names that say that a value is a time.
TIME = re.compile(r"(^|_)(at|since|until|time|timestamp)$")

#: Modules that write a format of others, in its names.
OF_OTHERS = (
    "adapters/eessi/",  # RINA's JSON
    "exchange/client/eessi.py",  # the same
    "adapters/luova/families/population/",  # the VTJ change interface
    "adapters/population_register/",  # the same
    "schemas/x_road/",  # the names of X-Road's identifiers and header fields
    "adapters/luova/families/tax/",  # fields of a message, modelled after the tax card
    "exchange/publication/charts/specifications.py",  # Vega-Lite
    "exchange/publication/charts/vega_lite.py",
    "exchange/publication/data_package.py",
    "exchange/web/interface/",
    "benchmarks/mock_servers.py",
)
#: JSON Schema's own keywords.
KEYWORDS = {
    *("additionalProperties", "contentMediaType", "exclusiveMinimum", "maxItems"),
    *("allOf", "maxLength", "minItems", "minLength", "oneOf", "anyOf"),
}
#: Names of a channel's protocol. Another version of the exchange gives a duplicate the same
#: receipt, byte for byte, so that a name in it can't change within a version of the protocol.
PROTOCOL = {
    "adapters/luova/answer.py": {
        *("messageType", "messageId", "receivedAt", "leaseUntil", "contentType"),
    },
    "adapters/luova/interface.py": {
        *("messageType", "messageId", "receivedAt", "leaseUntil", "contentType"),
    },
    "adapters/luova/batch.py": {"createdAt"},
    "adapters/luova/partner/stub.py": {"receivedBy"},
}


def camel_cased(source: Source) -> Iterator[str]:
    """Names in camelCase that a module gives to members of objects."""
    if source.name.startswith(OF_OTHERS):
        return
    kept = KEYWORDS | PROTOCOL.get(source.name, set())
    for node in ast.walk(source.syntax):
        names: list[ast.expr | None] = [*node.keys] if isinstance(node, ast.Dict) else []
        for name in names:
            if (
                isinstance(name, ast.Constant)
                and isinstance(name.value, str)
                and CAMEL_CASE.fullmatch(name.value)
                and name.value not in kept
            ):
                yield f"{source.name}:{name.lineno} names a member {name.value}: snake_case"


def members(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The members of objects in a JSON schema, however deep, with their schemas."""
    for name, value in schema.get("properties", {}).items():
        yield name, value
        yield from members(value)
    inner = [schema.get("items"), schema.get("additionalProperties"), *schema.get("oneOf", ())]
    for each in inner:
        if isinstance(each, Mapping):
            yield from members(each)


def ill_formed(component: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """Members of an object of the operators' API with another name or time than the rule wants."""
    for name, value in members(schema):
        if not SNAKE_CASE.fullmatch(name):
            yield f"{component}.{name} is not in snake_case"
        if TIME.search(name) and value.get("format") != "date-time":
            yield f"{component}.{name} is a time: a string in the format date-time (RFC 3339)"


def test_members_of_objects_are_in_snake_case() -> None:
    every = sources(*PRODUCT, "benchmarks", "loadtests")
    assert [complaint for source in every for complaint in camel_cased(source)] == []


def test_the_operators_api_has_its_names_in_snake_case_and_its_times_in_rfc_3339() -> None:
    found = [each for name, schema in SCHEMAS.items() for each in ill_formed(name, schema)]
    assert found == []


def test_nothing_is_listed_that_is_no_longer_there() -> None:
    texts = {source.name: source.text for source in sources(*PRODUCT)}
    assert [
        f"{file}: {name}"
        for file, kept in PROTOCOL.items()
        for name in kept
        if f'"{name}"' not in texts[file]
    ] == []


@pytest.mark.parametrize("name", ["receivedAt", "messageType2X"])
def test_a_new_name_in_camel_case_is_found(name: str) -> None:
    assert list(camel_cased(Source("exchange/web/api/operations.py", f"x = {{'{name}': 1}}\n")))
    assert list(ill_formed("New", {"properties": {name: {"type": "string"}}}))
    assert not list(
        camel_cased(Source("exchange/publication/charts/vega_lite.py", f"x = {{'{name}': 1}}\n"))
    )


def test_a_new_time_in_milliseconds_is_found() -> None:
    inner = {"properties": {"received_at": {"type": "integer"}}}
    assert list(ill_formed("New", {"properties": {"list": {"type": "array", "items": inner}}}))
    told = {"received_at": {"type": "string", "format": "date-time"}}
    assert not list(ill_formed("New", {"properties": told}))

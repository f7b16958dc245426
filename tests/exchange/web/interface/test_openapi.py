"""The OpenAPI document leaves nothing out, and its examples and links hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from lxml import etree

from exchange.schemas.catalogue import Catalogue
from tests.journeys.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")

_INCLUDES = (
    "{http://www.w3.org/2001/XMLSchema}include",
    "{http://www.w3.org/2001/XMLSchema}import",
)


def operations(openapi: Any) -> Iterator[tuple[str, str, Any]]:
    """Every operation of the document: method, path and what describes it."""
    for path, methods in openapi["paths"].items():
        for method, described in methods.items():
            yield method, path, described


async def test_every_body_and_every_answer_has_a_schema(served: Running, openapi: Any) -> None:
    of_channels = {channel.name for channel in served.exchange.channels.values()}
    bodies, answers = 0, 0
    for method, path, described in operations(openapi):
        if not of_channels & set(described["tags"]):
            continue
        assert (method == "post") == ("requestBody" in described), path
        for media_type, media in described.get("requestBody", {}).get("content", {}).items():
            assert media["schema"], (path, media_type)
            bodies += 1
        for status, response in described["responses"].items():
            if "content" not in response:
                raise AssertionError(f"{method} {path} {status} tells no body")
            assert all(media["schema"] for media in response["content"].values()), (path, status)
            answers += 1
    for name, methods in openapi["webhooks"].items():
        content = methods["post"]["requestBody"]["content"]
        assert content, name
        assert any("schema" in media for media in content.values()), name
    assert bodies > 30 < answers


async def test_every_example_is_valid_by_its_schema(openapi: Any) -> None:
    schemas, examples = openapi["components"]["schemas"], openapi["components"]["examples"]
    assert {each.name for each in Catalogue.load()} == {*examples}
    for message_type in Catalogue.load():
        value = examples[message_type.name]["value"]
        schema = {**schemas[message_type.name], "components": openapi["components"]}
        jsonschema.Draft202012Validator(schema).validate(value)
        assert isinstance(value, str) == (message_type.format == "xml")


async def test_no_schema_has_a_title_that_a_generator_would_name_a_class_by(openapi: Any) -> None:
    named = openapi["components"]["schemas"]
    assert [name for name, schema in named.items() if "title" in schema] == []


async def test_every_named_body_of_our_own_api_has_an_example_that_is_valid(openapi: Any) -> None:
    seen = 0
    for method, path, described in operations(openapi):
        if "operators" not in described["tags"]:
            continue
        for each in (described.get("requestBody", {}), *described["responses"].values()):
            for media in each.get("content", {}).values():
                schema = media.get("schema", {})
                if "$ref" not in schema.get("items", schema):
                    continue
                told = f"{method} {path}"
                judged = {**schema, "components": openapi["components"]}
                judge = jsonschema.Draft202012Validator
                judge(judged, format_checker=judge.FORMAT_CHECKER).validate(media["example"])
                (value,) = media["example"] if "items" in schema else (media["example"],)
                name = schema.get("items", schema)["$ref"].rpartition("/")[2]
                named = openapi["components"]["schemas"][name].get("properties", value)
                # (Rows of counters are named by the dimensions that were asked for.)
                assert name == "Count" or set(value) <= set(named), told
                seen += 1
    assert seen > 60


async def test_every_linked_schema_is_served_with_what_it_includes(
    served: Running, openapi: Any
) -> None:
    linked = [
        schema["externalDocs"]["url"]
        for schema in openapi["components"]["schemas"].values()
        if "externalDocs" in schema
    ]
    assert len(linked) > 40
    seen: set[str] = set()
    while linked:
        if (url := linked.pop()) in seen:
            continue
        seen.add(url)
        status, headers, body = await served.get(url)
        assert (status, headers["Content-Type"]) == (200, "text/xml"), url
        for each in etree.fromstring(body).iter(*_INCLUDES):
            if location := each.get("schemaLocation"):
                linked.append(f"{url.rpartition('/')[0]}/{location}")


@pytest.mark.parametrize("name", ["models.py", "none.xsd", "..%2Fguard.py", "types.xsd%00"])
async def test_nothing_but_schemas_is_served(served: Running, name: str) -> None:
    for folder in ("/kelmu", "/..%2Fpension", ""):
        assert (await served.get(f"/api/schemas{folder}/{name}"))[0] in (400, 404)


async def test_the_page_shows_every_operation_and_loads_nothing(
    served: Running, openapi: Any
) -> None:
    status, headers, body = await served.get("/docs?lang=sv")
    page = body.decode()
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in page
    assert '<html lang="sv">' in page
    assert '<div lang="en">' in page, "its frame is in the reader's language, what it tells is not"
    assert "bara på engelska" in page
    assert 'href="/docs?lang=sv" aria-current="page"' in page
    loaded = re.findall(r'(?:src|href)="([^"#][^"]*)"', page)
    assert all(re.match(r"/(?!/)|\?lang=", each) for each in loaded), loaded
    for _, path, described in operations(openapi):
        assert f'id="{described["operationId"]}"' in page
        assert path in page
    for name in openapi["components"]["schemas"]:
        assert f'id="schema-{name}"' in page

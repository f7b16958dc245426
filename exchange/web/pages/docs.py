"""What /docs shows: the OpenAPI document as HTML, in English, made here, so that reading it loads
nothing from anywhere and runs no script.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

PATH = "/docs"
_TEMPLATES = Path(__file__).with_name("templates")
_METHODS = ("get", "post", "put", "delete")

Shown = tuple[str, str, Mapping[str, Any]]


def render(document: Mapping[str, Any]) -> Markup:
    """What stands in the page of a document."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["indented"] = _indented
    html = environment.get_template("interface.html").render(
        info=document["info"],
        sections=[
            (
                tag,
                [*_operations(document, tag["name"])],
                [*_pushes(document, tag["name"])],
            )
            for tag in document["tags"]
        ],
        schemas=sorted(document["components"]["schemas"].items()),
        examples=document["components"]["examples"],
    )
    return Markup(html)


def _operations(document: Mapping[str, Any], tag: str) -> Iterator[Shown]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods and tag in methods[method]["tags"]:
                yield method.upper(), path, methods[method]


def _pushes(document: Mapping[str, Any], tag: str) -> Iterator[Shown]:
    for name, methods in document["webhooks"].items():
        if tag in methods["post"]["tags"]:
            yield "POST", "{partner}" + name.partition(" ")[2], methods["post"]


def _indented(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)

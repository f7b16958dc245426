"""The addresses of the descriptions: OpenAPI, AsyncAPI, the XSDs and the page that shows them; what
they say is made when it is first asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from aiohttp import web
from markupsafe import Markup

from exchange.ports import Channel
from exchange.ports.description import Schema
from exchange.schemas.catalogue import Catalogue
from exchange.web.access.guard import ACTOR
from exchange.web.interface import asyncapi, openapi
from exchange.web.interface.components import SCHEMAS_PATH, SHARED_PATH, xsd
from exchange.web.operation import Operation, problem_response
from exchange.web.pages.docs import PATH as PAGE
from exchange.web.pages.docs import render
from exchange.web.pages.layout import MENU, page


class Documents:
    """The handlers. `operations` are all of our own but these."""

    def __init__(
        self,
        channels: Iterable[Channel],
        operations: Sequence[Operation],
        shapes: Mapping[str, Schema],
        catalogue: Catalogue,
        samples: Mapping[str, Path],
        examples: Mapping[str, Any],
    ) -> None:
        self._channels = tuple(channels)
        self._operations = operations
        self._shapes = shapes
        self._catalogue = catalogue
        self._samples = samples
        self._examples = examples

    def operations(self) -> list[Operation]:
        """Every operation: what is described needs no key."""
        any_object = {"type": "object"}
        return [
            Operation("GET", openapi.PATH, self.openapi, any_object, role=""),
            Operation("GET", asyncapi.PATH, self.asyncapi, any_object, role=""),
            *(
                Operation(
                    "GET",
                    path,
                    self.schema,
                    {"type": "string"},
                    media_type="text/xml",
                    problems=(404,),
                    role="",
                )
                for path in (SCHEMAS_PATH, SHARED_PATH)
            ),
            Operation("GET", PAGE, self.page, {"type": "string"}, media_type="text/html", role=""),
        ]

    @cached_property
    def _openapi(self) -> dict[str, Any]:
        return openapi.OpenApi(
            channels=self._channels,
            operations=[*self._operations, *self.operations()],
            shapes=self._shapes,
            catalogue=self._catalogue,
            samples=self._samples,
            examples=self._examples,
        ).document()

    @cached_property
    def _openapi_bytes(self) -> bytes:
        return json.dumps(self._openapi, ensure_ascii=False).encode()

    @cached_property
    def _asyncapi_bytes(self) -> bytes:
        document = asyncapi.describe(self._channels, self._shapes, self._catalogue)
        return json.dumps(document, ensure_ascii=False).encode()

    @cached_property
    def _described(self) -> Markup:
        return render(self._openapi)

    async def openapi(self, request: web.Request) -> web.Response:
        """This description of every address."""
        return web.Response(body=self._openapi_bytes, content_type="application/json")

    async def asyncapi(self, request: web.Request) -> web.Response:
        """The description of pushes and mailboxes (AsyncAPI)."""
        return web.Response(body=self._asyncapi_bytes, content_type="application/json")

    async def schema(self, request: web.Request) -> web.Response:
        """An XSD of a family of message types."""
        family = request.match_info.get("family", "")
        found = xsd(self._catalogue, family, request.match_info["file"])
        if found is None:
            return problem_response(
                404, "No such schema", f"{openapi.PATH} links every schema that there is"
            )
        return web.Response(body=found, content_type="text/xml")

    async def page(self, request: web.Request) -> web.Response:
        """The description as a page."""
        # (The other pages are for those who may look at them.)
        menu = MENU if ACTOR in request else ()
        return page(request, "docs.html", described=self._described, menu=menu)

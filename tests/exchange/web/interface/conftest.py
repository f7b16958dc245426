"""An exchange for the tests of its description, and the documents that it serves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.journeys.running import Running, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("interface")) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def openapi(served: Running) -> Any:
    """The OpenAPI document that is served."""
    return json.loads((await served.get("/api/openapi.json"))[2])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asyncapi(served: Running) -> Any:
    """The AsyncAPI document that is served."""
    return json.loads((await served.get("/api/asyncapi.json"))[2])

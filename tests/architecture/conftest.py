"""Lets go of the parsed sources when the last test of this folder is done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.architecture.tree import parsed


@pytest.fixture(scope="package", autouse=True)
def sources_are_let_go() -> Iterator[None]:
    """A million objects, through which every search for garbage would go."""
    yield
    parsed.cache_clear()

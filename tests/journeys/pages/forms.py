"""Forms sent to pages as a browser without JavaScript sends them."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
from lxml import html

from tests.journeys.running import Running


def form(fields: Iterable[tuple[str, str]]) -> aiohttp.FormData:
    """A form with these fields."""
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields:
        data.add_field(name, value)
    return data


async def posted(
    gateway: Running, path: str, *fields: tuple[str, str], language: str = "en"
) -> tuple[int, html.HtmlElement]:
    """Status and page of a form, after it led on."""
    url, headers = f"{gateway.url}{path}?lang={language}", {"Origin": gateway.url}
    async with gateway.session.post(url, data=form(fields), headers=headers) as response:
        return response.status, html.document_fromstring(await response.text())

"""A request and a reply of HTTP as plain values, so that channels and stubs need no web framework;
nothing that sends them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pydantic_core

from exchange.schemas.value import value

XML = "text/xml; charset=utf-8"
JSON = "application/json"
PROBLEM = "application/problem+json"
#: What must not stand in an address: it would begin another line, or end the address.
BREAKS = re.compile(r"[\x00-\x20\x7f]")


@value
class Call:
    """A request. `headers` is case-insensitive where it comes from a server; `parameters` are the
    parts of the path, `scheme` is `https` where the call came over TLS.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    query: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    scheme: str = "http"

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case; empty when none was named."""
        return media_type(self.headers.get("Content-Type", ""))


def is_http_address(text: str) -> bool:
    """Whether it is `http` or `https`, a host, perhaps a port and a path, and nothing else."""
    try:
        parts = urlsplit(text)
        well = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        # (An empty or too long part of a host's name raises as well.)
        (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    more = parts.query or parts.fragment or parts.username
    return well and not more and not BREAKS.search(text)


def media_type(named: str) -> str:
    """The media type without its parameters, in lower case."""
    return named.partition(";")[0].strip().lower()


@value
class Reply:
    """A response: status, body and its media type, further headers."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def retry_after_seconds(reply: Reply, now: int) -> float:
    """The seconds that a reply asks to wait, by its header Retry-After (RFC 9110, 10.2.3: seconds
    or a date); 0 where there is none, or one that makes no sense. `now` is in milliseconds.
    """
    text = next(
        (value for name, value in reply.headers.items() if name.lower() == "retry-after"), ""
    ).strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
        # HTTP's dates are in GMT, also in the old form that does not say so.
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return max(0.0, seconds - now / 1000)


def json_reply(
    value: Any,
    status: int = 200,
    content_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """A reply with `value` as JSON, in UTF-8 and without needless spaces."""
    body = pydantic_core.to_json(value)
    return Reply(status, body, content_type, headers or {})


def problem(status: int, title: str, detail: str = "", **members: Any) -> Reply:
    """A problem document (RFC 9457): `type`, `title`, `status`, `detail` and whatever members are
    given.
    """
    slug = title.lower().replace(" ", "-").replace("'", "")
    value: dict[str, Any] = {
        "type": f"urn:exchange:problem:{slug}",
        "title": title,
        "status": status,
    }
    if detail:
        value["detail"] = detail
    value.update(members)
    headers = (
        {"Retry-After": str(members["retry_after_seconds"])}
        if "retry_after_seconds" in members
        else {}
    )
    return json_reply(value, status, PROBLEM, headers)

"""Whether a request came to a host that is ours and from a page that is ours, by its
headers: against rebound names and foreign pages.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection

from aiohttp import hdrs, web

_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#@]+)")
_PORTS = {"http": 80, "https": 443}
#: What may be an address in X-Forwarded-For or Forwarded.
_ADDRESS = re.compile(r"\d+(?:\.\d+){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]+")

#: Headers by which a proxy says that it hands on somebody else's request.
FORWARDED = (
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Real-IP",
    "Via",
)


def is_loopback(host: str) -> bool:
    """Whether a host that is bound is this machine's loopback; a name other than `localhost` is
    not.
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def plain(host: str) -> str:
    """A host as it is compared: in small letters, an IPv6 address without brackets."""
    return host.strip("[]").lower()


def is_forwarded(request: web.BaseRequest) -> bool:
    """Whether a proxy says that it hands the request on."""
    return any(name in request.headers for name in FORWARDED)


def is_our_host(request: web.BaseRequest, hosts: Collection[str]) -> bool:
    """Whether the request names one Host, and it is one of `hosts` (see `plain`), on any port."""
    named = request.headers.getall(hdrs.HOST, [])
    # (The host of a request whose target is a whole address is that one's.)
    return len(named) == 1 and all(
        (found := _AUTHORITY.fullmatch(text.lower())) is not None and plain(found["host"]) in hosts
        for text in (named[0], request.host)
    )


def is_our_page(request: web.BaseRequest) -> bool:
    """Whether the request's Origin, where it has one, is the very host and port that it calls."""
    named = request.headers.getall(hdrs.ORIGIN, [])
    if not named:
        return True
    origin = _ORIGIN.fullmatch(named[0].lower()) if len(named) == 1 else None
    if origin is None:
        return False
    port = _PORTS[origin["scheme"]]
    ours = _split(request.headers.get(hdrs.HOST, "").lower(), port)
    return ours is not None and _split(origin["authority"], port) == ours


def _split(authority: str, port: int) -> tuple[str, int] | None:
    found = _AUTHORITY.fullmatch(authority)
    return (plain(found["host"]), int(found["port"] or port)) if found else None


def address_of(request: web.BaseRequest) -> str:
    """Where a request came from: the peer, and for which addresses a proxy says that it hands it on
    (which is only said). Nothing else of such a header is kept: anybody may write anything there.
    """
    peer = request.remote or "?"
    told = request.headers.get("X-Forwarded-For", "") or request.headers.get("Forwarded", "")
    kept = [each for each in _ADDRESS.findall(told[:200]) if _is_address(each)]
    return f"{peer} (forwarded for {', '.join(kept)})" if kept else peer


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

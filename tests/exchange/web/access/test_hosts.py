"""What is kept of where a request came from: addresses, and nothing else that anybody wrote."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from exchange.web.access.hosts import address_of


@pytest.mark.parametrize(
    ("name", "told", "kept"),
    [
        ("X-Forwarded-For", "192.0.2.1, 10.0.0.1:4711", "192.0.2.1, 10.0.0.1"),
        ("X-Forwarded-For", "2001:db8::1:2, ::ffff:192.0.2.1", "2001:db8::1:2, ::ffff:192.0.2.1"),
        ("Forwarded", 'for="[2001:db8::17]:4711";proto=http', "2001:db8::17"),
        ("Forwarded", "for=_hidden, for=192.0.2.60;by=203.0.113.43", "192.0.2.60, 203.0.113.43"),
        ("X-Forwarded-For", "secret-of-a-caller 010190-123A", ""),
        ("X-Forwarded-For", "999.1.1.1, 1.2.3, :80, a:b", ""),
    ],
)
def test_of_what_a_proxy_says_addresses_are_kept(name: str, told: str, kept: str) -> None:
    request = make_mocked_request("GET", "/", headers={name: told})
    peer = request.remote or "?"
    assert address_of(request) == (f"{peer} (forwarded for {kept})" if kept else peer)

"""A running security server for requests of our own making, and how they are sent to it as they
stand; no assertion.
"""

from __future__ import annotations

from typing import Any

from yarl import URL

from tests.journeys.running import Running

MEMBER = "FI-TEST/MUN/1234567-1"
CLIENT, KEYED = f"{MEMBER}/koe", f"{MEMBER}/avain"
#: One without a key, one that needs its partner's.
SETTINGS: dict[str, Any] = {
    "clients": {MEMBER: "municipality.espoo", CLIENT: "municipality.espoo", KEYED: "municipality.oulu"},
    "clients_without_key": (MEMBER, CLIENT),
}  # fmt: skip
UNKNOWN = "server.clientproxy.unknown_member"
NO_SERVICE = "server.serverproxy.unknown_service"


async def send(
    exchange: Running, method: str, path: str, headers: Any, body: Any = b""
) -> tuple[int, Any, bytes]:
    async with exchange.session.request(
        method,
        URL(exchange.url + path, encoded=True),
        data=body,
        headers=headers,
        allow_redirects=False,
        skip_auto_headers=("Content-Type", "Accept", "User-Agent"),
    ) as response:
        return response.status, response.headers, await response.read()

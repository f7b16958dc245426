"""REST requests to a security server: what their address and headers say, and the hash of one.

Source: pr-rest, and RestRequest, RestMessage and DigestCalculator of X-Road 7.8.1.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from urllib.parse import unquote

from exchange.schemas.value import value
from exchange.schemas.x_road.faults import Fault
from exchange.schemas.x_road.identifiers import PARTS, Identifier, client

BEGIN = "/r1/"
#: The header with the id that both servers record a call by, and that of an error of X-Road's own.
REQUEST_ID, ERROR = "X-Road-Request-Id", "X-Road-Error"
#: Headers that are not passed on, and so not in the hash.
SKIPPED = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "host",
        "content-length",
        "server",
        "expect",
        "x-road-request-id",
        "x-road-request-hash",
    )
)
_SERVICE_PARTS = 5

Headers = Sequence[tuple[str, str]]


@value
class RestRequest:
    """Who asks which service; `path` is the rest of the address as it was sent, with its slash, and
    `query` what follows the question mark. `client_sent` and `service_sent` are the identifiers as
    they were sent, which can stand in a header again: decoded, they may hold any character.
    """

    client: Identifier
    service: Identifier
    client_sent: str
    service_sent: str
    path: str
    query: str
    id: str
    security_server: str


def read(target: str, headers: Headers) -> RestRequest:
    """What a request says of itself; `target` is its path and query as they were sent.

    Raises:
        Fault: `internal_error` for an address without a service or a client of another form,
            `invalid_client_identifier` when there is none.
    """
    path, _, query = target.partition("?")
    parts = path[len(BEGIN) :].split("/")
    if len(parts) < _SERVICE_PARTS or not all(parts[:_SERVICE_PARTS]):
        raise Fault("server.clientproxy.internal_error", "the address names no service")
    named = dict(zip(PARTS, map(_decoded, parts[:_SERVICE_PARTS]), strict=False))
    said = {name.lower(): text for name, text in headers}
    return RestRequest(
        client=_client(said.get("x-road-client")),
        service=Identifier("SERVICE", named),
        client_sent=said["x-road-client"],
        service_sent="/".join(parts[:_SERVICE_PARTS]),
        path="".join(f"/{part}" for part in parts[_SERVICE_PARTS:]),
        query=query,
        id=said.get("x-road-id", ""),
        security_server=said.get("x-road-security-server", ""),
    )


def _client(said: str | None) -> Identifier:
    """A client by its header; of several headers the last counts."""
    if not said:
        message = "X-Road-Client is wanted"
        raise Fault("server.clientproxy.invalid_client_identifier", message)
    parts = [_decoded(each) for each in said.split("/")]
    if len(parts) not in (3, 4) or not all(parts):
        message = "X-Road-Client has three or four parts"
        raise Fault("server.clientproxy.internal_error", message)
    return client(parts)


def _decoded(part: str) -> str:
    return unquote(part, errors="replace")


def request_hash(
    method: str, target: str, headers: Headers, request_id: str, made_id: str, body: bytes
) -> str:
    """The hash of a request (Base64 of SHA-512): of its line, the headers passed on as they came,
    the request's id and, where the client gave none, the message id that was `made` for it; and of
    its body, when it has one.
    """
    lines = [method, target]
    lines += [f"{name}:{text}" for name, text in headers if name.lower() not in SKIPPED]
    lines.append(f"x-road-request-id:{request_id}")
    if made_id:
        lines.append(f"x-road-id:{made_id}")
    head = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")
    digest = hashlib.sha512(head).digest()
    if body:
        digest = hashlib.sha512(digest + hashlib.sha512(body).digest()).digest()
        return base64.b64encode(digest).decode()
    return base64.b64encode(digest).decode()

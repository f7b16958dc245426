"""Reads the body of a request within the limits, or says why it is refused: too large (413),
compressed, late or broken off; who may send one is not asked here.
"""

from __future__ import annotations

from aiohttp import hdrs, web

from exchange.ports import Refusal
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Violation
from exchange.web.connection_limits import NoRoom, RequestLate

RETRY_AFTER_SECONDS = 1
BUSY = Refusal("busy", 503, "the exchange is full; nothing was taken in", RETRY_AFTER_SECONDS)
SLOW = Refusal("timeout", 408, "the request did not arrive in time")
BROKEN_OFF = Refusal("broken-off", 400, "the body broke off, or its chunks are not what they say")
COMPRESSED = Refusal(
    reason="unsupported",
    status=415,
    message="a compressed body is not taken",
    retry_after_seconds=0,
    violations=(
        Violation("call.encoding", "the body is compressed", expected="no Content-Encoding"),
    ),
)


async def read_body(request: web.Request, partner: Partner, bytes_max: int) -> bytes | Refusal:
    """The body, refused before it is read when it says that it is too large, or as soon as it
    grows too large. `bytes_max` is the exchange's limit; the partner's own counts where it is less.
    """
    if not request.body_exists:
        return b""
    most = min(bytes_max, partner.body_bytes_max or bytes_max)
    length = request.content_length
    if length is not None and length > most:
        return too_large(most, f"{length} bytes")
    if hdrs.CONTENT_ENCODING in request.headers:
        return COMPRESSED
    try:
        reader = request.clone(client_max_size=most) if most < bytes_max else request
        return await reader.read()
    except web.HTTPRequestEntityTooLarge:
        return too_large(most)
    except RequestLate:
        return SLOW
    except NoRoom:
        return BUSY
    except (ConnectionError, web.RequestPayloadError):
        return BROKEN_OFF


def too_large(most: int, found: str = "") -> Refusal:
    """A body of more than `most` bytes; `found` says how large it is where that is known."""
    violation = Violation(
        "call.body-size", "the body is too large", expected=f"at most {most} bytes", found=found
    )
    return Refusal(
        reason="too-large",
        status=413,
        message=f"the body is larger than {most} bytes",
        retry_after_seconds=0,
        violations=(violation,),
    )

"""The receiving end of pushes: whether one is from the exchange, and a server that takes them, each
once.

The signature: `X-Signature` is `v1=` and the hexadecimal HMAC-SHA256, under the partner's callback
secret, of `X-Delivery-Id`, a full stop, `X-Timestamp`, a full stop, and the body.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from aiohttp import web

from exchange.client.errors import NotSigned, NotYet
from exchange.schemas.call import Reply, json_reply, problem
from exchange.schemas.value import value

#: How old, or how far ahead, the time of a push may be, in seconds.
AGE_SECONDS_MAX = 300
BODY_BYTES_MAX = 64 * 1024 * 1024


@value
class Push:
    """A call by the exchange. `message_id` is the sender's own id of the message."""

    path: str
    delivery_id: str
    message_type: str
    message_id: str
    sender: str
    body: bytes
    headers: Mapping[str, str]


#: What a partner answers to a push.
Answer = Callable[[Push], Reply]
#: Which pushes are meant.
Where = Callable[[Push], bool]


def anything(push: Push) -> bool:
    """Every push is meant."""
    return True


def received(push: Push) -> Reply:
    """What most channels want to hear: 200."""
    return json_reply({"received": True})


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> None:
    """Look whether a push is from the exchange, unchanged and new. `headers` are looked up by the
    names above; `now` is the time in seconds since 1970 UTC (None: the wall's).

    Raises:
        NotSigned: saying what is wrong.
    """
    given = {name.lower(): text for name, text in headers.items()}
    delivery, timestamp = given.get("x-delivery-id", ""), given.get("x-timestamp", "")
    # (Whoever sends a byte that is no text has signed nothing.)
    signed = f"{delivery}.{timestamp}.".encode(errors="replace") + body
    expected = f"v1={hmac.new(secret.encode(), signed, 'sha256').hexdigest()}"
    signature = given.get("x-signature", "")
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise NotSigned(
            "X-Signature is not that of this delivery, time and body under this secret"
            if signature
            else "X-Signature is missing"
        )
    at = time.time() if now is None else now
    if len(timestamp) > 12 or abs(at - int(timestamp)) > AGE_SECONDS_MAX:
        raise NotSigned(f"X-Timestamp is more than {AGE_SECONDS_MAX} seconds away")


class AsyncPushes:
    """Listens for pushes; takes each delivery once: what comes again is answered as it was at
    first, and what is not the exchange's with 401. `GET` of the path `journal`, where there is
    one, gives a line of JSON (`delivery_id`) for each delivery that was taken, in order, as
    `exchange onboard` reads them. Use it as an async context.
    """

    def __init__(
        self,
        secret: str,
        host: str = "127.0.0.1",
        port: int = 0,
        answer: Answer = received,
        now: Callable[[], float] = time.time,
        journal: str = "",
    ) -> None:
        self._secret = secret
        self._journal = journal
        self._host, self._port = host, port
        self._answer = answer
        self._now = now
        self._taken: dict[str, Push] = {}
        self._answered: dict[str, Reply] = {}
        self._news = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Listen no longer; what was received can still be read."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @property
    def address(self) -> str:
        """Where the exchange is to call: the `url` of the partner."""
        return f"http://{self._host}:{self._port}"

    def received(self, where: Where = anything) -> Sequence[Push]:
        """The pushes that were taken, in order; `where` chooses among them."""
        return [push for push in self._taken.values() if where(push)]

    async def await_received(
        self, count: int = 1, timeout_seconds: float = 10.0, where: Where = anything
    ) -> Sequence[Push]:
        """The same, once there are so many.

        Raises:
            NotYet: when there are fewer after that time.
        """
        try:
            async with asyncio.timeout(timeout_seconds), self._news:
                await self._news.wait_for(lambda: len(self.received(where)) >= count)
        except TimeoutError as error:
            raise NotYet(
                f"{len(self.received(where))} of {count} pushes came within {timeout_seconds:g} s; "
                f"of all kinds: {[push.message_type or push.path for push in self.received()]}"
            ) from error
        return self.received(where)

    async def _handle(self, request: web.Request) -> web.Response:
        if self._journal and (request.method, request.path) == ("GET", self._journal):
            lines = [json.dumps({"delivery_id": each}) + "\n" for each in self._taken]
            return web.Response(text="".join(lines), content_type="application/x-ndjson")
        body = await request.read()
        try:
            verify(self._secret, request.headers, body, self._now())
        except NotSigned as error:
            return _response(problem(401, "Not from the exchange", str(error)))
        push = _push_of(request, body)
        if push.delivery_id in self._taken:
            return _response(self._answered[push.delivery_id])
        reply = self._answer(push)
        if 200 <= reply.status < 300:
            async with self._news:
                self._taken[push.delivery_id] = push
                self._answered[push.delivery_id] = reply
                self._news.notify_all()
        return _response(reply)


def _push_of(request: web.Request, body: bytes) -> Push:
    headers = request.headers
    return Push(
        path=request.path,
        delivery_id=headers.get("X-Delivery-Id", ""),
        message_type=headers.get("X-Message-Type", "").partition(";")[0],
        message_id=headers.get("X-Sender-Message-Id", ""),
        sender=headers.get("X-Sender", ""),
        body=body,
        headers=dict(headers),
    )


def _response(reply: Reply) -> web.Response:
    headers = {**reply.headers, "Content-Type": reply.content_type}
    return web.Response(status=reply.status, body=reply.body, headers=headers)
